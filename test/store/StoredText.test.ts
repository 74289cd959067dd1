import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { compareStored, fitText, storedKey, storedText, unpadded } from "../../src/store/StoredText.ts"

const anyText = fc.string({ unit: "binary", maxLength: 12 })

describe("text as it is stored", () => {
  it("is cut to the characters that a column holds, and not in the midst of one", () => {
    assert.strictEqual(fitText("abcdef", 3), "abc")
    assert.strictEqual(fitText("abc", 3), "abc")
    assert.strictEqual(fitText("🛰️🛰️", 3), "🛰️🛰")
    assert.strictEqual(fitText("🛰🛰🛰", 3), "🛰🛰🛰")
    assert.strictEqual(fitText("a\0b\ud800", 9), "a\ufffdb\ufffd")
    fc.assert(fc.property(anyText, fc.nat(12), (text, width) => {
      const fitted = fitText(text, width)
      assert.isTrue(fitted.isWellFormed())
      assert.isAtMost([...fitted].length, width)
      assert.isTrue(storedText(text).startsWith(fitted))
      if ([...storedText(text)].length <= width) assert.strictEqual(fitted, storedText(text))
    }))
  })

  it("has no spaces at its end where it is a key: MySQL takes texts that differ only in those for one", () => {
    assert.strictEqual(unpadded("  a b  "), "  a b")
    assert.strictEqual(unpadded("   "), "")
    assert.strictEqual(unpadded("a\t"), "a\t")
    assert.strictEqual(storedKey("a\0  "), "a\ufffd")
    fc.assert(fc.property(anyText, fc.nat(3), (text, spaces) => {
      assert.strictEqual(storedKey(text + " ".repeat(spaces)), storedKey(text))
      assert.strictEqual(storedKey(storedKey(text)), storedKey(text))
    }))
  })

  it("is ordered by code point", () => {
    const points = (text: string) => [...text].map((it) => it.codePointAt(0)!)
    const byPoints = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number => {
      const at = a.findIndex((point, i) => point !== b[i])
      return at < 0 ? a.length - b.length : at >= b.length ? 1 : a[at]! - b[at]!
    }
    fc.assert(fc.property(anyText.map(storedText), anyText.map(storedText), (a, b) => {
      assert.strictEqual(Math.sign(compareStored(a, b)), Math.sign(byPoints(points(a), points(b))))
    }))
  })
})
