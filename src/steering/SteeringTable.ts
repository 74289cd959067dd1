import type { SteeringSettings } from "../domain/documents/GeoDns.ts"
import { maxTtl } from "../domain/documents/StaticDns.ts"
import { arcOf, dotAt, type UnitVector, unitVector } from "../geo/distance.ts"
import { allDown } from "./allDown.ts"
import type { Choice, Client } from "./Choice.ts"
import { goneLately } from "./goneLately.ts"
import { draw, hashText, weigh } from "./rendezvous.ts"
import type { Standing } from "./Standing.ts"

/** What the answers for a name in one family are made from. */
export interface TableInput {
  readonly ipv6: boolean
  /** The candidates, in the order of their names. */
  readonly standings: ReadonlyArray<Standing>
  /** Those that would be candidates but for an override: they answer before nobody does. */
  readonly overridden: ReadonlyArray<Standing>
  /** `Details.Name` of the members that were healthy last, see `LastHealthy`. */
  readonly lastHealthy: ReadonlySet<string>
  /** Those of them that were healthy to the last. */
  readonly survivors: ReadonlySet<string>
  readonly settings: SteeringSettings
  /** Whether the status of a member is being voted on. */
  readonly isContested: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** All that answer, best first. */
export interface Ranking {
  readonly order: ReadonlyArray<Standing>
  /** How many of them are as good as the best, so that the hash of the scope decides among them. */
  readonly ties: number
}

const nobody: ReadonlyArray<string> = []

/** Below every dot product: all members are near-ties. */
const everyDot = Number.NEGATIVE_INFINITY

/**
 * Chooses among the members that answer in one family, for one name or for all that the same members serve alike. What it answers never changes: a change of status makes
 * a new table.
 */
export class SteeringTable {
  readonly input: TableInput
  /** The candidates that are officially healthy, by `Details.Name`. */
  readonly healthy: ReadonlyArray<string>
  /** Those that went down lately, see `goneLately`. */
  readonly lately: ReadonlyArray<string>
  /** The candidates that are down and held, see `removalCap`. */
  readonly held: ReadonlyArray<Standing>
  /** When the next of them goes, milliseconds since the epoch; infinity when there is none. */
  readonly nextRelease: number
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
  /** The answer when there are none. */
  readonly #otherwise: Choice

  constructor(input: TableInput) {
    const { ipv6, isContested, lastHealthy, now, overridden, settings, standings, survivors } = input
    this.input = input
    const healthy: Array<string> = []
    const held: Array<Standing> = []
    const left: Array<Standing> = []
    let nextRelease = Number.POSITIVE_INFINITY
    for (const standing of standings) {
      const { goesAt, profile } = standing
      if (goesAt === undefined) healthy.push(profile.entry.name)
      else if (goesAt > now) {
        held.push(standing)
        nextRelease = Math.min(nextRelease, goesAt)
      } else continue
      left.push(standing)
    }
    this.healthy = healthy
    this.lately = healthy.length === standings.length ? nobody : goneLately(standings, now)
    this.held = held
    this.nextRelease = nextRelease
    const otherwise = left.length > 0 || standings.length + overridden.length === 0
      ? undefined
      : allDown({ standings, overridden, lastHealthy, survivors, lately: new Set(this.lately), settings, ipv6 })
    this.policy = otherwise?.rule
    this.#answering = otherwise?.answering ?? left

    const ttl = ttlOf(settings, isContested || held.length > 0)
    this.#ttl = ttl
    const count = this.#answering.length
    const xs = this.#xs = new Float64Array(count)
    const ys = this.#ys = new Float64Array(count)
    const zs = this.#zs = new Float64Array(count)
    this.#dots = new Float64Array(count)
    const hashes = this.#hashes = new Uint32Array(count)
    const weights = this.#weights = new Float64Array(count)
    let evenWeights = true
    for (let i = 0; i < count; i++) {
      const { hash, vector, weight } = this.#answering[i]!.profile
      xs[i] = vector[0]
      ys[i] = vector[1]
      zs[i] = vector[2]
      hashes[i] = hash
      weights[i] = weight
      evenWeights &&= weight === weights[0]
    }
    this.#evenWeights = evenWeights
    this.#otherwise = this.policy === "fallback"
      ? { addresses: [settings.Fallback], members: ["(none)"], ttl }
      : { addresses: [], members: [], ttl }
  }

  /** All that answer some client, in the order of their names: see `rank`. */
  get answering(): ReadonlyArray<Standing> {
    return this.#answering
  }

  choose(client: Client): Choice {
    if (this.#answering.length === 0) return this.#otherwise
    const records = this.input.settings.RecordsPerAnswer
    if (records === 1) {
      const { addresses, members } = this.#answering[this.#best(client)]!.alone
      return { addresses, members, ttl: this.#ttl }
    }
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

/** In seconds: an answer that will soon be another is not to be kept for long. */
const ttlOf = ({ Ttl, TtlFloor }: SteeringSettings, isChangeNear: boolean): number =>
  Math.min(Math.floor(isChangeNear ? Math.min(Ttl, TtlFloor) : Ttl), maxTtl)

const vectorOf = (client: Client): UnitVector | undefined =>
  client.location === undefined ? undefined : unitVector(client.location)
