import { assert, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { execFileSync } from "node:child_process"
import { mkdtempSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { DnsServer } from "../../../src/dns/DnsServer.ts"
import { PdnsBackend } from "../../../src/dns/pdns/PdnsBackend.ts"
import { pdnsConf } from "../../../src/dns/pdns/pdnsConf.ts"
import { OfficialStatus } from "../../../src/status/OfficialStatus.ts"
import { Usage } from "../../../src/usage/Usage.ts"
import { eventually } from "../../cli/geodns.ts"
import { startPowerDns } from "../../servers/PowerDns.ts"
import { binaryOf, describeWith, pdns } from "../../servers/Server.ts"
import { dig, type Dug } from "./dig.ts"
import { backends, fixtureDocuments, folder } from "./world.ts"

/** A PowerDNS that asks this backend, with the configuration that we write for it. */
const powerDns = Effect.gen(function*() {
  const conf = pdnsConf(yield* PdnsBackend)
  return yield* Effect.acquireRelease(
    Effect.promise(() => startPowerDns({ conf: conf! })),
    ({ dispose }) => Effect.promise(dispose)
  )
})

const soa = /^demo\.example\. 60 SOA ns1\.demo\.example\. hostmaster\.demo\.example\. \d+ 3600 600 604800 60$/

const assertNegative = (dug: Dug, status: "NOERROR" | "NXDOMAIN"): void => {
  assert.strictEqual(dug.status, status, dug.text)
  assert.deepStrictEqual(dug.answer, [])
  assert.match(dug.authority.join(), soa)
}

/** Asks a few things of a server over one of the connectors. */
const everyRecordType = (port: number) =>
  Effect.gen(function*() {
    const answersTo = (...question: ReadonlyArray<string>) =>
      Effect.map(dig(port, ...question), ({ answer, flags, status, text }) => {
        assert.strictEqual(status, "NOERROR", text)
        assert.include(flags, "aa")
        return answer
      })
    const expected: ReadonlyArray<readonly [string, string, ReadonlyArray<string>]> = [
      ["demo.example", "A", ["demo.example. 300 A 192.0.2.10"]],
      ["ns1.demo.example", "AAAA", ["ns1.demo.example. 300 AAAA 2001:db8::53"]],
      ["demo.example", "NS", ["demo.example. 1800 NS ns1.demo.example.", "demo.example. 1800 NS ns2.demo.example."]],
      ["demo.example", "MX", ["demo.example. 300 MX 10 mail.demo.example."]],
      ["demo.example", "TXT", ['demo.example. 300 TXT "v=spf1 -all"']],
      ["demo.example", "CAA", ['demo.example. 300 CAA 0 issue "ca.example"']],
      ["_sip._tcp.demo.example", "SRV", ["_sip._tcp.demo.example. 300 SRV 1 2 5060 mail.demo.example."]],
      ["10.2.0.192.in-addr.arpa", "PTR", ["10.2.0.192.in-addr.arpa. 300 PTR demo.example."]],
      ["www.demo.example", "CNAME", ["www.demo.example. 600 CNAME rpc.demo.example."]],
      ["x.wild.demo.example", "A", ["x.wild.demo.example. 300 A 192.0.2.99"]],
      ["_acme-challenge.rpc.demo.example", "TXT", ['_acme-challenge.rpc.demo.example. 0 TXT "a-token"']],
      ["own.example", "SOA", ["own.example. 40 SOA ns.own.example. host\\.master.own.example. 7 1 2 3 60"]]
    ]
    for (const [name, type, answer] of expected) assert.deepStrictEqual(yield* answersTo(name, type), answer)
    const long = yield* answersTo("big.demo.example", "TXT")
    assert.strictEqual(long[0]!.replace(/[^x]/g, "").length, 3000 + 1)
  })

describeWith(pdns, "PowerDNS, with dig", () => {
  it.live(
    "every record type, names and zones that do not exist, delegations; over the socket and over HTTP",
    () =>
      Effect.gen(function*() {
        const socket = join(yield* folder, "pdns.sock")
        for (const connector of ["PowerDnsSocket", "PowerDnsHttp"] as const) {
          const where = connector === "PowerDnsSocket" ? socket : "127.0.0.1:0"
          yield* Effect.gen(function*() {
            const { port } = yield* powerDns
            yield* everyRecordType(port)
            assertNegative(yield* dig(port, "nothing.demo.example", "A"), "NXDOMAIN")
            assertNegative(yield* dig(port, "x.nothing.demo.example", "A"), "NXDOMAIN")
            // Empty non-terminals exist, and so does what is below them.
            for (const name of ["ent.demo.example", "er.ent.demo.example"]) {
              assertNegative(yield* dig(port, name, "A"), "NOERROR")
            }
            assert.lengthOf((yield* dig(port, "deep.er.ent.demo.example", "A")).answer, 1)
            // A type that a steered name has not; a failing CAA question would block certificates.
            for (const type of ["CAA", "MX", "HTTPS"]) {
              {
                const none = yield* dig(port, "polkadot.dotters.example", type, "+subnet=11.1.2.0/24")
                assert.deepStrictEqual([none.status, none.answer, none.subnet], ["NOERROR", [], "11.1.2.0/24/0"])
                assert.match(none.authority.join(), /^dotters\.example\. 60 SOA /)
              }
            }
            assert.strictEqual((yield* dig(port, "nothing.elsewhere.test", "A")).status, "REFUSED")
            assert.strictEqual((yield* dig(port, "demo.example", "AXFR")).answer.length, 0)
            // The address of a challenge is not the challenge.
            const challenge = yield* dig(port, "_acme-challenge.demo.example", "TXT")
            assert.strictEqual(challenge.status, "SERVFAIL")
            assert.notInclude(challenge.text, "http")
            const cut = yield* dig(port, "host.child.demo.example", "A")
            assert.deepStrictEqual([cut.status, cut.flags.includes("aa"), cut.answer.length], ["NOERROR", false, 0])
            assert.deepStrictEqual(cut.authority, [
              "child.demo.example. 300 NS ns.child.demo.example.",
              "child.demo.example. 300 NS ns.elsewhere.test."
            ])
            assert.match(cut.text, /ns\.child\.demo\.example\.\s+300\s+IN\s+A\s+192\.0\.2\.53/)
          }).pipe(Effect.scoped, Effect.provide(backends(fixtureDocuments({ [connector]: where }))))
        }
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "answers ACME challenges with what is at their address now, as the embedded server does",
    () =>
      Effect.gen(function*() {
        const socket = join(yield* folder, "pdns.sock")
        let body = "first-token\nsecond-token\n"
        const web = yield* Effect.acquireRelease(
          Effect.callback<Server>((resume) => {
            const server = createServer((_request, response) => response.end(body))
            server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
          }),
          (server) => Effect.sync(() => server.close())
        )
        const name = "_acme-challenge.acme.demo.example"
        const documents = fixtureDocuments({ PowerDnsSocket: socket })
        const record = {
          qname: name,
          qtype: "TXT",
          content: `http://127.0.0.1:${(web.address() as AddressInfo).port}/challenge`,
          ttl: 0,
          auth: true,
          domain_id: 0
        }
        yield* Effect.gen(function*() {
          const { port } = yield* powerDns
          const embedded = yield* DnsServer
          const answers = (values: ReadonlyArray<string>) => {
            const expected = values.map((value) => `${name}. 0 TXT "${value}"`).sort().join()
            return eventually(
              `both answer ${values.join(" ") || "nothing"}`,
              Effect.gen(function*() {
                const both = yield* Effect.all([dig(port, name, "TXT"), dig(embedded.port, name, "TXT")])
                const there = both.every(({ answer, status }) =>
                  status === "NOERROR" && [...answer].sort().join() === expected
                )
                return there ? Option.some(true) : Option.none()
              }),
              "25 seconds"
            )
          }
          yield* answers(["first-token", "second-token"])
          body = ""
          yield* answers([])
          assertNegative(yield* dig(port, name, "TXT"), "NOERROR")
        }).pipe(
          Effect.scoped,
          Effect.provide(backends({ ...documents, staticDns: [...documents.staticDns!, record] }))
        )
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "sends clients of five continents to their nearest members, away from one that is down, and counts",
    () =>
      Effect.gen(function*() {
        const socket = join(yield* folder, "pdns.sock")
        yield* Effect.gen(function*() {
          const { port } = yield* powerDns
          const official = yield* OfficialStatus
          const name = "polkadot.dotters.example"
          const nearest = (subnet: string, type = "A") =>
            Effect.map(dig(port, name, type, `+subnet=${subnet}`), ({ answer, subnet }) => [
              answer.map((line) => line.split(" ")[3]).join(),
              subnet
            ])
          assert.deepStrictEqual(yield* nearest("11.1.2.0/24"), ["192.0.2.10", "11.1.2.0/24/14"])
          assert.deepStrictEqual(yield* nearest("12.16.9.0/24"), ["192.0.2.20", "12.16.9.0/24/14"])
          assert.deepStrictEqual(yield* nearest("14.130.0.0/16"), ["192.0.2.50", "14.130.0.0/16/9"])
          assert.deepStrictEqual(yield* nearest("13.1.0.0/24"), ["192.0.2.40", "13.1.0.0/24/11"])
          assert.deepStrictEqual(yield* nearest("15.1.2.0/24"), ["192.0.2.100", "15.1.2.0/24/24"])
          assert.deepStrictEqual(yield* nearest("11.7.3.0/24"), ["192.0.2.80", "11.7.3.0/24/18"])
          assert.deepStrictEqual(yield* nearest("2a00:1::/32", "AAAA"), ["2001:db8:70::1", "2a00:1::/32/32"])
          assert.strictEqual((yield* nearest("0.0.0.0/0"))[1], "0.0.0.0/0/0")
          // An alias, and a TTL as steering sets it.
          assert.deepStrictEqual((yield* dig(port, "www.dotters.example", "A")).answer, [
            "dotters.example. 3600 A 198.51.100.10",
            "www.dotters.example. 3600 CNAME dotters.example."
          ])
          assert.match((yield* dig(port, name, "A")).answer.join(), new RegExp(`^${name}\\. 30 A `))

          yield* official.apply({
            id: "outage",
            target: {
              checkType: "site",
              check: "ping",
              member: "Tasman Sea Hosting",
              domain: "",
              endpoint: "",
              ipv6: false
            },
            up: false,
            error: "timeout",
            data: null,
            decidedAt: yield* Clock.currentTimeMillis,
            decidedBy: "monitor-1",
            votes: { "monitor-1": true, "monitor-2": true }
          })
          const moved = yield* eventually(
            "clients are sent elsewhere",
            Effect.map(nearest("15.1.2.0/24"), ([address]) =>
              address === "192.0.2.100" ? Option.none() : Option.some(address))
          )
          assert.match(moved ?? "", /^192\.0\.2\.\d+$/)
          // That one family is down says nothing of the other.
          assert.strictEqual((yield* nearest("15.1.2.0/24", "AAAA"))[0], "2001:db8:100::1")

          const totals = yield* Usage.use((usage) =>
            usage.totals
          )
          const hits = (country: string) =>
            totals.filter((row) => row.country === country && row.domain === name)
              .reduce((sum, row) => sum + row.hits, 0)
          assert.deepStrictEqual([hits("DE"), hits("JP"), hits("PT")], [1, 1, 1])
        }).pipe(Effect.scoped, Effect.provide(backends(fixtureDocuments({ PowerDnsSocket: socket }))))
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("signs zones that have keys, and others not", () =>
    Effect.gen(function*() {
      const path = yield* folder
      const [socket, keys] = [join(path, "pdns.sock"), join(path, "demo.example.key")]
      // pdnsutil wants a configuration, which need not lead anywhere.
      const empty = mkdtempSync(join(path, "empty-"))
      writeFileSync(join(empty, "pdns.conf"), "launch=remote\nremote-connection-string=unix:path=/nowhere\n")
      const generated = execFileSync(binaryOf("pdnsutil"), [
        `--config-dir=${empty}`,
        "generate-zone-key",
        "ksk",
        "ecdsa256"
      ], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
      writeFileSync(keys, generated)
      yield* Effect.gen(function*() {
        const { port } = yield* powerDns
        const signed = (name: string, type: string) =>
          Effect.map(dig(port, "+dnssec", name, type), ({ answer, authority, status }) => ({
            status,
            answer: answer.map((line) => line.split(" ").slice(2).join(" ")).filter((line) => line.startsWith("RRSIG")),
            authority: authority.map((line) => line.split(" ")[2]).sort()
          }))
        const dnskey = yield* dig(port, "demo.example", "DNSKEY")
        assert.lengthOf(dnskey.answer, 1)
        assert.match(dnskey.answer[0]!, /^demo\.example\. \d+ DNSKEY 257 3 13 /)
        for (
          const [name, type] of [["demo.example", "A"], ["rpc.demo.example", "TXT"], ["x.wild.demo.example", "A"], [
            "demo.example",
            "SOA"
          ]] as const
        ) {
          assert.deepStrictEqual((yield* signed(name, type)).answer, [`RRSIG ${type}`])
        }
        // Who asks without DO gets no signatures.
        assert.lengthOf((yield* dig(port, "demo.example", "A")).answer, 1)
        // That there is nothing is proved, too; a name has as many proofs as PowerDNS needs for it.
        for (const [name, status] of [["nothing.demo.example", "NXDOMAIN"], ["ent.demo.example", "NOERROR"]] as const) {
          const negative = yield* signed(name, "A")
          assert.strictEqual(negative.status, status)
          assert.includeMembers(negative.authority, ["NSEC3", "RRSIG", "SOA"])
        }
        // Another zone has no keys.
        assert.deepStrictEqual((yield* signed("dotters.example", "A")).answer, [])
        assert.strictEqual((yield* dig(port, "dotters.example", "DNSKEY")).answer.length, 0)
      }).pipe(
        Effect.scoped,
        Effect.provide(backends(fixtureDocuments({ PowerDnsSocket: socket, Keys: { "demo.example": keys } })))
      )
    }).pipe(Effect.scoped), 120_000)
})
