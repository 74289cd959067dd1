import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import fc from "fast-check"
import { LastGood } from "../../src/steering/LastGood.ts"

const note = fc.tuple(fc.constantFrom("a.example", "b.example"), fc.boolean(), fc.array(fc.string(), { maxLength: 4 }))

describe("LastGood", () => {
  it("keeps the last sets that were not empty, and is read back as it was", () => {
    fc.assert(fc.property(fc.array(note), (notes) => {
      const lastGood = new LastGood()
      const expected = new Map<string, ReadonlyArray<string>>()
      for (const [name, ipv6, members] of notes) {
        const before = lastGood.get(name, ipv6)
        const changed = lastGood.note(name, ipv6, members)
        if (members.length > 0) expected.set(`${name} ${ipv6}`, members)
        assert.strictEqual(changed, !sameSet(before, lastGood.get(name, ipv6)))
      }
      const again = Result.getOrThrow(LastGood.decode(lastGood.encode()))
      for (const name of ["a.example", "b.example", "c.example"]) {
        for (const ipv6 of [false, true]) {
          const members = new Set(expected.get(`${name} ${ipv6}`) ?? [])
          assert.deepStrictEqual(lastGood.get(name, ipv6), members)
          assert.deepStrictEqual(again.get(name, ipv6), members)
        }
      }
    }))
  })

  it("keeps apart what names with the same list had before", () => {
    const lastGood = new LastGood()
    lastGood.note("a.example", false, ["A", "B"])
    lastGood.note("b.example", false, ["B", "C"])
    const both = ["A", "B"]
    assert.isFalse(lastGood.note("a.example", false, both))
    assert.isTrue(lastGood.note("b.example", false, both))
    assert.isFalse(lastGood.note("c.example", false, []))
    for (const name of ["a.example", "b.example"]) {
      assert.deepStrictEqual(lastGood.get(name, false), new Set(both))
      assert.isTrue(lastGood.note(name, false, ["C", "A"]))
      assert.isFalse(lastGood.note(name, false, ["A", "C"]), "the order does not count")
      assert.deepStrictEqual(lastGood.get(name, false), new Set(["A", "C"]))
    }
  })

  it("forgets names that are gone", () => {
    const lastGood = new LastGood()
    lastGood.note("a.example", false, ["A"])
    lastGood.note("b.example", true, ["B"])
    lastGood.retain((name) => name === "b.example")
    assert.strictEqual(lastGood.get("a.example", false).size, 0)
    assert.strictEqual(lastGood.get("b.example", true).size, 1)
  })

  it.each(["", "nonsense", "{}", '{"version":2,"names":{}}', '{"version":1,"names":{"a":{"ipv4":[1],"ipv6":[]}}}'])(
    "says what is wrong with %j",
    (content) => assert.isNotEmpty(Result.getOrThrow(Result.flip(LastGood.decode(content))))
  )
})

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>) => a.size === b.size && [...a].every((x) => b.has(x))
