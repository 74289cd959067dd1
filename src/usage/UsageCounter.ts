import { usageWidths } from "../store/UsageStore.ts"
import { countedText, TextCache } from "./countedText.ts"
import { type Cleaners, DayCounter } from "./DayCounter.ts"
import type { Hit } from "./Hit.ts"
import type { UsageKey } from "./UsageTable.ts"

/** The name under which is counted what has no key of its own any more. */
export const otherName = "(other)"

/** How many keys are held. */
export interface UsageBounds {
  /** Keys of one day. The last tenth of them is for names alone: floods of addresses leave it free. */
  readonly keysPerDay: number
  /** Keys in memory of all days together. More than one day is there only while a journal cannot be written. */
  readonly keys: number
}

export const usageBounds: UsageBounds = { keysPerDay: 1_200_000, keys: 1_500_000 }

const cacheSize = 20_000

/**
 * Counts answers per day and key, in bounded memory: the pure core of `Usage`.
 *
 * When a day has too many keys, new ones collapse: first into their domain and member with the network `(other)`, then,
 * when there are too many of these too, into `(other)` altogether. No hit is lost by that, only detail. What was counted
 * under a key stays there, so a total never falls.
 */
export class UsageCounter {
  readonly #bounds: UsageBounds
  readonly #writer: string
  #today: DayCounter | undefined
  #day = ""
  #turns = 0
  readonly #past = new Set<DayCounter>()
  #keysOfPast = 0
  #collapsed = 0

  readonly #cleaners: Cleaners = [
    new TextCache((text) => countedText(text.toLowerCase(), usageWidths.domain), cacheSize),
    new TextCache((text) => countedText(text, usageWidths.member) || "(none)", cacheSize),
    new TextCache((text) => countedText(text, usageWidths.asn), cacheSize),
    new TextCache((text) => countedText(text, usageWidths.network), cacheSize),
    new TextCache((text) => countedText(text, usageWidths.country) || "??", cacheSize),
    new TextCache((text) => countedText(text, usageWidths.countryName) || "Unknown", cacheSize)
  ]

  /**
   * `writer` is who counts. Later days get a number behind it: a day that is left and comes again, as after a clock was set
   * back, must not continue its counter from nothing.
   */
  constructor(writer: string, bounds: UsageBounds = usageBounds) {
    this.#writer = writer
    this.#bounds = bounds
  }

  /** Counts one answer. `day` is `YYYY-MM-DD`. True when it is the first change since the last `take` took everything. */
  record(hit: Hit, day: string): boolean {
    const counter = this.#today !== undefined && day === this.#day ? this.#today : this.#turnTo(day)
    const isFirst = counter.changed === 0
    const { place } = hit
    const key: UsageKey = {
      domain: hit.domain,
      member: hit.member,
      asn: place.asn,
      network: place.network,
      country: place.country,
      countryName: place.countryName,
      ipv6: hit.ipv6
    }
    if (!counter.count(key)) this.#admit(counter, key)
    return isFirst
  }

  /** The counters in memory: those of days that are over first. */
  get counters(): ReadonlyArray<DayCounter> {
    return this.#today === undefined ? [...this.#past] : [...this.#past, this.#today]
  }

  get today(): DayCounter | undefined {
    return this.#today
  }

  /** Ends the current day, if it is an earlier one than `day`: nothing is counted on it any more. */
  endBefore(day: string): void {
    if (this.#today !== undefined && this.#day < day) this.#leaveToday()
  }

  /** Forgets a day that is over and in its journal. */
  drop(counter: DayCounter): void {
    if (this.#past.delete(counter)) this.#keysOfPast -= counter.table.rows
  }

  /** How many keys are held. */
  get keys(): number {
    return this.#keysOfPast + (this.#today?.table.rows ?? 0)
  }

  /** How many hits went into `(other)`. */
  get collapsed(): number {
    return this.#collapsed
  }

  #leaveToday(): void {
    if (this.#today === undefined) return
    this.#past.add(this.#today)
    this.#keysOfPast += this.#today.table.rows
    this.#today = undefined
  }

  #turnTo(day: string): DayCounter {
    this.#leaveToday()
    this.#turns += 1
    this.#day = day
    this.#today = new DayCounter(
      day,
      this.#turns === 1 ? this.#writer : `${this.#writer}-${this.#turns}`,
      this.#cleaners
    )
    return this.#today
  }

  #isFull(counter: DayCounter, keysOfDay: number): boolean {
    return counter.table.rows >= keysOfDay || this.keys >= this.#bounds.keys
  }

  #admit(counter: DayCounter, key: UsageKey): void {
    const { keysPerDay } = this.#bounds
    if (!this.#isFull(counter, keysPerDay - Math.ceil(keysPerDay / 10))) return counter.add(key)
    this.#collapsed += 1
    const named: UsageKey = { ...key, asn: "", network: otherName, country: "??", countryName: "Unknown" }
    if (counter.count(named)) return
    if (!this.#isFull(counter, keysPerDay)) return counter.add(named)
    const nameless: UsageKey = { ...named, domain: otherName, member: otherName }
    if (!counter.count(nameless)) counter.add(nameless)
  }
}
