import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ask, message, opt, option, question, read, type Reading, subnetOption, wireName } from "./packets.ts"
import { sampleSerial } from "./samples.ts"

/** Sends a message and gives the response; undefined is silence. */
export type Exchange = (packet: Buffer) => Effect.Effect<Buffer | undefined>

interface Case {
  readonly title: string
  readonly packet: Buffer
  readonly says: Partial<Reading>
}

const soa = `demo.example 60 SOA ns1.demo.example hostmaster.demo.example ${sampleSerial} 3600 600 604800 60`
const osaka = subnetOption(1, 24, [203, 0, 113])
const NOERROR = 0
const FORMERR = 1
const SERVFAIL = 2
const NXDOMAIN = 3
const NOTIMP = 4
const REFUSED = 5
const BADVERS = 16

const records: ReadonlyArray<Case> = [
  {
    title: "static A at the apex",
    packet: ask("demo.example", "A"),
    says: { rcode: NOERROR, aa: true, answers: ["demo.example 300 A 192.0.2.10"], authority: [] }
  },
  {
    title: "NS: one TTL for the whole set (RFC 2181, 5.2)",
    packet: ask("demo.example", "NS"),
    says: { answers: ["demo.example 1800 NS ns1.demo.example", "demo.example 1800 NS ns2.demo.example"] }
  },
  {
    title: "SOA is made up where none is written",
    packet: ask("demo.example", "SOA"),
    says: { rcode: NOERROR, aa: true, answers: [soa.replace(" 60 ", " 3600 ")] }
  },
  {
    title: "SOA as written, MINIMUM at most 60, mailbox with @",
    packet: ask("own.example", "SOA"),
    says: { answers: ["own.example 40 SOA ns.own.example host\\.master.own.example 7 1 2 3 60"] }
  },
  {
    title: "TXT",
    packet: ask("demo.example", "TXT"),
    says: { answers: ["demo.example 300 TXT v=spf1 -all"] }
  },
  {
    title: "MX",
    packet: ask("demo.example", "MX"),
    says: { answers: ["demo.example 300 MX 10 mail.demo.example"] }
  },
  {
    title: "CAA",
    packet: ask("demo.example", "CAA"),
    says: { answers: ["demo.example 300 CAA 0 issue ca.example false"] }
  },
  {
    title: "SRV",
    packet: ask("_sip._tcp.demo.example", "SRV"),
    says: { answers: ["_sip._tcp.demo.example 300 SRV 1 2 5060 mail.demo.example"] }
  },
  {
    title: "PTR in a zone that begins at its NS",
    packet: ask("10.2.0.192.in-addr.arpa", "PTR"),
    says: { rcode: NOERROR, aa: true, answers: ["10.2.0.192.in-addr.arpa 300 PTR demo.example"] }
  },
  {
    title: "AAAA",
    packet: ask("ns1.demo.example", "AAAA"),
    says: { answers: ["ns1.demo.example 300 AAAA 2001:db8::53"] }
  },
  {
    title: "the question is echoed in its case, recursion is not offered",
    packet: ask("NS1.dEmO.eXample", "A"),
    says: {
      id: 4711,
      qr: true,
      opcode: 0,
      rd: true,
      ra: false,
      question: "NS1.dEmO.eXample A",
      answers: ["NS1.dEmO.eXample 300 A 192.0.2.1"]
    }
  },
  {
    title: "RD is copied as it is",
    packet: message({ flags: 0, questions: [question("demo.example", "A")] }),
    says: { rd: false, rcode: NOERROR }
  }
]

const steered: ReadonlyArray<Case> = [
  {
    title: "A at a steered name: the nearest member, by the client subnet",
    packet: ask("rpc.demo.example", "A", { subnet: osaka }),
    says: { rcode: NOERROR, aa: true, answers: ["rpc.demo.example 30 A 198.51.100.1"], subnet: "00011814cb0071" }
  },
  {
    title: "AAAA at a steered name, by an IPv6 client subnet",
    packet: ask("rpc.demo.example", "AAAA", { subnet: subnetOption(2, 56, [0x20, 1, 0xd, 0xb8, 0, 0x81, 0]) }),
    says: { answers: ["rpc.demo.example 30 AAAA 2001:db8:ffff::2"], subnet: "0002383020010db8008100" }
  },
  {
    title: "without a client subnet none comes back",
    packet: ask("rpc.demo.example", "A"),
    says: { answers: ["rpc.demo.example 30 A 198.51.100.3"], subnet: "" }
  },
  {
    title: "a private subnet says nothing: the resolver's address counts, and the answer holds for that subnet alone",
    packet: ask("rpc.demo.example", "A", { subnet: subnetOption(1, 24, [10, 1, 2]) }),
    says: { answers: ["rpc.demo.example 30 A 198.51.100.3"], subnet: "000118180a0102" }
  },
  {
    title: "a link-local subnet the same",
    packet: ask("rpc.demo.example", "A", { subnet: subnetOption(2, 64, [0xfe, 0x80, 0, 0, 0, 0, 0, 0]) }),
    says: { answers: ["rpc.demo.example 30 A 198.51.100.3"], subnet: "00024038fe80000000000000" }
  },
  {
    title: "SOURCE 0 asks not to be looked at: scope 0",
    packet: ask("rpc.demo.example", "A", { subnet: subnetOption(1, 0, []) }),
    says: { rcode: NOERROR, answers: ["rpc.demo.example 30 A 198.51.100.3"], subnet: "00010000" }
  },
  {
    title: "a subnet of unknown place: scope /24, not 0",
    packet: ask("rpc.demo.example", "A", { subnet: subnetOption(1, 32, [198, 18, 1, 1]) }),
    says: { answers: ["rpc.demo.example 30 A 198.51.100.3"], subnet: "00012018c6120101" }
  },
  {
    title: "other types at a steered name: its own static ones",
    packet: ask("rpc.demo.example", "TXT"),
    says: { rcode: NOERROR, answers: ["rpc.demo.example 300 TXT beside the members"] }
  },
  {
    title: "CAA at a steered name is NODATA, never an error, scope 0",
    packet: ask("rpc.demo.example", "CAA", { subnet: osaka }),
    says: { rcode: NOERROR, aa: true, answers: [], authority: [soa], subnet: "00011800cb0071" }
  },
  {
    title: "HTTPS at a steered name is NODATA",
    packet: ask("rpc.demo.example", "HTTPS"),
    says: { rcode: NOERROR, answers: [], authority: [soa] }
  },
  {
    title: "a type that nobody knows is NODATA",
    packet: ask("rpc.demo.example", 65280),
    says: { rcode: NOERROR, answers: [], authority: [soa] }
  },
  {
    title: "a static A goes before steering",
    packet: ask("fixed.demo.example", "A", { subnet: osaka }),
    says: { answers: ["fixed.demo.example 300 A 192.0.2.77"], subnet: "00011800cb0071" }
  },
  {
    title: "… for its type only",
    packet: ask("fixed.demo.example", "AAAA"),
    says: { answers: ["fixed.demo.example 30 AAAA 2001:db8:ffff::3"] }
  },
  {
    title: "a steered name without an answer is NODATA",
    packet: ask("empty.demo.example", "A"),
    says: { rcode: NOERROR, aa: true, answers: [], authority: [soa] }
  },
  {
    title: "a name that steering does not know yet is SERVFAIL, which nobody keeps for long",
    packet: ask("lost.demo.example", "A"),
    says: { rcode: SERVFAIL, aa: false, answers: [], authority: [] }
  },
  {
    title: "a served name outside the static zones has a zone of its last two labels",
    packet: ask("other.test", "SOA"),
    says: { answers: [`other.test 3600 SOA ns.other.test hostmaster.other.test ${sampleSerial} 3600 600 604800 60`] }
  },
  {
    title: "… and is steered in it",
    packet: ask("api.other.test", "A", { subnet: osaka }),
    says: { answers: ["api.other.test 30 A 198.51.100.1"] }
  }
]

const names: ReadonlyArray<Case> = [
  {
    title: "an unknown name is NXDOMAIN with the SOA, TTL min(TTL, MINIMUM)",
    packet: ask("nothing.demo.example", "A"),
    says: { rcode: NXDOMAIN, aa: true, answers: [], authority: [soa] }
  },
  {
    title: "… where the SOA's TTL is the lower one",
    packet: ask("nothing.own.example", "A"),
    says: {
      rcode: NXDOMAIN,
      authority: ["own.example 40 SOA ns.own.example host\\.master.own.example 7 1 2 3 60"]
    }
  },
  {
    title: "below a steered name there is nothing",
    packet: ask("x.rpc.demo.example", "A"),
    says: { rcode: NXDOMAIN, authority: [soa] }
  },
  {
    title: "an empty non-terminal is NODATA",
    packet: ask("ent.demo.example", "A"),
    says: { rcode: NOERROR, aa: true, answers: [], authority: [soa] }
  },
  {
    title: "an empty non-terminal is NODATA for ANY too",
    packet: ask("er.ent.demo.example", "ANY"),
    says: { rcode: NOERROR, answers: [], authority: [soa] }
  },
  {
    title: "outside the zones REFUSED",
    packet: ask("example.org", "A"),
    says: { rcode: REFUSED, aa: false, answers: [], authority: [] }
  },
  {
    title: "above the zones REFUSED",
    packet: ask("example", "NS"),
    says: { rcode: REFUSED, aa: false, authority: [] }
  },
  { title: "the root REFUSED", packet: ask("", "NS"), says: { rcode: REFUSED, authority: [] } },
  {
    title: "a name that only ends like ours REFUSED",
    packet: ask("notdemo.example", "A"),
    says: { rcode: REFUSED }
  },
  {
    title: "a dot inside a label does not make two of it",
    packet: message({
      questions: [question(Buffer.concat([Buffer.from("\x08rpc.demo\x07example"), Buffer.alloc(1)]), "A")]
    }),
    says: { rcode: REFUSED }
  },
  {
    title: "labels of any bytes are names like others",
    packet: message({ questions: [question("\x00\xff\xc0.demo.example", "A")] }),
    says: { rcode: NXDOMAIN, aa: true }
  }
]

const aliases: ReadonlyArray<Case> = [
  {
    title: "an alias is followed to a steered name, with its scope",
    packet: ask("www.demo.example", "A", { subnet: osaka }),
    says: {
      rcode: NOERROR,
      aa: true,
      answers: ["www.demo.example 600 CNAME rpc.demo.example", "rpc.demo.example 30 A 198.51.100.1"],
      subnet: "00011814cb0071"
    }
  },
  {
    title: "an alias of an alias",
    packet: ask("WEB.demo.example", "A"),
    says: {
      answers: [
        "WEB.demo.example 600 CNAME www.demo.example",
        "www.demo.example 600 CNAME rpc.demo.example",
        "rpc.demo.example 30 A 198.51.100.3"
      ]
    }
  },
  {
    title: "the CNAME itself",
    packet: ask("www.demo.example", "CNAME"),
    says: { rcode: NOERROR, answers: ["www.demo.example 600 CNAME rpc.demo.example"] }
  },
  {
    title: "an alias of something elsewhere ends there",
    packet: ask("away.demo.example", "A"),
    says: { rcode: NOERROR, aa: true, answers: ["away.demo.example 600 CNAME somewhere.else.test"], authority: [] }
  },
  {
    title: "an alias of nothing is NXDOMAIN (RFC 6604)",
    packet: ask("gone.demo.example", "A"),
    says: { rcode: NXDOMAIN, aa: true, answers: ["gone.demo.example 600 CNAME nothing.demo.example"], authority: [soa] }
  },
  {
    title: "the end of an alias has no such type",
    packet: ask("www.demo.example", "MX"),
    says: { rcode: NOERROR, answers: ["www.demo.example 600 CNAME rpc.demo.example"], authority: [soa] }
  },
  {
    title: "aliases in a circle end",
    packet: ask("ping.demo.example", "A"),
    says: {
      rcode: NOERROR,
      answers: ["ping.demo.example 600 CNAME pong.demo.example", "pong.demo.example 600 CNAME ping.demo.example"]
    }
  },
  {
    title: "an alias of a delegated name leads to a referral",
    packet: ask("below.demo.example", "A"),
    says: {
      rcode: NOERROR,
      aa: true,
      answers: ["below.demo.example 600 CNAME host.child.demo.example"],
      authority: ["child.demo.example 300 NS ns.child.demo.example", "child.demo.example 300 NS ns.elsewhere.test"]
    }
  }
]

const wildcards: ReadonlyArray<Case> = [
  {
    title: "a wildcard (RFC 4592)",
    packet: ask("any.wild.demo.example", "A"),
    says: { rcode: NOERROR, aa: true, answers: ["any.wild.demo.example 300 A 192.0.2.99"] }
  },
  {
    title: "a wildcard, several labels deep",
    packet: ask("a.B.c.wild.demo.example", "A"),
    says: { answers: ["a.B.c.wild.demo.example 300 A 192.0.2.99"] }
  },
  {
    title: "a wildcard without the type is NODATA",
    packet: ask("any.wild.demo.example", "TXT"),
    says: { rcode: NOERROR, answers: [], authority: [soa] }
  },
  {
    title: "a name that exists hides the wildcard, whatever the type",
    packet: ask("host.wild.demo.example", "A"),
    says: { rcode: NOERROR, answers: [], authority: [soa] }
  },
  {
    title: "… and what is below it",
    packet: ask("x.host.wild.demo.example", "A"),
    says: { rcode: NXDOMAIN, authority: [soa] }
  },
  {
    title: "the wildcard asked for by its name",
    packet: ask("*.wild.demo.example", "MX"),
    says: { answers: ["*.wild.demo.example 300 MX 10 mail.demo.example"] }
  },
  {
    title: "a wildcard alias",
    packet: ask("x.alias.demo.example", "AAAA"),
    says: {
      answers: ["x.alias.demo.example 300 CNAME rpc.demo.example", "rpc.demo.example 30 AAAA 2001:db8:ffff::3"]
    }
  },
  {
    title: "a wildcard that is an empty non-terminal gives NODATA",
    packet: ask("x.odd.demo.example", "TXT"),
    says: { rcode: NOERROR, answers: [], authority: [soa] }
  }
]

const delegations: ReadonlyArray<Case> = [
  {
    title: "a delegated name is a referral with glue",
    packet: ask("host.child.demo.example", "A"),
    says: {
      rcode: NOERROR,
      aa: false,
      answers: [],
      authority: ["child.demo.example 300 NS ns.child.demo.example", "child.demo.example 300 NS ns.elsewhere.test"],
      additional: ["ns.child.demo.example 300 A 192.0.2.53", "ns.child.demo.example 300 AAAA 2001:db8::5"]
    }
  },
  {
    title: "the delegation itself too",
    packet: ask("child.demo.example", "NS"),
    says: { rcode: NOERROR, aa: false, answers: [] }
  },
  {
    title: "glue is not an answer",
    packet: ask("ns.child.demo.example", "A"),
    says: { aa: false, answers: [] }
  },
  {
    title: "DS at the delegation is ours (RFC 4035, 3.1.4.1)",
    packet: ask("child.demo.example", "DS"),
    says: { rcode: NOERROR, aa: true, answers: [], authority: [soa] }
  }
]

const acme: ReadonlyArray<Case> = [
  {
    title: "a URL at _acme-challenge is never answered",
    packet: ask("_acme-challenge.demo.example", "TXT"),
    says: { rcode: SERVFAIL, aa: false, answers: [], authority: [] }
  },
  {
    title: "other types there are NODATA",
    packet: ask("_acme-challenge.demo.example", "A"),
    says: { rcode: NOERROR, answers: [], authority: [soa] }
  },
  {
    title: "a token there is answered",
    packet: ask("_ACME-challenge.rpc.demo.example", "TXT"),
    says: { rcode: NOERROR, answers: ["_ACME-challenge.rpc.demo.example 0 TXT a-token"] }
  }
]

const protocol: ReadonlyArray<Case> = [
  {
    title: "ANY is minimal (RFC 8482)",
    packet: ask("demo.example", "ANY"),
    says: { rcode: NOERROR, aa: true, answers: ["demo.example 60 HINFO RFC8482 "] }
  },
  {
    title: "ANY at a steered name",
    packet: ask("empty.demo.example", "ANY"),
    says: { rcode: NOERROR, answers: ["empty.demo.example 60 HINFO RFC8482 "] }
  },
  { title: "ANY at an unknown name", packet: ask("nothing.demo.example", "ANY"), says: { rcode: NXDOMAIN } },
  { title: "AXFR is refused", packet: ask("demo.example", "AXFR"), says: { rcode: REFUSED, answers: [] } },
  {
    title: "IXFR is refused, with its SOA in the authority section",
    packet: message({
      questions: [question("demo.example", "IXFR")],
      authority: [Buffer.concat([wireName("demo.example"), Buffer.from("000600010000000000020000", "hex")])]
    }),
    says: { rcode: REFUSED }
  },
  {
    title: "class CH is refused",
    packet: message({ questions: [question("version.bind", "TXT", 3)] }),
    says: { rcode: REFUSED, answers: [] }
  },
  {
    title: "class ANY is refused",
    packet: message({ questions: [question("demo.example", "A", 255)] }),
    says: { rcode: REFUSED, answers: [] }
  },
  {
    title: "NOTIFY is not implemented, the opcode comes back",
    packet: message({ flags: 0x2000, questions: [question("demo.example", "SOA")] }),
    says: { rcode: NOTIMP, opcode: 4, qr: true, question: "" }
  },
  {
    title: "UPDATE is not implemented",
    packet: message({ flags: 0x2800, questions: [question("demo.example", "SOA")] }),
    says: { rcode: NOTIMP, opcode: 5 }
  },
  { title: "no question is FORMERR (RFC 9619)", packet: message({}), says: { rcode: FORMERR, id: 4711, question: "" } },
  {
    title: "two questions are FORMERR (RFC 9619)",
    packet: message({ questions: [question("demo.example", "A"), question("demo.example", "AAAA")] }),
    says: { rcode: FORMERR, question: "" }
  },
  {
    title: "a question that ends early is FORMERR",
    packet: message({ questions: [question("demo.example", "A").subarray(0, 15)] }),
    says: { rcode: FORMERR, question: "" }
  },
  {
    title: "a name that points to itself is FORMERR",
    packet: message({ questions: [question(Buffer.from([0xc0, 12]), "A")] }),
    says: { rcode: FORMERR }
  },
  {
    title: "a label of unknown kind is FORMERR",
    packet: message({ questions: [question(Buffer.from([0x41, 1, 0]), "A")] }),
    says: { rcode: FORMERR }
  },
  {
    title: "a name of more than 255 bytes is FORMERR",
    packet: message({ questions: [question(Array(5).fill("a".repeat(60)).join("."), "A")] }),
    says: { rcode: FORMERR }
  },
  {
    title: "the longest name is a name",
    packet: message({
      questions: [question(`${"a".repeat(60)}.${"b".repeat(60)}.${"c".repeat(60)}.${"d".repeat(57)}.demo.example`, "A")]
    }),
    says: { rcode: NXDOMAIN }
  },
  {
    title: "bytes left over are FORMERR",
    packet: Buffer.concat([message({ questions: [question("demo.example", "A")] }), Buffer.from("rest")]),
    says: { rcode: FORMERR }
  },
  {
    title: "records that are counted but not there are FORMERR",
    packet: (() => {
      const packet = message({ questions: [question("demo.example", "A")] })
      packet.writeUInt16BE(0xffff, 6)
      return packet
    })(),
    says: { rcode: FORMERR }
  }
]

const edns: ReadonlyArray<Case> = [
  { title: "without EDNS none comes back", packet: ask("demo.example", "A", { edns: false }), says: { opts: 0 } },
  {
    title: "with EDNS ours comes back, 1232 bytes",
    packet: ask("demo.example", "A"),
    says: { opts: 1, ednsBytes: 1232, ednsVersion: 0, dnssecOk: false }
  },
  {
    title: "DO is copied (RFC 3225)",
    packet: message({ questions: [question("demo.example", "A")], additional: [opt({ flags: 0x8000 })] }),
    says: { rcode: NOERROR, dnssecOk: true }
  },
  {
    title: "another version is BADVERS, with ours",
    packet: message({ questions: [question("demo.example", "A")], additional: [opt({ version: 0x0001 })] }),
    says: { rcode: BADVERS, opts: 1, ednsVersion: 0, answers: [], aa: false }
  },
  {
    title: "two OPT records are FORMERR (RFC 6891, 6.1.1)",
    packet: message({ questions: [question("demo.example", "A")], additional: [opt(), opt()] }),
    says: { rcode: FORMERR, answers: [] }
  },
  {
    title: "an OPT record with a name is FORMERR",
    packet: message({
      questions: [question("demo.example", "A")],
      additional: [Buffer.concat([wireName("x"), opt().subarray(1)])]
    }),
    says: { rcode: FORMERR }
  },
  {
    title: "an OPT record in another section is FORMERR",
    packet: message({ questions: [question("demo.example", "A")], answers: [opt()] }),
    says: { rcode: FORMERR }
  },
  {
    title: "options that we do not know are ignored",
    packet: message({
      questions: [question("demo.example", "A")],
      additional: [opt({ options: [option(10, [1, 2, 3, 4, 5, 6, 7, 8]), option(3, []), option(65001, [1])] })]
    }),
    says: { rcode: NOERROR, opts: 1, answers: ["demo.example 300 A 192.0.2.10"] }
  },
  ...[0, 7, 9, 15, 41].map((length): Case => ({
    title: `a cookie of ${length} bytes is FORMERR (RFC 7873, 5.2.2)`,
    packet: message({
      questions: [question("demo.example", "A")],
      additional: [opt({ options: [option(10, Buffer.alloc(length))] })]
    }),
    says: { rcode: FORMERR, opts: 1, answers: [], cookie: "" }
  })),
  {
    title: "who asks for the identifier of a server that has none gets none",
    packet: message({
      questions: [question("demo.example", "A")],
      additional: [opt({ options: [option(3, [])] })]
    }),
    says: { rcode: NOERROR, opts: 1, nsid: "" }
  },
  {
    title: "an option longer than its record is FORMERR",
    packet: message({
      questions: [question("demo.example", "A")],
      additional: [opt({ options: [Buffer.from([0, 10, 0, 9, 1])] })]
    }),
    says: { rcode: FORMERR, opts: 1 }
  },
  ...([
    ["family 9", subnetOption(9, 24, [203, 0, 113])],
    ["family 0", subnetOption(0, 0, [])],
    ["SOURCE 33 of IPv4", subnetOption(1, 33, [203, 0, 113, 1, 128])],
    ["SOURCE 129 of IPv6", subnetOption(2, 129, Array(17).fill(0))],
    ["too few bytes of the address", subnetOption(1, 24, [203, 0])],
    ["too many bytes of the address", subnetOption(1, 24, [203, 0, 113, 0])],
    ["bits after SOURCE", subnetOption(1, 20, [203, 0, 113])],
    ["SCOPE in a query", subnetOption(1, 24, [203, 0, 113], 24)],
    ["three bytes", option(8, [0, 1, 24])],
    ["twice", Buffer.concat([osaka, osaka])]
  ] as const).map(([what, subnet]): Case => ({
    title: `a client subnet with ${what} is FORMERR`,
    packet: ask("rpc.demo.example", "A", { subnet }),
    says: { rcode: FORMERR, opts: 1, subnet: "", answers: [], question: "rpc.demo.example A" }
  }))
]

/** What everything that answers DNS messages over the samples must do, whatever they travel on. */
export const responsesConformance = (
  name: string,
  use: (exchange: (exchange: Exchange) => Effect.Effect<void>) => Effect.Effect<void, unknown>
): void =>
  void describe(`responses: ${name}`, () => {
    const groups = { records, steered, names, aliases, wildcards, delegations, acme, protocol, edns }
    for (const [title, cases] of Object.entries(groups)) {
      it.live(title, () =>
        use((exchange) =>
          Effect.gen(function*() {
            for (const { packet, says, title } of cases) {
              const response = yield* exchange(packet)
              assert.isDefined(response, title)
              const reading = read(response)
              const seen = Object.fromEntries(Object.keys(says).map((key) => [key, reading[key as keyof Reading]]))
              assert.deepStrictEqual(seen, says, title)
              assert.strictEqual(reading.used, reading.bytes, title)
            }
          })
        ))
    }
  })
