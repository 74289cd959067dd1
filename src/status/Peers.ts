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

interface Peer {
  role: string
  digest: Digest
  heardAt: number
  askedAt: number
  /** We took from the peer whatever was newer, when these were our digest and its. */
  settled: { readonly ours: Digest; readonly theirs: Digest } | undefined
  disagreement: Disagreement | undefined
}

/** A peer counts as there for so many milliseconds after its last digest: two of them may get lost. */
export const heardFor = 5 * 60_000

/** The same peer is not asked again before, unless we ask everyone. Milliseconds. */
export const askEvery = 30_000

/**
 * What other nodes of ours tell of their official status: who has another one, and was not asked about it yet. Bounded:
 * the one that was silent longest makes room. Times in milliseconds of one clock.
 */
export class Peers {
  readonly #max: number
  readonly #peers = new Map<string, Peer>()

  constructor(options: { readonly max: number } = { max: 256 }) {
    this.#max = options.max
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
      settled: undefined,
      disagreement: undefined,
      ...known,
      role,
      digest,
      heardAt: now
    })
    if (this.#peers.size > this.#max) this.#peers.delete(this.#peers.keys().next().value!)
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
    return peer !== undefined && now - peer.askedAt >= askEvery && this.#isNews(peer, ours)
  }

  /** Of these nodes one for each digest that is not ours, what most of them have first. */
  worthAsking(nodes: Iterable<string>, ours: Digest): ReadonlyArray<string> {
    const groups = new Map<string, Array<string>>()
    for (const node of nodes) {
      const peer = this.#peers.get(node)
      if (peer === undefined || !this.#isNews(peer, ours)) continue
      const key = `${peer.digest.count} ${peer.digest.hash}`
      const group = groups.get(key)
      if (group === undefined) groups.set(key, [node])
      else group.push(node)
    }
    return [...groups.values()].sort((a, b) => b.length - a.length).map(([first]) => first!)
  }

  /** A node was asked, and gave all it has: `different` are the targets on which our status stays another one. */
  settle(node: string, ours: Digest, different: ReadonlyArray<Target>, now: number): void {
    const peer = this.#peers.get(node)
    if (peer === undefined) return
    peer.askedAt = now
    peer.settled = { ours, theirs: peer.digest }
    const [example] = different
    peer.disagreement = example === undefined
      ? undefined
      : { node, targets: different.length, example, since: peer.disagreement?.since ?? now }
  }

  /** A node was asked and did not answer, or not with all. */
  asked(node: string, now: number): void {
    const peer = this.#peers.get(node)
    if (peer !== undefined) peer.askedAt = now
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

  #isNews({ digest, settled }: Peer, ours: Digest): boolean {
    return !isSameDigest(digest, ours)
      && !(settled !== undefined && isSameDigest(settled.ours, ours) && isSameDigest(settled.theirs, digest))
  }
}
