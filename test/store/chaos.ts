import type { Target } from "../../src/domain/Target.ts"
import type { Decision } from "../../src/status/Decision.ts"
import type { Hit } from "../../src/usage/Hit.ts"

/** What a process of the chaos is told. */
export type Told = { readonly decisions: ReadonlyArray<Decision> } | { readonly stop: true } | { readonly end: true }

/** What it says. */
export type Said =
  | { readonly ready: true }
  /** How many answers it will have counted, before it counts them. */
  | { readonly counting: number }
  /** How many it has counted, after it has stopped. */
  | { readonly counted: number }
  /** Decisions that have been official in it for a second. */
  | { readonly taken: ReadonlyArray<string> }

/** What a process is started with. */
export interface ChaosArguments {
  readonly id: string
  readonly folder: string
  readonly port: number
  readonly database: string
  /** Which start of it this is: stands in what it counts. */
  readonly start: number
}

/** An outage that is shorter is a blip. Seconds. */
export const minimumOffline = 2

/** Random numbers below 1 that follow from a seed. */
export const randomOf = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

export const targetOf = (member: string): Target => ({
  checkType: "site",
  check: "ping",
  member,
  domain: "",
  endpoint: "",
  ipv6: false
})

export const domainOf = (start: number): string => `start-${start}.example`

const place = { location: undefined, country: "DE", countryName: "Germany", asn: "AS64500", prefix: 24 }

/** The answer that a process counts as number `i` since its start: one of 1,200 keys. */
export const hitOf = (start: number, i: number): Hit => {
  const mixed = Math.imul(i + 1, 0x9e3779b1) >>> 8
  return {
    domain: domainOf(start),
    member: `Member ${mixed % 3}`,
    place: { ...place, network: `Net ${mixed % 200}` },
    ipv6: (mixed & 512) !== 0
  }
}

/** A key in one text. */
export const keyOf = (member: string, network: string, ipv6: boolean): string => `${member}|${network}|${ipv6}`

/** What stands in the store when exactly the first `counted` answers of a start were counted. */
export const totalsOf = (start: number, counted: number): ReadonlyMap<string, number> => {
  const totals = new Map<string, number>()
  for (let i = 0; i < counted; i++) {
    const { ipv6, member, place } = hitOf(start, i)
    const key = keyOf(member, place.network, ipv6)
    totals.set(key, (totals.get(key) ?? 0) + 1)
  }
  return totals
}
