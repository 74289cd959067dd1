import { assert, describe, it } from "@effect/vitest"
import dnsPacket from "dns-packet"
import { Result } from "effect"
import * as fc from "fast-check"
import { mailbox, readRecordData, staticTypes } from "../../src/dns/RecordData.ts"
import { message, read } from "./packets.ts"

/** The data as a whole message would carry it, decoded by the library. */
const decoded = (type: string, content: string): string => {
  const data = Result.getOrThrow(readRecordData(type, content))
  assert.strictEqual(Buffer.from(data).readUInt16BE(0), data.length - 2)
  const record = Buffer.concat([
    dnsPacket.encode({ answers: [{ type: "A", name: "x", data: "0.0.0.0" }] }).subarray(12, 15),
    Buffer.alloc(8),
    data
  ])
  const number = dnsPacket.encode({ questions: [{ name: ".", type: type as "A" }] }).readUInt16BE(13)
  record.writeUInt16BE(number, 3)
  record.writeUInt16BE(1, 5)
  const { answers, bytes, used } = read(message({ answers: [record] }))
  assert.strictEqual(used, bytes)
  return answers[0]!.split(" ").slice(3).join(" ")
}

const problem = (type: string, content: string): string => Result.getOrThrow(Result.flip(readRecordData(type, content)))

describe("the content of static records", () => {
  it("is read for each type", () => {
    const sound = [
      ["A", " 192.0.2.1 ", "192.0.2.1"],
      ["AAAA", "2001:DB8::1", "2001:db8::1"],
      ["NS", "NS1.Demo.Example.", "ns1.demo.example"],
      ["CNAME", "_x.demo.example", "_x.demo.example"],
      ["CNAME", "münchen.example", "xn--mnchen-3ya.example"],
      ["PTR", "demo.example.", "demo.example"],
      ["MX", "10  mail.demo.example.", "10 mail.demo.example"],
      ["MX", "0 .", "0 ."],
      ["SRV", "1 2 443 host.example", "1 2 443 host.example"],
      ["SRV", "0 0 0 .", "0 0 0 ."],
      ["CAA", '0 issue "ca.example; x=1"', "0 issue ca.example; x=1 false"],
      ["CAA", "128 iodef mailto:a@b", "128 iodef mailto:a@b true"],
      ["CAA", '0 issue "a \\"b\\" \\\\ \\065"', '0 issue a "b" \\ A false'],
      ["CAA", '0 issue ca\\032\\"x\\"', '0 issue ca "x" false'],
      ["CAA", '0 issue "é"', "0 issue é false"],
      ["SOA", "ns.x. hostmaster.x. 5 1 2 3 4", "ns.x hostmaster.x 5 1 2 3 4"],
      ["TXT", "v=spf1 -all", "v=spf1 -all"],
      ["TXT", '"one" "two"', "one|two"],
      ["TXT", '"a \\"b\\" \\\\ \\065"', 'a "b" \\ A'],
      ["TXT", '"\\é \\😀"', Buffer.from("é 😀").toString("latin1")],
      ["TXT", "", ""]
    ] as const
    for (const [type, content, expected] of sound) assert.strictEqual(decoded(type, content), expected, content)
  })

  it("that is bad is told as a problem", () => {
    const bad = [
      ["A", "192.0.2.256", "no IPv4 address"],
      ["A", "2001:db8::1", "no IPv4 address"],
      ["A", "member.example", "no IPv4 address"],
      ["AAAA", "192.0.2.1", "no IPv6 address"],
      ["AAAA", "fe80::1%eth0", "no IPv6 address"],
      ["NS", "", "no domain name"],
      ["NS", "a..b", "no domain name"],
      ["CNAME", "a b.example", "no domain name"],
      ["CNAME", `${"a".repeat(64)}.example`, "no domain name"],
      ["CNAME", Array(5).fill("a".repeat(60)).join("."), "no domain name"],
      ["CNAME", "a\\.b.example", "no domain name"],
      ["MX", "mail.example", "preference host"],
      ["MX", "65536 mail.example", "preference host"],
      ["SRV", "1 2 mail.example", "priority weight port host"],
      ["CAA", "0 issue", "flags tag"],
      ["CAA", '256 issue "x"', "flags tag"],
      ["CAA", '0 issue "x" "y"', "flags tag"],
      ["CAA", '0 issue "x\\"', "flags tag"],
      ["CAA", '0 issue "x\\256"', "flags tag"],
      ["CAA", "0 issue x y", "flags tag"],
      ["TXT", '"\\256"', "quoted strings"],
      ["TXT", '"\\25"', "quoted strings"],
      ["NS", "ns.a;b.example", "no domain name"],
      ["NS", "@", "no domain name"],
      ["SOA", "ns.x hostmaster.x 5 1 2 3", "mname rname serial"],
      ["SOA", "ns.x hostmaster.x 4294967296 1 2 3 4", "mname rname serial"],
      ["TXT", '"open', "quoted strings"],
      ["TXT", '"a" b', "quoted strings"],
      ["TXT", "x".repeat(9000), "longer than"],
      ["SPF", "v=spf1", "not served"],
      ["constructor", "x", "not served"]
    ] as const
    for (const [type, content, expected] of bad) assert.include(problem(type, content), expected, content)
  })

  it("TXT of more than 255 bytes becomes several strings that join to the same", () => {
    const lengths = decoded("TXT", "x".repeat(600)).split("|").map((part) => part.length)
    assert.deepStrictEqual(lengths, [255, 255, 90])
    assert.strictEqual(decoded("TXT", `"${"y".repeat(255)}"`), "y".repeat(255))
    assert.strictEqual(decoded("TXT", `"${"y".repeat(256)}" "z"`).split("|").length, 3)
    fc.assert(fc.property(fc.stringMatching(/^[!#-~][ -~]{0,999}$/), (text) => {
      assert.strictEqual(decoded("TXT", text).replace(/(.{255})\|/g, "$1"), text.trim())
    }))
  })

  it("is never thrown at", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...staticTypes, "OPT", ""),
        fc.string({ maxLength: 400, size: "max" }),
        (type, content) => {
          const read = readRecordData(type, content)
          if (Result.isSuccess(read)) {
            assert.strictEqual(Buffer.from(read.success).readUInt16BE(0), read.success.length - 2)
          }
        }
      ),
      { numRuns: 5_000 }
    )
  })

  it("mailboxes are taken in both forms", () => {
    assert.strictEqual(mailbox("Host.Master@demo.example."), "host\\.master.demo.example")
    assert.strictEqual(mailbox("host\\.master.demo.example"), "host\\.master.demo.example")
    assert.strictEqual(mailbox("hostmaster.demo.example."), "hostmaster.demo.example")
    assert.isUndefined(mailbox("two words@demo.example"))
    assert.isUndefined(mailbox(""))
  })
})
