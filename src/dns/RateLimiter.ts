import type { AddressFamily } from "../geo/address.ts"

/** How many answers of one kind the clients of a network get, and what happens to more of them. */
export interface RateLimits {
  /** On average, and at once. More than 0. */
  readonly responsesPerSecond: number
  /** Every so many-th answer beyond that is sent truncated instead of dropped; 1 for all of them, 0 for none. */
  readonly slip: number
}

/** What is done with an answer: sent as it is, sent without records and with TC, or not sent. */
export type Verdict = "answer" | "truncate" | "drop"

/** Places that one key can be in. */
const ways = 4

/** Keys that are remembered. Those of clients that ask little need their place for milliseconds only. */
const defaultPlaces = 1 << 16

/** Numbers that a seed has. */
export const seedWords = 5

/**
 * Response rate limiting, so that questions with forged senders do not make us flood whoever they name. Answers are
 * counted by the network that they go to (/24, /56) and by an account, which stands for all answers of a kind. Over the
 * rate, a real client is told by a truncated answer to come over TCP, which nobody forges.
 *
 * Each key has the time when its answers so far would have been spread evenly (GCRA), so that nothing has to be counted
 * down. The table never grows: a new key takes the place of the one of four that asked least. Where keys are is secret,
 * so that nobody can crowd out a certain one. Deterministic and without allocation: it runs for every question.
 */
export class RateLimiter {
  readonly #seed: Uint32Array
  readonly #slip: number
  /** Milliseconds that one answer stands for, and how many of them may be ahead of time. */
  readonly #interval: number
  readonly #ahead: number
  readonly #mask: number
  readonly #keys: Int32Array
  readonly #due: Float64Array
  readonly #limited: Uint16Array

  /** `seed` is {@link seedWords} numbers that nobody can guess; `places` is a power of two. */
  constructor(limits: RateLimits, seed: Uint32Array, places: number = defaultPlaces) {
    this.#seed = seed
    this.#slip = limits.slip
    this.#interval = 1000 / limits.responsesPerSecond
    // Half an answer of slack: so many at once are let through exactly, however the sum is rounded.
    this.#ahead = Math.max(1000, this.#interval) - this.#interval / 2
    this.#mask = places - ways
    this.#keys = new Int32Array(places)
    this.#due = new Float64Array(places)
    this.#limited = new Uint16Array(places)
  }

  /** What to do with an answer to an address (as `readAddress` gives it) at a time in milliseconds. */
  check(family: AddressFamily, words: Uint32Array, account: number, now: number): Verdict {
    const key = this.#hash(words[0]!, words[1]!, family, account)
    const place = this.#placeOf(key, now)
    const due = this.#dueAt(place, now)
    if (due - now <= this.#ahead) {
      this.#due[place] = due + this.#interval
      return "answer"
    }
    const limited = ++this.#limited[place]!
    return this.#slip > 0 && limited % this.#slip === 0 ? "truncate" : "drop"
  }

  /** The secret numbers go into every step, else keys could be made that are the same whatever the secret is. */
  #hash(first: number, second: number, family: AddressFamily, account: number): number {
    const seed = this.#seed
    // Odd for IPv4 alone: the families never meet.
    let h = family === 6 ? first : first & 0xffffff00
    h = Math.imul(h ^ seed[0]!, seed[1]! | 1)
    h ^= (h >>> 16) ^ (family === 6 ? second & 0xffffff00 : 1)
    h = Math.imul(h ^ seed[2]!, seed[3]! | 1)
    h ^= (h >>> 15) ^ account
    h = Math.imul(h ^ seed[4]!, 0x85ebca6b)
    h = Math.imul(h ^ h >>> 13, 0xc2b2ae35)
    return h ^ h >>> 16
  }

  /** Times ahead of what can be are from before the clock was set back. */
  #dueAt(place: number, now: number): number {
    const known = this.#due[place]!
    return known > now && known <= now + this.#ahead + this.#interval ? known : now
  }

  /** Where the key is; when it is nowhere, it takes the place of the one that asked least. */
  #placeOf(key: number, now: number): number {
    const first = key & this.#mask & -ways
    let least = first
    for (let place = first; place < first + ways; place++) {
      if (this.#keys[place] === key) return place
      if (this.#dueAt(place, now) < this.#dueAt(least, now)) least = place
    }
    this.#keys[least] = key
    this.#due[least] = now
    this.#limited[least] = 0
    return least
  }
}
