import { type UsageRow, usageWidths } from "../store/UsageStore.ts"
import { countedText, TextCache } from "./countedText.ts"
import type { Hit } from "./Hit.ts"

/** A total of this process for one day and key, as it stands. */
export type Counted = Omit<UsageRow, "node" | "writer">

/** The name under which is counted what has no key of its own any more. */
export const otherName = "(other)"

interface Counter extends Counted {
  hits: number
  /** It is among those that are to be handed out. */
  waits: boolean
}

/** How many keys are held. */
export interface UsageBounds {
  /** Keys of one day. The last tenth of them is for names alone: floods of addresses leave it free. */
  readonly keysPerDay: number
  /** Keys of all days together. */
  readonly keys: number
}

export const usageBounds: UsageBounds = { keysPerDay: 100_000, keys: 400_000 }

const cacheSize = 20_000

/**
 * Counts answers per day and key, in bounded memory: the pure core of `Usage`.
 *
 * When a day has too many keys, new ones collapse: first into their domain and member with the network `(other)`, then,
 * when there are too many of these too, into `(other)` altogether. No hit is lost by that, only detail.
 */
export class UsageCounter {
  readonly #bounds: UsageBounds
  readonly #days = new Map<string, Map<string, Counter>>()
  #day = ""
  #today = new Map<string, Counter>()
  #keys = 0
  #collapsed = 0
  #waiting: Array<Counter> = []

  // None of these texts holds a control character any more, so keys can be joined with one.
  readonly #domain = new TextCache((text) => countedText(text.toLowerCase(), usageWidths.domain), cacheSize)
  readonly #member = new TextCache((text) => countedText(text, usageWidths.member) || "(none)", cacheSize)
  readonly #asn = new TextCache((text) => countedText(text, usageWidths.asn), cacheSize)
  readonly #network = new TextCache((text) => countedText(text, usageWidths.network), cacheSize)
  readonly #country = new TextCache((text) => countedText(text, usageWidths.country) || "??", cacheSize)
  readonly #countryName = new TextCache((text) => countedText(text, usageWidths.countryName) || "Unknown", cacheSize)

  constructor(bounds: UsageBounds = usageBounds) {
    this.#bounds = bounds
  }

  /** Counts one answer. `day` is `YYYY-MM-DD`. */
  record(hit: Hit, day: string): void {
    if (day !== this.#day) this.#turnTo(day)
    const { place } = hit
    const domain = this.#domain.get(hit.domain)
    const member = this.#member.get(hit.member)
    const asn = this.#asn.get(place.asn)
    const network = this.#network.get(place.network)
    const country = this.#country.get(place.country)
    const countryName = this.#countryName.get(place.countryName)
    const key = joined(domain, member, asn, network, country, countryName, hit.ipv6)
    const counter = this.#today.get(key) ??
      this.#admit(key, { day, domain, member, asn, network, country, countryName, ipv6: hit.ipv6, hits: 0 })
    counter.hits += 1
    this.#waitFor(counter)
  }

  /** How many totals have changed and were not taken since. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** How many keys are held. */
  get keys(): number {
    return this.#keys
  }

  /** How many hits went into `(other)`. */
  get collapsed(): number {
    return this.#collapsed
  }

  /** Takes at most `max` changed totals, as they are now. What changes again waits again. */
  take(max: number): ReadonlyArray<Counted> {
    const taken = this.#waiting.splice(0, max)
    for (const counter of taken) counter.waits = false
    return taken.map(({ waits: _, ...counted }) => counted)
  }

  /** Lets totals that were taken and could not be stored wait again. */
  putBack(taken: ReadonlyArray<Counted>): void {
    for (const counted of taken) {
      const counter = this.#days.get(counted.day)?.get(keyOf(counted))
      if (counter !== undefined) this.#waitFor(counter)
    }
  }

  /** Every total, in no order. */
  *totals(): Iterable<Counted> {
    for (const counters of this.#days.values()) {
      for (const { waits: _, ...counted } of counters.values()) yield counted
    }
  }

  /** Forgets the days before `first`. Not while totals of them are under way or wait: those days stay. */
  forgetBefore(first: string): void {
    const needed = new Set(this.#waiting.map((counter) => counter.day))
    for (const [day, counters] of this.#days) {
      if (day >= first || needed.has(day)) continue
      this.#days.delete(day)
      this.#keys -= counters.size
      if (day === this.#day) this.#day = ""
    }
  }

  #turnTo(day: string): void {
    const counters = this.#days.get(day) ?? new Map<string, Counter>()
    this.#days.set(day, counters)
    this.#today = counters
    this.#day = day
  }

  #waitFor(counter: Counter): void {
    if (counter.waits) return
    counter.waits = true
    this.#waiting.push(counter)
  }

  #isFull(keysOfDay: number): boolean {
    return this.#today.size >= keysOfDay || this.#keys >= this.#bounds.keys
  }

  #admit(key: string, counted: Counted): Counter {
    const { keysPerDay } = this.#bounds
    if (!this.#isFull(keysPerDay - Math.ceil(keysPerDay / 10))) return this.#add(key, counted)
    this.#collapsed += 1
    const named: Counted = { ...counted, asn: "", network: otherName, country: "??", countryName: "Unknown" }
    const namedKey = keyOf(named)
    const known = this.#today.get(namedKey)
    if (known !== undefined) return known
    if (!this.#isFull(keysPerDay)) return this.#add(namedKey, named)
    const nameless: Counted = { ...named, domain: otherName, member: otherName }
    const namelessKey = keyOf(nameless)
    return this.#today.get(namelessKey) ?? this.#add(namelessKey, nameless)
  }

  #add(key: string, counted: Counted): Counter {
    const counter = { ...counted, waits: false }
    this.#today.set(key, counter)
    this.#keys += 1
    return counter
  }
}

const joined = (
  domain: string,
  member: string,
  asn: string,
  network: string,
  country: string,
  countryName: string,
  ipv6: boolean
): string => `${domain}\n${member}\n${asn}\n${network}\n${country}\n${countryName}\n${ipv6 ? 6 : 4}`

const keyOf = (it: Counted): string =>
  joined(it.domain, it.member, it.asn, it.network, it.country, it.countryName, it.ipv6)
