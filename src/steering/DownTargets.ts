import { hostName, hostOf } from "../domain/Catalog.ts"
import type { Slices } from "../domain/Slices.ts"
import type { Target, TargetKey } from "../domain/Target.ts"
import type { Official } from "../status/Decision.ts"

/** The host name that a target is about; `""` for a whole site. */
export const hostOfTarget = (target: Target): string =>
  target.checkType === "site" ? "" : hostName(target.domain) || (hostOf(target.endpoint) ?? "")

/** Targets that are taken before others have their turn: a millisecond or two. */
const sliceLength = 1_000

/** What an outage takes out of a member: one family of a host name, or of the whole site. */
export type Place = string & { readonly Place: unique symbol }

/** The place of a host name, `""` for the whole site. */
export const placeOf = (host: string, ipv6: boolean): Place => `${ipv6 ? 6 : 4} ${host}` as Place

/** The official status of a target that is down. */
export interface Down extends Official {
  /**
   * From when it counts, milliseconds since the epoch: when it was decided, or when we heard of it if that is earlier by our
   * clock. Never later than now.
   */
  readonly since: number
}

/** The targets that are officially down, by member and place. */
export class DownTargets {
  readonly #down = new Map<TargetKey, Down>()
  readonly #byMember = new Map<string, Map<Place, Map<TargetKey, Down>>>()
  /** How much is down in each place, whoever it is of. */
  readonly #counts = new Map<Place, number>()
  #revision = 0

  /** Rises with every change. */
  get revision(): number {
    return this.#revision
  }

  /**
   * Takes the official status of a target, undefined when it has none any more, at a time in milliseconds since the epoch.
   * Gives the target if that changed something.
   */
  take(key: TargetKey, after: Official | undefined, now: number): Target | undefined {
    const before = this.#down.get(key)
    if (after !== undefined && !after.up) {
      if (before?.id === after.id) return undefined
      if (before !== undefined) this.#remove(key, before)
      this.#add(key, { ...after, since: Math.min(after.decidedAt, now) })
      return after.target
    }
    if (before !== undefined) this.#remove(key, before)
    return before?.target
  }

  /**
   * Takes the official status of targets, as {@link take}; if `all`, of all that have one: others are forgotten. Gives
   * those for which that changed something.
   */
  *takeEach(
    official: ReadonlyMap<TargetKey, Official>,
    now: number,
    all: "all" | "some" = "some"
  ): Slices<ReadonlyArray<Target>> {
    const changed: Array<Target> = []
    let work = 0
    for (const [key, status] of all === "all" ? this.#andForgotten(official) : official) {
      const target = this.take(key, status, now)
      if (target !== undefined) changed.push(target)
      if (++work % sliceLength === 0) yield
    }
    return changed
  }

  *#andForgotten(
    all: ReadonlyMap<TargetKey, Official>
  ): Generator<readonly [TargetKey, Official | undefined]> {
    for (const key of this.#down.keys()) if (!all.has(key)) yield [key, undefined]
    yield* all
  }

  /** Whether anything is down in a place, of whatever member. */
  anyIn(place: Place): boolean {
    return this.#counts.has(place)
  }

  /** What is down of a member in a place. `names` are those that it goes by, in lower case. */
  of(names: ReadonlyArray<string>, place: Place): ReadonlyArray<Down> {
    let found = nothing
    for (const name of names) {
      const there = this.#byMember.get(name)?.get(place)
      if (there !== undefined) found = [...found, ...there.values()]
    }
    return found
  }

  #add(key: TargetKey, down: Down): void {
    this.#revision++
    this.#down.set(key, down)
    const places = getOrSet(this.#byMember, down.target.member.toLowerCase())
    const place = placeOfTarget(down.target)
    getOrSet(places, place).set(key, down)
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + 1)
  }

  #remove(key: TargetKey, { target }: Down): void {
    this.#revision++
    this.#down.delete(key)
    const member = target.member.toLowerCase()
    const place = placeOfTarget(target)
    const places = this.#byMember.get(member)
    const there = places?.get(place)
    there?.delete(key)
    if (there?.size === 0) places?.delete(place)
    if (places?.size === 0) this.#byMember.delete(member)
    const left = (this.#counts.get(place) ?? 1) - 1
    if (left === 0) this.#counts.delete(place)
    else this.#counts.set(place, left)
  }
}

const nothing: ReadonlyArray<Down> = []

const placeOfTarget = (target: Target): Place => placeOf(hostOfTarget(target), target.ipv6)

const getOrSet = <K, K2, V>(map: Map<K, Map<K2, V>>, key: K): Map<K2, V> => {
  const there = map.get(key)
  if (there !== undefined) return there
  const made = new Map<K2, V>()
  map.set(key, made)
  return made
}
