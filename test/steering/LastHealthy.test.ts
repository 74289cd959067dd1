import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import fc from "fast-check"
import { LastHealthy } from "../../src/steering/LastHealthy.ts"

const note = fc.tuple(fc.constantFrom("a.example", "b.example"), fc.boolean(), fc.array(fc.string(), { maxLength: 4 }))

describe("LastHealthy", () => {
  it("keeps the last sets that were not empty, and is read back as it was", () => {
    fc.assert(fc.property(fc.array(note), (notes) => {
      const lastHealthy = new LastHealthy()
      const expected = new Map<string, ReadonlyArray<string>>()
      for (const [name, ipv6, members] of notes) {
        const before = lastHealthy.get(name, ipv6)
        const changed = lastHealthy.note(name, ipv6, members)
        if (members.length > 0) expected.set(`${name} ${ipv6}`, members)
        assert.strictEqual(changed, !sameSet(before, lastHealthy.get(name, ipv6)))
      }
      const again = Result.getOrThrow(LastHealthy.decode(lastHealthy.encode()))
      for (const name of ["a.example", "b.example", "c.example"]) {
        for (const ipv6 of [false, true]) {
          const members = new Set(expected.get(`${name} ${ipv6}`) ?? [])
          assert.deepStrictEqual(lastHealthy.get(name, ipv6), members)
          assert.deepStrictEqual(again.get(name, ipv6), members)
        }
      }
    }))
  })

  it("keeps apart what names with the same list had before", () => {
    const lastHealthy = new LastHealthy()
    lastHealthy.note("a.example", false, ["A", "B"])
    lastHealthy.note("b.example", false, ["B", "C"])
    const both = ["A", "B"]
    assert.isFalse(lastHealthy.note("a.example", false, both))
    assert.isTrue(lastHealthy.note("b.example", false, both))
    assert.isFalse(lastHealthy.note("c.example", false, []))
    for (const name of ["a.example", "b.example"]) {
      assert.deepStrictEqual(lastHealthy.get(name, false), new Set(both))
      assert.isTrue(lastHealthy.note(name, false, ["C", "A"]))
      assert.isFalse(lastHealthy.note(name, false, ["A", "C"]), "the order does not count")
      assert.deepStrictEqual(lastHealthy.get(name, false), new Set(["A", "C"]))
    }
  })

  it("forgets names that are gone", () => {
    const lastHealthy = new LastHealthy()
    lastHealthy.note("a.example", false, ["A"])
    lastHealthy.note("b.example", true, ["B"])
    lastHealthy.retain((name) => name === "b.example")
    assert.strictEqual(lastHealthy.get("a.example", false).size, 0)
    assert.strictEqual(lastHealthy.get("b.example", true).size, 1)
  })

  it.each(["", "nonsense", "{}", '{"version":2,"names":{}}', '{"version":1,"names":{"a":{"ipv4":[1],"ipv6":[]}}}'])(
    "says what is wrong with %j",
    (content) => assert.isNotEmpty(Result.getOrThrow(Result.flip(LastHealthy.decode(content))))
  )
})

const sameSet = (a: ReadonlySet<string>, b: ReadonlySet<string>) => a.size === b.size && [...a].every((x) => b.has(x))
