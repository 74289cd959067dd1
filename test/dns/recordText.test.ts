import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { readRecordData, staticTypeNumber } from "../../src/dns/RecordData.ts"
import { recordText } from "../../src/dns/recordText.ts"

const label = fc.stringMatching(/^[a-z0-9_-]{1,20}$/)
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join("."))
const u16 = fc.nat(65535)
const u32 = fc.nat(0xffffffff)
const text = fc.string({ unit: "binary", maxLength: 600, size: "max" }).filter((text) =>
  Buffer.byteLength(text) < 4_000
)

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
  ],
  ["CAA", text.map((text) => `0 issue "${text.replace(/["\\]/g, "\\$&")}"`)]
]

const bytes = (maxLength: number) => fc.uint8Array({ maxLength, size: "max" }).map((bytes) => Buffer.from(bytes))
const withLength = (bytes: Buffer) => Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length), bytes])
/** Whatever bytes are data of these types. */
const wires: ReadonlyArray<readonly [string, fc.Arbitrary<Buffer>]> = [
  ["A", fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes))],
  ["AAAA", fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes))],
  [
    "AAAA",
    fc.array(fc.constantFrom(0, 0, 1, 0x2001), { minLength: 8, maxLength: 8 }).map((groups) =>
      Buffer.from(Uint16Array.from(groups).buffer).swap16()
    )
  ],
  [
    "TXT",
    fc.array(bytes(255), { minLength: 1, maxLength: 4 }).map((strings) =>
      Buffer.concat(strings.flatMap((string) => [Buffer.of(string.length), string]))
    )
  ],
  [
    "CAA",
    fc.tuple(fc.nat(255), fc.stringMatching(/^[a-z0-9]{1,15}$/), bytes(600)).map(([flags, tag, value]) =>
      Buffer.concat([Buffer.of(flags, tag.length), Buffer.from(tag), value])
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

  for (const [type, wire] of wires) {
    it(`writes all data so that it reads as the same: ${type}`, () => {
      fc.assert(fc.property(wire, (wire) => {
        const data = withLength(wire)
        const written = recordText(staticTypeNumber(type), data)
        assert.match(written, /^[ -~]*$/)
        const again = Result.getOrThrow(readRecordData(type, written))
        assert.strictEqual(Buffer.from(again).toString("hex"), data.toString("hex"), written)
      }))
    })
  }

  it("writes quotes, backslashes and what is not printable as RFC 1035 says", () => {
    const caa = (value: Buffer) =>
      recordText(257, withLength(Buffer.concat([Buffer.of(0, 5), Buffer.from("issue"), value])))
    assert.strictEqual(caa(Buffer.from('a "b" \\ c')), '0 issue "a \\"b\\" \\\\ c"')
    assert.strictEqual(caa(Buffer.of(0, 10, 127, 255)), '0 issue "\\000\\010\\127\\255"')
  })

  it("writes IPv6 as RFC 5952 says", () => {
    const written = (address: string) => recordText(28, Result.getOrThrow(readRecordData("AAAA", address)))
    for (
      const [address, expected] of [
        ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
        ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
        ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
        ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
        ["0:0:0:0:0:0:0:0", "::"],
        ["0:0:0:0:0:0:0:1", "::1"],
        ["fe80:0:0:0:0:0:0:0", "fe80::"],
        ["10:0:0:0:a0:0:0:10", "10::a0:0:0:10"],
        ["1::2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
        ["::ffff:c000:201", "::ffff:192.0.2.1"]
      ] as const
    ) assert.strictEqual(written(address), expected)
    fc.assert(fc.property(fc.ipV6(), (address) => {
      const text = written(address)
      // The URL standard shortens the same way, but for IPv4.
      if (!text.includes(".")) assert.strictEqual(`[${text}]`, new URL(`http://[${address}]/`).hostname)
    }))
  })

  it("writes other types as RFC 3597 says", () => {
    assert.strictEqual(recordText(99, Uint8Array.of(0, 3, 1, 2, 255)), "\\# 3 0102ff")
  })
})
