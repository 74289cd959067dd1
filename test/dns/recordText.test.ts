import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { readRecordData, staticTypeNumber } from "../../src/dns/RecordData.ts"
import { recordText } from "../../src/dns/recordText.ts"

const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/)
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join("."))
const u16 = fc.nat(65535)
const u32 = fc.nat(0xffffffff)
const text = fc.string({ unit: "binary", maxLength: 600 }).filter((text) => Buffer.byteLength(text) < 4_000)

const contents: ReadonlyArray<readonly [string, fc.Arbitrary<string>]> = [
  ["A", fc.ipV4()],
  ["AAAA", fc.ipV6()],
  ["NS", name],
  ["CNAME", name],
  ["PTR", name],
  ["TXT", text.map((text) => `"${text.replace(/["\\]/g, "\\$&")}"`)],
  ["TXT", text.filter((text) => !text.trim().startsWith('"'))],
  ["MX", fc.tuple(u16, name).map((parts) => parts.join(" "))],
  ["MX", fc.constant("0 .")],
  ["SRV", fc.tuple(u16, u16, u16, name).map((parts) => parts.join(" "))],
  ["SRV", fc.constant("0 0 0 .")],
  ["SOA", fc.tuple(name, name, u32, u32, u32, u32, u32).map((parts) => parts.join(" "))],
  ["SOA", fc.constant("ns.demo.example host\\.master.demo.example 1 2 3 4 5")],
  [
    "CAA",
    fc.tuple(fc.nat(255), fc.constantFrom("issue", "iodef"), fc.stringMatching(/^[ -!#-[\]-~]{0,40}$/)).map(
      ([flags, tag, value]) => `${flags} ${tag} "${value}"`
    )
  ]
]

describe("recordText", () => {
  for (const [type, content] of contents) {
    it(`writes what reads as the same data: ${type}`, () => {
      fc.assert(fc.property(content, (content) => {
        const data = Result.getOrThrow(readRecordData(type, content))
        const written = recordText(staticTypeNumber(type), data)
        assert.match(written, /^[ -~]*$/)
        const again = Result.getOrThrow(readRecordData(type, written))
        assert.strictEqual(Buffer.from(again).toString("hex"), Buffer.from(data).toString("hex"), written)
      }))
    })
  }

  it("writes other types as RFC 3597 says", () => {
    assert.strictEqual(recordText(99, Uint8Array.of(0, 3, 1, 2, 255)), "\\# 3 0102ff")
  })
})
