import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { RawDocuments } from "../../../src/config/memoryConfig.ts"
import { type AskOptions, type DnsAnswer, type DnsRecord } from "../../../src/dns/DnsClient.ts"
import { DnsServer } from "../../../src/dns/DnsServer.ts"
import { PdnsBackend } from "../../../src/dns/pdns/PdnsBackend.ts"
import type { GeoEntry } from "../../../src/geo/GeoEntry.ts"
import { GeoIp } from "../../../src/geo/GeoIp.ts"
import { DurableFiles } from "../../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../../src/node/NodeIdentity.ts"
import { Steering } from "../../../src/steering/Steering.ts"
import { Usage } from "../../../src/usage/Usage.ts"
import { sampleRecords } from "../samples.ts"
import { quiet } from "../serving.ts"

const fixture = (name: string): any =>
  JSON.parse(readFileSync(resolve(import.meta.dirname, "../../fixtures/config", name), "utf8"))

/** The fixture network, and a zone with something of everything beside it. */
export const fixtureDocuments = (dns: Record<string, unknown>): RawDocuments => ({
  local: { GeoDNS: { Dns: dns, Outbound: { Allow: ["127.0.0.0/8"] } } },
  staticDns: [...fixture("geodns-static.json"), ...sampleRecords],
  members: fixture("members_professional.json"),
  services: fixture("services_rpc.json")
})

const place = (country: string, latitude: number, longitude: number) => ({
  country,
  countryName: country,
  location: { latitude, longitude }
})

/** Networks on five continents; the rest is unknown. */
export const networks: ReadonlyArray<GeoEntry> = [
  { cidr: "11.0.0.0/8", ...place("US", 40.7, -74), asn: 64501, organization: "New York" },
  { cidr: "11.7.0.0/17", ...place("CL", -33.4, -70.6) },
  { cidr: "11.7.64.0/27", ...place("CR", 9.9, -84) },
  { cidr: "12.16.0.0/14", ...place("DE", 50.1, 8.7) },
  { cidr: "13.0.0.0/11", ...place("JP", 35.7, 139.7) },
  { cidr: "14.128.0.0/9", ...place("NG", 6.5, 3.4) },
  { cidr: "15.1.2.0/24", ...place("NZ", -36.8, 174.8) },
  { cidr: "2a00:1::/32", ...place("PT", 38.7, -9.1) },
  { cidr: "2a00:2::/40", ...place("IN", 19, 72.9) },
  { cidr: "2a00:2:0:ff::/64", ...place("BR", -22.9, -43.2) }
]

/** The embedded server and the backend of PowerDNS over the same everything, in memory. */
export const backends = (documents: RawDocuments, entries: ReadonlyArray<GeoEntry> = networks) =>
  Layer.merge(DnsServer.layerWith({ listen: "127.0.0.1:0" }), PdnsBackend.layer).pipe(
    Layer.provideMerge([
      Steering.layerMemory(documents),
      GeoIp.layerMemory(entries),
      Usage.layerMemory,
      DurableFiles.layerMemory
    ]),
    Layer.provide(NodeIdentity.layerMemory({ id: "dns", role: "IBPDns" })),
    Layer.provide(quiet)
  )

/** A temporary folder that goes with the scope. */
export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-pdns-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const textOf = ({ data, name, ttl, type }: DnsRecord): string => `${name.toLowerCase()} ${ttl} ${type} ${data}`

/** What of an answer must be the same from both servers: all but the order of records and what is added to them. */
export const essence = ({ answers, authority, flags, rcode, subnet }: DnsAnswer) => ({
  rcode,
  aa: flags.aa,
  answers: answers.map(textOf).sort(),
  authority: authority.map(textOf).sort(),
  subnet: subnet === undefined ? "none" : `${subnet.address}/${subnet.source}/${subnet.scope}`
})

export type Question = Pick<AskOptions, "name" | "type" | "subnet">
