import type { RawDocuments } from "../src/config/memoryConfig.ts"
import type { GeoEntry } from "../src/geo/GeoEntry.ts"
import { numbers, place } from "./random.ts"

const random = numbers(2)

/** The first three bytes of the 10,000 client subnets, all /24; four of them in a row are in one network. */
export const subnets: ReadonlyArray<readonly [number, number, number]> = Array.from({ length: 10_000 }, (_, i) => {
  const network = i >> 2
  return [20 + network % 80, network / 80 | 0, (network * 7 & 63) << 2 | i & 3]
})

/** Nine of ten networks are somewhere, in 100 countries and 1,000 autonomous systems. */
export const networks: ReadonlyArray<GeoEntry> = Array.from({ length: 2_500 }, (_, i) => i).filter((i) => i % 10 !== 0)
  .map((i) => {
    const [a, b, c] = subnets[i * 4]!
    return {
      cidr: `${a}.${b}.${c}.0/22`,
      location: place(random),
      country: String.fromCharCode(65 + i % 10, 65 + (i / 10 | 0) % 10),
      asn: 64512 + i % 1000,
      organization: `Network ${i % 1000}`
    }
  })

/** The 50 names that are asked for. */
export const names: ReadonlyArray<string> = Array.from({ length: 50 }, (_, i) => `rpc${i}.bench.example`)

const serviceKeys = names.map((_, i) => `Service${i}`)

/** 30 members that serve all of the names, with addresses of both families. */
export const documents: RawDocuments = {
  // A benchmark asks more than any client should.
  local: { GeoDNS: { Dns: { RateLimit: { ResponsesPerSecond: 0 } } } },
  staticDns: [{ qname: "bench.example", qtype: "NS", content: "ns1.bench.example" }],
  services: Object.fromEntries(names.map((name, i) => [serviceKeys[i]!, {
    Configuration: { Name: serviceKeys[i]!, ServiceType: "RPC", Active: 1, LevelRequired: 1 },
    Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
    Providers: { Bench: { RpcUrls: [`wss://${name}/`] } }
  }])),
  members: Object.fromEntries(Array.from({ length: 30 }, (_, i) => {
    const { latitude, longitude } = place(random)
    return [`member${i}`, {
      Details: { Name: `Member ${i}` },
      Membership: { MemberLevel: 5 },
      Service: { Active: 1, ServiceIPv4: `198.51.100.${i + 1}`, ServiceIPv6: `2001:db8::${i + 1}` },
      ServiceAssignments: { All: serviceKeys },
      Location: { Latitude: latitude, Longitude: longitude }
    }]
  }))
}
