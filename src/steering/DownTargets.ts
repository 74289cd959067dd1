import { hostName, hostOf } from "../domain/Catalog.ts"
import type { Target, TargetKey } from "../domain/Target.ts"
import type { Official } from "../status/Decision.ts"

/** The host name that a target is about; `""` for a whole site. */
export const hostOfTarget = (target: Target): string =>
  target.checkType === "site" ? "" : hostName(target.domain) || (hostOf(target.endpoint) ?? "")

/** What an outage takes out of a member: one family of a host name, or of the whole site. */
export type Place = string & { readonly Place: unique symbol }

/** The place of a host name, `""` for the whole site. */
export const placeOf = (host: string, ipv6: boolean): Place => `${ipv6 ? 6 : 4} ${host}` as Place

/** The targets that are officially down, by member and place. */
export class DownTargets {
  readonly #down = new Map<TargetKey, Official>()
  readonly #byMember = new Map<string, Map<Place, Map<TargetKey, Official>>>()
  /** How much is down in each place, whoever it is of. */
  readonly #counts = new Map<Place, number>()
  #revision = 0

  /** Rises with every change. */
  get revision(): number {
    return this.#revision
  }

  /** All that is down. */
  keys(): Iterable<TargetKey> {
    return this.#down.keys()
  }

  /**
   * Takes the official status of a target, undefined when it has none any more. Gives the target if that changed
   * something.
   */
  take(key: TargetKey, after: Official | undefined): Target | undefined {
    const before = this.#down.get(key)
    if (after !== undefined && !after.up) {
      if (before?.id === after.id) return undefined
      if (before !== undefined) this.#remove(key, before)
      this.#add(key, after)
      return after.target
    }
    if (before !== undefined) this.#remove(key, before)
    return before?.target
  }

  /** Whether anything is down in a place, of whatever member. */
  anyIn(place: Place): boolean {
    return this.#counts.has(place)
  }

  /** What is down of a member in a place. `names` are those that it goes by, in lower case. */
  of(names: ReadonlyArray<string>, place: Place): ReadonlyArray<Official> {
    let found = nothing
    for (const name of names) {
      const there = this.#byMember.get(name)?.get(place)
      if (there !== undefined) found = [...found, ...there.values()]
    }
    return found
  }

  #add(key: TargetKey, official: Official): void {
    this.#revision++
    this.#down.set(key, official)
    const places = getOrSet(this.#byMember, official.target.member.toLowerCase())
    const place = placeOfTarget(official.target)
    getOrSet(places, place).set(key, official)
    this.#counts.set(place, (this.#counts.get(place) ?? 0) + 1)
  }

  #remove(key: TargetKey, { target }: Official): void {
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

const nothing: ReadonlyArray<Official> = []

const placeOfTarget = (target: Target): Place => placeOf(hostOfTarget(target), target.ipv6)

const getOrSet = <K, K2, V>(map: Map<K, Map<K2, V>>, key: K): Map<K2, V> => {
  const there = map.get(key)
  if (there !== undefined) return there
  const made = new Map<K2, V>()
  map.set(key, made)
  return made
}
