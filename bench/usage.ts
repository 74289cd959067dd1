import type { Place } from "../src/geo/GeoIp.ts"
import { UsageCounter } from "../src/usage/UsageCounter.ts"
import { atLeast, type Benchmark, perSecond } from "./measure.ts"

/** Answers counted per second: 20 names, 30 members and 2,000 networks, as places that are new objects every time. */
export const run: Benchmark = async ({ smoke }) => {
  const place = (i: number): Place => {
    const n = i % 2_000
    return {
      location: undefined,
      country: countries[n % 40]!,
      countryName: countryNames[n % 40]!,
      asn: asns[n]!,
      network: networks[n]!,
      prefix: 24
    }
  }
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
  const countries = numbers(40).map((i) => `${String.fromCharCode(65 + i % 26)}${i % 10}`)
  const countryNames = numbers(40).map((i) => `Country ${i}`)
  const asns = numbers(2_000).map((i) => `AS${64_000 + i}`)
  const networks = numbers(2_000).map((i) => `Example Network ${i} Ltd.`)
  const domains = numbers(20).map((i) => `rpc${i}.example.org`)
  const members = numbers(30).map((i) => `Member ${i}`)

  const millis = smoke ? 60 : 3_000
  const counter = new UsageCounter()
  const counted = perSecond(millis, 1_000, (i) =>
    counter.record(
      { domain: domains[i % 20]!, member: members[i % 30]!, place: place(i * 7), ipv6: i % 5 === 0 },
      "2026-03-01"
    ))
  const flooded = new UsageCounter()
  const flood = perSecond(millis, 1_000, (i) =>
    flooded.record(
      { domain: `${i}.example.org`, member: `m${i}`, place: { ...place(i), network: `n${i}` }, ipv6: false },
      "2026-03-01"
    ))
  return [
    atLeast("usage record", counted, "/s", 300_000),
    atLeast("usage record, every name new", flood, "/s", 50_000)
  ]
}
