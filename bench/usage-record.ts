import * as Effect from "effect/Effect"
import { GeoIp, type Place } from "../src/geo/GeoIp.ts"
import { UsageCounter } from "../src/usage/UsageCounter.ts"
import { names, networks, subnets } from "./dns-world.ts"
import { atLeast, type Benchmark, perSecond } from "./measure.ts"

const day = "2026-03-01"
const writer = "0123456789abcdef"

/** Answers counted per second on one core: 50 names, 30 members, clients of 10,000 subnets in 2,500 networks. */
export const run: Benchmark = async ({ smoke }) => {
  const geo = await Effect.runPromise(GeoIp.use(Effect.succeed).pipe(Effect.provide(GeoIp.layerMemory(networks))))
  // Texts as they come from a socket, not the same objects again and again.
  const clients = subnets.flatMap(([a, b, c]) => [7, 99].map((d) => `${a}.${b}.${c}.${d}`))
  const members = Array.from({ length: 30 }, (_, i) => `Member ${i}`)
  const millis = smoke ? 600 : 3_000

  const counter = new UsageCounter(writer)
  const located = perSecond(millis, 1_000, (i) =>
    counter.record(
      {
        domain: names[i % 50]!,
        member: members[i % 30]!,
        place: geo.locate(clients[i * 7919 % clients.length]!),
        ipv6: i % 5 === 0
      },
      day
    ))

  const place = (i: number): Place => ({
    location: undefined,
    country: "DE",
    countryName: "Germany",
    asn: `AS${i}`,
    network: `Network ${i}`,
    prefix: 24
  })
  const flooded = new UsageCounter(writer, { keysPerDay: 100_000, keys: 150_000 })
  const flood = perSecond(
    millis,
    1_000,
    (i) => flooded.record({ domain: `${i}.example.org`, member: `m${i}`, place: place(i), ipv6: false }, day)
  )
  return [
    atLeast("usage record with GeoIP lookup", located, "/s", 300_000),
    atLeast("usage record, every text new", flood, "/s", 50_000)
  ]
}
