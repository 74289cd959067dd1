import { Result } from "effect"
import { readChallenges } from "../../src/dns/challengeRecords.ts"
import type { RecordSet } from "../../src/dns/encodeResponse.ts"
import { RecordType } from "../../src/dns/protocol.ts"
import { readRecordData } from "../../src/dns/RecordData.ts"
import { makeResponder, type Protection, type Respond } from "../../src/dns/Responder.ts"
import { makeZoneData } from "../../src/dns/ZoneBuilder.ts"
import type { ZoneData } from "../../src/dns/ZoneData.ts"
import type { StaticRecord } from "../../src/domain/documents/StaticDns.ts"
import type { Place } from "../../src/geo/GeoIp.ts"
import { unknownPlace } from "../../src/geo/GeoLookup.ts"
import type { Choice, Client } from "../../src/steering/Choice.ts"
import type { Hit } from "../../src/usage/Usage.ts"

/** `name type ttl content`, one a line. */
export const records = (text: string): ReadonlyArray<StaticRecord> =>
  text.split("\n").map((line) => line.trim()).filter((line) => line !== "").map((line) => {
    const [, qname, qtype, ttl, content] = /^(\S+)\s+(\S+)\s+(\d+)\s+(.*)$/.exec(line)!
    return { qname: qname!, qtype: qtype!, content: content!, ttl: Number(ttl), auth: true, domain_id: 0 }
  })

/** Where the sample zone has a challenge: nobody listens there. */
export const challengeUrl = "http://127.0.0.1:1/acme-challenge"

/** A zone with something of everything. */
export const sampleRecords = records(`
  Demo.Example.              NS    3600 ns1.demo.example.
  demo.example               NS    1800 NS2.Demo.Example
  demo.example               A     300  192.0.2.10
  demo.example               MX    300  10 mail.demo.example.
  demo.example               TXT   300  v=spf1 -all
  demo.example               CAA   300  0 issue "ca.example"
  ns1.demo.example           A     300  192.0.2.1
  ns1.demo.example           AAAA  300  2001:db8::53
  ns2.demo.example           A     300  192.0.2.2
  mail.demo.example          A     300  192.0.2.25
  _sip._tcp.demo.example     SRV   300  1 2 5060 mail.demo.example
  www.demo.example           CNAME 600  RPC.Demo.Example.
  web.demo.example           CNAME 600  www.demo.example
  away.demo.example          CNAME 600  somewhere.else.test
  gone.demo.example          CNAME 600  nothing.demo.example
  ping.demo.example          CNAME 600  pong.demo.example
  pong.demo.example          CNAME 600  ping.demo.example
  below.demo.example         CNAME 600  host.child.demo.example
  rpc.demo.example           TXT   300  beside the members
  fixed.demo.example         A     300  192.0.2.77
  *.wild.demo.example        A     300  192.0.2.99
  *.wild.demo.example        MX    300  10 mail.demo.example
  host.wild.demo.example     TXT   300  a name of its own
  *.alias.demo.example       CNAME 300  rpc.demo.example
  sub.*.odd.demo.example     TXT   300  below a wildcard that is empty
  deep.er.ent.demo.example   A     300  192.0.2.44
  child.demo.example         NS    300  ns.child.demo.example
  child.demo.example         NS    300  ns.elsewhere.test
  ns.child.demo.example      A     300  192.0.2.53
  ns.child.demo.example      AAAA  300  2001:db8::5
  _acme-challenge.demo.example     TXT 0 ${challengeUrl}
  _acme-challenge.rpc.demo.example TXT 0 "a-token"
  big.demo.example           TXT   300  ${"x".repeat(3000)}
  middle.demo.example        TXT   300  ${"y".repeat(700)}
  10.2.0.192.in-addr.arpa    PTR   300  demo.example
  2.0.192.in-addr.arpa       NS    300  ns1.demo.example
  own.example                SOA   40   ns.own.example host.master@own.example 7 1 2 3 3600
  x.own.example              A     300  192.0.2.3
`)

/** Host names of services. */
export const sampleServed = [
  "rpc.demo.example",
  "fixed.demo.example",
  "empty.demo.example",
  "lost.demo.example",
  "api.other.test",
  "many.demo.example"
]

export const sampleSerial = 1_700_000_000

export const sampleZone: ZoneData = makeZoneData({
  records: sampleRecords,
  zones: {},
  served: sampleServed,
  serial: sampleSerial
})

/** The same with names that explain. */
export const explainedZone: ZoneData = makeZoneData({
  records: sampleRecords,
  zones: {},
  served: sampleServed,
  explained: true,
  serial: sampleSerial
})

/** One TXT record. */
export const textRecord = (text: string): RecordSet => ({
  type: RecordType.TXT,
  ttl: 5,
  data: [Result.getOrThrow(readRecordData("TXT", `"${text}"`))]
})

/** Two places: a /20 of the first, a /48 of the second; all else is unknown. */
export const locate = (address: string): Place => {
  if (address.startsWith("203.0.113.")) {
    return { ...unknownPlace, location: { latitude: 35, longitude: 135 }, country: "JP", prefix: 20 }
  }
  if (address.startsWith("2001:db8:81:")) {
    return { ...unknownPlace, location: { latitude: 52, longitude: 13 }, country: "DE", prefix: 48 }
  }
  return unknownPlace
}

/** East of 100° `Osaka`, else `Berlin`; unknown places go to `Spread`. */
export const choose = (name: string, ipv6: boolean, client: Client): Choice | undefined => {
  if (!sampleServed.includes(name) || name === "lost.demo.example") return undefined
  if (name === "empty.demo.example") return { addresses: [], members: [], ttl: 30 }
  if (name === "many.demo.example") {
    const count = Array.from({ length: 40 }, (_, i) => i + 1)
    return {
      addresses: count.map((i) => ipv6 ? `2001:db8::${i}` : `198.51.100.${i}`),
      members: count.map((i) => `Member ${i}`),
      ttl: 30
    }
  }
  const [member, last] = client.location === undefined
    ? ["Spread", 3] as const
    : client.location.longitude > 100
    ? ["Osaka", 1] as const
    : ["Berlin", 2] as const
  return { addresses: [ipv6 ? `2001:db8:ffff::${last}` : `198.51.100.${last}`], members: [member], ttl: 30 }
}

/**
 * A responder over the samples that remembers what it was told to record, and for which clients it was asked. `body` is what
 * is at the address of the challenge.
 */
export const sampleResponder = (zone: ZoneData = sampleZone, body?: string, protection?: Protection) => {
  const hits: Array<Hit> = []
  const clients: Array<Client> = []
  const tally: Array<readonly [type: number, rcode: number]> = []
  const respond: Respond = makeResponder({
    zone: () => zone,
    choose: (name, ipv6, client) => {
      clients.push(client)
      return choose(name, ipv6, client)
    },
    explain: (name, { scope }) => scope === "" ? undefined : textRecord(`${name} for ${scope}`),
    challenge: (address) => address === challengeUrl && body !== undefined ? readChallenges(body) : undefined,
    locate,
    record: (hit) => void hits.push(hit),
    tally: (type, rcode) => void tally.push([type, rcode]),
    ...protection === undefined ? {} : { protection }
  })
  return { respond, hits, clients, tally }
}
