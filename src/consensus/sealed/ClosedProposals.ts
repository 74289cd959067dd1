import type { Target } from "../../domain/Target.ts"
import { proposalTime } from "../Timing.ts"

/** A proposal of a member that is closed: it is not opened again. */
export interface Closed {
  readonly target: Target
  readonly seq: number
  /** Milliseconds since the epoch, by our clock. */
  readonly firstSeen: number
}

/** Remembers the proposals that were closed for as long as somebody could send them again: 10 minutes. Bounded: the first goes. */
export class ClosedProposals {
  readonly #limit: number
  readonly #closed = new Map<string, Closed>()

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#closed.size
  }

  get(id: string): Closed | undefined {
    return this.#closed.get(id)
  }

  add(id: string, closed: Closed): void {
    this.#closed.set(id, closed)
    if (this.#closed.size > this.#limit) this.#closed.delete(this.#closed.keys().next().value!)
  }

  clear(): void {
    this.#closed.clear()
  }

  /** In the order in which they were closed, so one that was open long may stay a little longer. */
  forget(now: number): void {
    for (const [id, { firstSeen }] of this.#closed) {
      if (firstSeen + proposalTime > now) return
      this.#closed.delete(id)
    }
  }
}
