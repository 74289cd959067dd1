import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { domainName, nameKey, nameKeyOf } from "../../src/dns/DomainName.ts"

const folded = (byte: number): number => byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte

describe("the key of a name", () => {
  it("folds A to Z and no other byte (RFC 4343)", () => {
    const label = fc.uint8Array({ minLength: 1, maxLength: 63, size: "max" })
    fc.assert(fc.property(fc.array(label, { minLength: 1, maxLength: 3 }), (labels) => {
      const wire = (fold: (byte: number) => number) =>
        Buffer.concat(labels.flatMap((label) => [Buffer.of(label.length), Buffer.from(label.map(fold))]))
      const bytes = wire((byte) => byte)
      const key = nameKey(bytes, 0, bytes.length)
      assert.strictEqual(Buffer.from(key, "latin1").toString("hex"), wire(folded).toString("hex"))
      assert.strictEqual(nameKeyOf(bytes.toString("latin1")), key)
    }))
    for (let byte = 0; byte < 256; byte++) {
      const key = nameKey(Buffer.of(1, byte), 0, 2)
      assert.strictEqual(key.charCodeAt(1), folded(byte), `byte ${byte}`)
    }
  })

  it("is that of the text", () => {
    assert.strictEqual(domainName("RPC.Demo.Example.")!.key, nameKey(Buffer.from("\x03rPc\x04demO\x07example"), 0, 17))
  })
})
