import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { encodeRecords, RecordReader } from "../../src/node/recordLines.ts"

const record = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", " "))

/** Reads in pieces of some length. */
const read = (bytes: Buffer, piece: number) => {
  const reader = new RecordReader()
  const records: Array<string> = []
  for (let i = 0; i < bytes.length; i += piece) records.push(...reader.push(bytes.subarray(i, i + piece)))
  return { records, damaged: reader.damaged, torn: reader.torn }
}

describe("record lines", () => {
  it("are the records again, in whatever pieces they come", () => {
    fc.assert(fc.property(fc.array(record), fc.integer({ min: 1, max: 40 }), (records, piece) => {
      assert.deepStrictEqual(read(encodeRecords(records), piece), { records, damaged: 0, torn: 0 })
    }))
  })

  it("a torn end costs the torn record and no other", () => {
    fc.assert(fc.property(fc.array(record, { minLength: 1 }), fc.nat(), (records, cut) => {
      const bytes = encodeRecords(records)
      const length = cut % bytes.length
      const found = read(bytes.subarray(0, length), 7)
      const whole = bytes.subarray(0, length).filter((byte) => byte === 0x0a).length
      assert.deepStrictEqual(found.records, records.slice(0, whole))
      assert.strictEqual(found.damaged, 0)
      assert.strictEqual(found.torn, length - bytes.subarray(0, length).lastIndexOf(0x0a) - 1)
    }))
  })

  it("a flipped bit costs at most the records beside it, and no other record comes out of it", () => {
    fc.assert(fc.property(fc.array(record, { minLength: 1 }), fc.nat(), fc.nat(7), (records, at, bit) => {
      const bytes = encodeRecords(records)
      bytes[at % bytes.length]! ^= 1 << bit
      const found = read(bytes, 11)
      assert.isAtLeast(found.records.length, records.length - 2)
      assert.isBelow(found.records.length, records.length)
      assert.isTrue(found.damaged > 0 || found.torn > 0)
      const rest = [...records]
      for (const text of found.records) {
        const from = rest.indexOf(text)
        assert.isAtLeast(from, 0)
        rest.splice(0, from + 1)
      }
    }))
  })

  it("blocks of zeros, as a power cut leaves them, are damage", () => {
    const bytes = Buffer.concat([encodeRecords(["a"]), Buffer.alloc(70_000), encodeRecords(["b", "c"])])
    assert.deepStrictEqual(read(bytes, 4096), { records: ["a", "c"], damaged: 1, torn: 0 })
  })

  it("does not hold a line that never ends", () => {
    const reader = new RecordReader()
    const piece = Buffer.alloc(4 * 1024 * 1024, 0x61)
    for (let i = 0; i < 10; i++) assert.deepStrictEqual(reader.push(piece), [])
    assert.isAtMost(reader.torn, 17 * 1024 * 1024)
    assert.deepStrictEqual(reader.push(Buffer.concat([Buffer.from("\n"), encodeRecords(["b"])])), ["b"])
    assert.isAtLeast(reader.damaged, 1)
  })
})
