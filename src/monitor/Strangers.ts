import { nearest } from "../config/nearest.ts"

/** Ids that are remembered: further ones are not. */
const capacity = 32

/** Milliseconds after which an id that still reports is no slip of a moment. */
const lasting = 60_000

/** Milliseconds without a report after which an id is forgotten. */
const memory = 600_000

interface Stranger {
  readonly first: number
  last: number
  /** Looked for once: it takes a while where there are many names. */
  meant: string | undefined | null
}

/** Agents that report for members that the documents do not have. Times in milliseconds, of a clock that only goes forward. */
export class Strangers {
  readonly #seen = new Map<string, Stranger>()

  /** One has reported. `names`: those of the members, of which one is probably meant. */
  see(id: string, now: number, names: () => Iterable<string>): void {
    const known = this.#seen.get(id)
    if (known !== undefined) known.last = now
    else if (this.#seen.size < capacity) {
      this.#seen.set(id, { first: now, last: now, meant: null })
    }
    const stranger = this.#seen.get(id)
    if (stranger?.meant === null && now - stranger.first >= lasting) stranger.meant = nearest(id, names())
  }

  /** The documents have it now. */
  forget(id: string): void {
    this.#seen.delete(id)
  }

  /** Those that have gone on for a minute, with the name that each probably means. */
  current(now: number): ReadonlyArray<{ readonly id: string; readonly meant: string | undefined }> {
    for (const [id, { last }] of this.#seen) if (now - last > memory) this.#seen.delete(id)
    return [...this.#seen].flatMap(([id, { first, last, meant }]) =>
      last - first >= lasting ? [{ id, meant: meant ?? undefined }] : []
    )
  }
}
