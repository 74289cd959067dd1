import type { Target } from "../domain/Target.ts"
import { type Digest, isSameDigest } from "./StatusDigest.ts"

/** Statuses of another node that are not ours, although it was asked. */
export interface Disagreement {
  readonly node: string
  /** On how many targets. */
  readonly targets: number
  readonly example: Target
  /** Milliseconds, by the clock of the caller. */
  readonly since: number
}

/**
 * How much a node is worth asking before others: a member of the roster, one that gave us all it has when it was asked last, or
 * anybody. Names on the bus are claims: so nobody has to wait behind those of lesser standing.
 */
export type Standing = "member" | "known" | "stranger"

const standings: ReadonlyArray<Standing> = ["member", "known", "stranger"]

interface Peer {
  role: string
  digest: Digest
  heardAt: number
  askedAt: number
  /** How often it was asked since it gave all it has, and did not. */
  silences: number
  hasGiven: boolean
  /** We took from the peer whatever was newer, when these were our digest and its. */
  settled: { readonly ours: Digest; readonly theirs: Digest } | undefined
  disagreement: Disagreement | undefined
}

/** A peer counts as there for so many milliseconds after its last digest: two of them may get lost. */
export const heardFor = 5 * 60_000

/** The same peer is not asked again before, unless we ask everyone. Milliseconds. */
export const askEvery = 30_000

/** One that does not answer is not asked again for twice as long each time, up to this. Milliseconds. */
export const askAgain: Readonly<Record<Standing, number>> = {
  // Whoever speaks in the name of a member must not keep us from hearing it for long.
  member: 2 * 60_000,
  known: 16 * 60_000,
  stranger: 16 * 60_000
}

/**
 * What other nodes of ours tell of their official status: who has another one, and was not asked about it yet. Bounded:
 * of those of the least standing the one that was silent longest makes room. Times in milliseconds of one clock.
 */
export class Peers {
  readonly #max: number
  readonly #isMember: (node: string) => boolean
  readonly #peers = new Map<string, Peer>()

  /** `isMember`: whether the roster of the moment has a node. */
  constructor(options: { readonly max?: number; readonly isMember?: (node: string) => boolean } = {}) {
    this.#max = options.max ?? 256
    this.#isMember = options.isMember ?? (() => false)
  }

  get size(): number {
    return this.#peers.size
  }

  /** A node told its digest. */
  heard(node: string, role: string, digest: Digest, now: number): void {
    const known = this.#peers.get(node)
    this.#peers.delete(node)
    this.#peers.set(node, {
      askedAt: Number.NEGATIVE_INFINITY,
      silences: 0,
      hasGiven: false,
      settled: undefined,
      disagreement: undefined,
      ...known,
      role,
      digest,
      heardAt: now
    })
    if (this.#peers.size > this.#max) this.#forgetOne()
  }

  /** Where a node stands now. */
  standing(node: string): Standing {
    if (this.#isMember(node)) return "member"
    const peer = this.#peers.get(node)
    return peer !== undefined && peer.hasGiven && peer.silences === 0 ? "known" : "stranger"
  }

  /** Whether a monitor of ours is there. */
  hasMonitor(now: number): boolean {
    for (const { heardAt, role } of this.#peers.values()) {
      if (role === "IBPMonitor" && now - heardAt <= heardFor) return true
    }
    return false
  }

  /** Whether to ask this node: it has something else than we, which we did not look at. */
  isWorthAsking(node: string, ours: Digest, now: number): boolean {
    const peer = this.#peers.get(node)
    return peer !== undefined && now - peer.askedAt >= this.#wait(node, peer) && this.#isNews(peer, ours)
  }

  /** Whether a node told something else than we hold. */
  differs(node: string, ours: Digest): boolean {
    const peer = this.#peers.get(node)
    return peer !== undefined && !isSameDigest(peer.digest, ours)
  }

  /**
   * Of these nodes one for each digest that is not ours, the one of the highest standing: first what members have, then what most of
   * them have. Who was silent when it was asked last is left out for its while, unless it is a member.
   */
  worthAsking(nodes: Iterable<string>, ours: Digest, now: number): ReadonlyArray<string> {
    const groups = new Map<string, { first: string; rank: number; count: number }>()
    for (const node of nodes) {
      const peer = this.#peers.get(node)
      if (peer === undefined || !this.#isNews(peer, ours)) continue
      const standing = this.standing(node)
      const isLeftOut = standing !== "member" && peer.silences > 0 && now - peer.askedAt < this.#wait(node, peer)
      if (isLeftOut) continue
      const rank = standings.indexOf(standing)
      const key = `${peer.digest.count} ${peer.digest.hash}`
      const group = groups.get(key)
      if (group === undefined) groups.set(key, { first: node, rank, count: 1 })
      else if (rank < group.rank) groups.set(key, { first: node, rank, count: 1 })
      // What many strangers have does not weigh more for one member among them.
      else if (rank === group.rank) group.count++
    }
    return [...groups.values()].sort((a, b) => a.rank - b.rank || b.count - a.count).map(({ first }) => first)
  }

  /** A node was asked, and gave all it has: `different` are the targets on which our status stays another one. */
  settle(node: string, ours: Digest, different: ReadonlyArray<Target>, now: number): void {
    const peer = this.#peers.get(node)
    if (peer === undefined) return
    peer.askedAt = now
    peer.silences = 0
    peer.hasGiven = true
    peer.settled = { ours, theirs: peer.digest }
    const [example] = different
    peer.disagreement = example === undefined
      ? undefined
      : { node, targets: different.length, example, since: peer.disagreement?.since ?? now }
  }

  /** A node was asked and did not answer, or not with all. */
  wasSilent(node: string, now: number): void {
    const peer = this.#peers.get(node)
    if (peer === undefined) return
    peer.askedAt = now
    peer.silences++
  }

  /** What others gave may be of use now: the documents know other targets. */
  lookAgain(): void {
    for (const peer of this.#peers.values()) peer.settled = undefined
  }

  /** Who disagrees with us, the longest first. */
  disagreements(ours: Digest, now: number): ReadonlyArray<Disagreement> {
    const found: Array<Disagreement> = []
    for (const peer of this.#peers.values()) {
      if (now - peer.heardAt > heardFor || isSameDigest(peer.digest, ours)) peer.disagreement = undefined
      if (peer.disagreement !== undefined) found.push(peer.disagreement)
    }
    return found.sort((a, b) => a.since - b.since)
  }

  #wait(node: string, { silences }: Peer): number {
    return Math.min(askEvery * 2 ** Math.max(0, silences - 1), askAgain[this.standing(node)])
  }

  /** The first of the least standing. */
  #forgetOne(): void {
    let gone: string | undefined
    let least = -1
    for (const node of this.#peers.keys()) {
      const rank = standings.indexOf(this.standing(node))
      if (rank <= least) continue
      gone = node
      least = rank
    }
    if (gone !== undefined) this.#peers.delete(gone)
  }

  #isNews({ digest, settled }: Peer, ours: Digest): boolean {
    return !isSameDigest(digest, ours)
      && !(settled !== undefined && isSameDigest(settled.ours, ours) && isSameDigest(settled.theirs, digest))
  }
}
