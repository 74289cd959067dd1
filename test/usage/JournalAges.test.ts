import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { JournalAges } from "../../src/usage/JournalAges.ts"

const hour = 3_600_000
const day = 24 * hour

describe("JournalAges", () => {
  it("a journal is over when it was there while the node ran for 36 days, over restarts", () => {
    let ages = new JournalAges()
    ages.pass(["a"], day)
    for (let i = 0; i < 36 * 24; i++) {
      assert.isFalse(ages.isOver("a"))
      ages.pass(["a", "b"], hour)
      const next = new JournalAges()
      for (const record of ages.toRecords()) next.read(record)
      ages = next
    }
    assert.isTrue(ages.isOver("a"))
    assert.isFalse(ages.isOver("b"))
    assert.isFalse(ages.isOver("unknown"))
  })

  it("no look counts more than a day or less than nothing, and what is gone is forgotten", () => {
    fc.assert(fc.property(fc.array(fc.double({ noNaN: true }), { maxLength: 36 }), (all) => {
      const ages = new JournalAges()
      for (const ran of all) ages.pass(["a"], ran)
      assert.isFalse(ages.isOver("a"))
      ages.pass([], 0)
      assert.deepStrictEqual(ages.toRecords(), [])
    }))
  })

  it("reads what it wrote of many, and nothing of what it did not write", () => {
    const names = Array.from({ length: 1_201 }, (_, i) => `2026-06-10 ${i}`)
    const ages = new JournalAges()
    ages.pass(names, 0)
    ages.pass(names, hour)
    assert.lengthOf(ages.toRecords(), 3)
    const next = new JournalAges()
    for (const record of ages.toRecords()) next.read(record)
    assert.deepStrictEqual(next.toRecords(), ages.toRecords())
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => new JournalAges().read(text)))
    const other = new JournalAges()
    for (const record of ["null", "[]", "{", '{"a":-1,"b":"9e9","c":null}']) other.read(record)
    assert.deepStrictEqual(other.toRecords(), [])
  })
})
