import type { TargetKey } from "../domain/Target.ts"

/** What this node's own known-good targets say about itself. */
export interface SelfVerdict {
  /** Members with a known-good target. */
  readonly members: number
  /** Those of them that fail from here: more than half of their known-good targets do. */
  readonly failing: number
  /** So many fail that it is this node that is cut off from them. */
  readonly sick: boolean
  /** No known-good IPv6 target answers: IPv6 does not work from here. */
  readonly ipv6Lost: boolean
}

/** With fewer members a few failures together are nothing unusual, and say nothing about this node. */
export const fewestMembers = 5

/** The same for IPv6, where not one may answer. */
export const fewestIpv6Members = 3

interface Entry {
  readonly member: string
  readonly ipv6: boolean
  readonly up: boolean
}

interface Tally {
  good: number
  failing: number
}

/** The targets of all members of one kind, counted as they come and go. */
class Counts {
  readonly #members = new Map<string, Tally>()
  members = 0
  failingMembers = 0
  failing = 0
  good = 0

  add({ member, up }: Entry, by: 1 | -1): void {
    const tally = this.#members.get(member) ?? { good: 0, failing: 0 }
    this.#count(tally, -1)
    tally.good += by
    this.good += by
    if (!up) {
      tally.failing += by
      this.failing += by
    }
    this.#count(tally, 1)
    if (tally.good === 0) this.#members.delete(member)
    else this.#members.set(member, tally)
  }

  #count({ failing, good }: Tally, by: 1 | -1): void {
    if (good > 0) this.members += by
    if (2 * failing > good) this.failingMembers += by
  }
}

/**
 * The known-good targets, which are those that are officially up, and what this node saw of each last. When more than half
 * of the members fail from here at once that the others hold for up, it is this node that cannot reach them. Members count,
 * not targets: one with thousands of them is one. When most members are truly
 * gone that looks the same until they are officially down: see `longestSilence`. Deterministic; as large as there are targets.
 */
export class KnownGood {
  readonly #entries = new Map<TargetKey, Entry>()
  readonly #all = new Counts()
  readonly #ipv6 = new Counts()

  get size(): number {
    return this.#entries.size
  }

  /** A target that is officially up was seen. */
  see(key: TargetKey, entry: Entry): void {
    if (this.#entries.get(key)?.up === entry.up) return
    this.forget(key)
    this.#entries.set(key, entry)
    this.#count(entry, 1)
  }

  /** The target is gone, or not officially up any more. */
  forget(key: TargetKey): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#count(entry, -1)
  }

  verdict(): SelfVerdict {
    const { failingMembers: failing, members } = this.#all
    const { failing: silent, good, members: ipv6Members } = this.#ipv6
    return {
      members,
      failing,
      sick: members >= fewestMembers && 2 * failing > members,
      ipv6Lost: ipv6Members >= fewestIpv6Members && silent === good
    }
  }

  #count(entry: Entry, by: 1 | -1): void {
    this.#all.add(entry, by)
    if (entry.ipv6) this.#ipv6.add(entry, by)
  }
}
