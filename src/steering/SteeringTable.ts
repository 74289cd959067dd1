import type { SteeringSettings } from "../domain/documents/GeoDns.ts"
import { arcOf, dotAt, type UnitVector, unitVector } from "../geo/distance.ts"
import { allDown } from "./allDown.ts"
import type { Choice, Client } from "./Choice.ts"
import { draw, hashText, weigh } from "./rendezvous.ts"
import type { Standing } from "./Standing.ts"

/** What the answers for one name and family are made from. */
export interface TableInput {
  readonly name: string
  readonly ipv6: boolean
  /** The candidates, in the order of their names. */
  readonly standings: ReadonlyArray<Standing>
  /** Those that would be candidates but for an override: they answer before nobody does. */
  readonly overridden: ReadonlyArray<Standing>
  /** `Details.Name` of the members that were healthy when some last were. */
  readonly lastGood: ReadonlySet<string>
  readonly settings: SteeringSettings
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** All that answer, best first. */
export interface Ranking {
  readonly order: ReadonlyArray<Standing>
  /** How many of them are as good as the best, so that the hash of the scope decides among them. */
  readonly ties: number
}

/** The largest TTL (RFC 2181, section 8). */
const maxTtl = 2 ** 31 - 1

/** Below every dot product: all members are near-ties. */
const everyDot = Number.NEGATIVE_INFINITY

/**
 * Chooses among the members that answer for one name in one family. What it answers never changes: a change of status makes
 * a new table.
 */
export class SteeringTable {
  readonly input: TableInput
  /** The candidates that are officially healthy, by `Details.Name`. */
  readonly healthy: ReadonlyArray<string>
  /** The candidates that are down and held, see `removalCap`. */
  readonly held: ReadonlyArray<Standing>
  /**
   * The policy in force because all candidates are down and gone, or overrides left none; undefined while there are others,
   * or nobody at all could answer.
   */
  readonly policy: "last-good" | "all" | "fallback" | "empty" | undefined
  readonly #answering: ReadonlyArray<Standing>
  readonly #ttl: number

  // The members that answer as columns, for the hot path.
  readonly #xs: Float64Array
  readonly #ys: Float64Array
  readonly #zs: Float64Array
  /** Scratch: the dot products with the client that is being answered. */
  readonly #dots: Float64Array
  readonly #hashes: Uint32Array
  readonly #weights: Float64Array
  readonly #evenWeights: boolean
  /** The answer of one record for each of them. */
  readonly #single: ReadonlyArray<Choice>
  /** The answer when there are none. */
  readonly #otherwise: Choice

  constructor(input: TableInput) {
    const { ipv6, lastGood, now, overridden, settings, standings } = input
    this.input = input
    this.healthy = standings.filter(({ goesAt }) => goesAt === undefined).map(({ profile }) => profile.entry.name)
    this.held = standings.filter(({ goesAt }) => goesAt !== undefined && goesAt > now)
    const left = standings.filter(({ goesAt }) => goesAt === undefined || goesAt > now)
    const otherwise = left.length > 0 || standings.length + overridden.length === 0
      ? undefined
      : allDown({ standings, overridden, lastGood, settings, ipv6 })
    this.policy = otherwise?.rule
    this.#answering = otherwise?.answering ?? left

    const ttl = Math.min(Math.floor(settings.Ttl), maxTtl)
    this.#ttl = ttl
    this.#xs = Float64Array.from(this.#answering, ({ profile }) => profile.vector[0])
    this.#ys = Float64Array.from(this.#answering, ({ profile }) => profile.vector[1])
    this.#zs = Float64Array.from(this.#answering, ({ profile }) => profile.vector[2])
    this.#dots = new Float64Array(this.#answering.length)
    this.#hashes = Uint32Array.from(this.#answering, ({ profile }) => profile.hash)
    this.#weights = Float64Array.from(this.#answering, ({ profile }) => profile.weight)
    this.#evenWeights = this.#weights.every((weight) => weight === this.#weights[0])
    this.#single = this.#answering.map(({ address, profile }) => ({
      addresses: [address],
      members: [profile.entry.name],
      ttl
    }))
    this.#otherwise = this.policy === "fallback"
      ? { addresses: [settings.Fallback], members: ["(none)"], ttl }
      : { addresses: [], members: [], ttl }
  }

  choose(client: Client): Choice {
    if (this.#answering.length === 0) return this.#otherwise
    const records = this.input.settings.RecordsPerAnswer
    if (records === 1) return this.#single[this.#best(client)]!
    const addresses: Array<string> = []
    const members: Array<string> = []
    for (const { address, profile } of this.rank(client).order) {
      // Members may share an address; a record set holds it once (RFC 2181, section 5).
      if (addresses.includes(address)) continue
      addresses.push(address)
      members.push(profile.entry.name)
      if (addresses.length === records) break
    }
    return { addresses, members, ttl: this.#ttl }
  }

  /** Near-ties in the order of what they draw for the scope, then the others by distance. */
  rank(client: Client): Ranking {
    const at = vectorOf(client)
    const least = at === undefined ? everyDot : this.#leastDot(at)
    const scope = hashText(client.scope)
    const ranked = this.#answering.map((standing, i) => {
      const dot = this.#dots[i]!
      const tied = dot >= least
      return { standing, tied, rank: tied ? this.#draw(scope, i) : dot }
    })
    return {
      // Sorting is stable: what is equal stays in the order of the names.
      order: ranked.sort((a, b) => Number(b.tied) - Number(a.tied) || b.rank - a.rank).map(({ standing }) => standing),
      ties: ranked.filter(({ tied }) => tied).length
    }
  }

  /** The index of the first of {@link rank}, without ordering the rest: the hot path. */
  #best(client: Client): number {
    const at = vectorOf(client)
    const least = at === undefined ? everyDot : this.#leastDot(at)
    const scope = hashText(client.scope)
    return this.#evenWeights ? this.#bestDraw(scope, least) : this.#bestWeighed(scope, least)
  }

  /** The first with the greatest draw among those that are near enough. In integers alone: twice as fast. */
  #bestDraw(scope: number, least: number): number {
    const dots = this.#dots
    const hashes = this.#hashes
    let best = 0
    let bestDraw = -1
    for (let i = 0; i < dots.length; i++) {
      if (dots[i]! < least) continue
      const drawn = draw(scope, hashes[i]!)
      if (drawn > bestDraw) {
        best = i
        bestDraw = drawn
      }
    }
    return best
  }

  #bestWeighed(scope: number, least: number): number {
    const dots = this.#dots
    let best = 0
    let bestDraw = Number.NEGATIVE_INFINITY
    for (let i = 0; i < dots.length; i++) {
      if (dots[i]! < least) continue
      const drawn = this.#draw(scope, i)
      if (drawn > bestDraw) {
        best = i
        bestDraw = drawn
      }
    }
    return best
  }

  #draw(scope: number, i: number): number {
    const drawn = draw(scope, this.#hashes[i]!)
    return this.#evenWeights ? drawn : weigh(drawn, this.#weights[i]!)
  }

  /** Fills `#dots`, and gives the dot product down to which a member is as good as the nearest. */
  #leastDot(at: UnitVector): number {
    const [x, y, z] = at
    const xs = this.#xs
    const ys = this.#ys
    const zs = this.#zs
    const dots = this.#dots
    let nearest = everyDot
    for (let i = 0; i < dots.length; i++) {
      const dot = xs[i]! * x + ys[i]! * y + zs[i]! * z
      dots[i] = dot
      if (dot > nearest) nearest = dot
    }
    const { NearTieKm, NearTiePercent } = this.input.settings
    const kilometres = arcOf(nearest)
    return Math.min(nearest, dotAt(Math.max(kilometres + NearTieKm, kilometres * (1 + NearTiePercent / 100))))
  }
}

const vectorOf = (client: Client): UnitVector | undefined =>
  client.location === undefined ? undefined : unitVector(client.location)
