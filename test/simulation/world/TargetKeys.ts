import { type Target, type TargetKey, targetKey } from "../../../src/domain/Target.ts"

/** The keys of the targets of a run, which are asked for again and again: each is made once. */
export class TargetKeys {
  readonly #ipv4 = new Map<string, TargetKey>()
  readonly #ipv6 = new Map<string, TargetKey>()

  of(target: Target): TargetKey {
    const { check, checkType, domain, endpoint, ipv6, member } = target
    // As all targets of simulations are; whatever else there is has a key of its own.
    if (checkType !== "site" || check !== "ping" || domain !== "" || endpoint !== "") return targetKey(target)
    const known = ipv6 ? this.#ipv6 : this.#ipv4
    let key = known.get(member)
    if (key === undefined) known.set(member, key = targetKey(target))
    return key
  }
}
