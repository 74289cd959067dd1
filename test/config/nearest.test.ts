import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { editDistance, nearest, suggestion } from "../../src/config/nearest.ts"

const word = fc.string({ maxLength: 20 })

describe("editDistance", () => {
  it("counts what was typed wrongly", () => {
    assert.strictEqual(editDistance("", ""), 0)
    assert.strictEqual(editDistance("", "abc"), 3)
    assert.strictEqual(editDistance("Latitude", "Lattitude"), 1)
    assert.strictEqual(editDistance("kitten", "sitting"), 3)
    assert.strictEqual(editDistance("Name", "Nmae"), 1)
    assert.strictEqual(editDistance("name", "Name"), 1)
  })

  it("is a distance: zero for equal words only, the same both ways, at most the longer word", () => {
    fc.assert(fc.property(word, word, (a, b) => {
      const distance = editDistance(a, b)
      assert.strictEqual(distance, editDistance(b, a))
      assert.strictEqual(distance === 0, a === b)
      assert.isAtMost(distance, Math.max(a.length, b.length))
      assert.isAtLeast(distance, Math.abs(a.length - b.length))
    }))
  })

  it("one letter more is one step", () => {
    fc.assert(fc.property(word, fc.nat(20), fc.string({ minLength: 1, maxLength: 1 }), (a, i, letter) => {
      assert.strictEqual(editDistance(a, a.slice(0, i) + letter + a.slice(i)), 1)
    }))
  })

  it("is bounded for words of any length", () => {
    assert.isAtMost(editDistance("a".repeat(1_000_000), "b".repeat(1_000_000)), 64)
  })
})

describe("nearest", () => {
  const keys = ["Latitude", "Longitude", "Region"]

  it("finds what was probably meant, in any case, and nothing when nothing is close", () => {
    assert.strictEqual(nearest("latitude", keys), "Latitude")
    assert.strictEqual(nearest("Lattitude", keys), "Latitude")
    assert.strictEqual(nearest("longtitude", keys), "Longitude")
    assert.strictEqual(nearest("Telegram", keys), undefined)
    assert.strictEqual(nearest("x", []), undefined)
  })

  it("always finds a word that is there", () => {
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 1 }), fc.nat(), (all, i) => {
        const wanted = all[i % all.length]!
        assert.strictEqual(nearest(wanted, all)?.toLowerCase(), wanted.toLowerCase())
      })
    )
  })

  it("suggests it, else all that is known when that is little", () => {
    assert.strictEqual(suggestion("Regoin", keys), 'did you mean "Region"?')
    assert.strictEqual(suggestion("Telegram", keys), "known: Latitude, Longitude, Region")
    assert.strictEqual(suggestion("Telegram", Array.from({ length: 50 }, (_, i) => `member-${i}`)), undefined)
  })
})
