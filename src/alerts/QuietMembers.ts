import type { Override } from "../domain/Override.ts"

/**
 * How long alerts stay quiet about a member after it is back in service: it was not checked meanwhile, so the monitors
 * look first whether it is down still. Milliseconds.
 */
export const quietAfter = 2 * 60_000

interface Quiet {
  readonly override: string
  /** When it ends, milliseconds since the epoch; undefined while the member is out. */
  readonly ends: number | undefined
}

/** The members that alerts are quiet about: those that are out by hand, and for a moment those that were. */
export class QuietMembers {
  readonly #quiet = new Map<string, Quiet>()

  /** Takes the members that are out now. Times in milliseconds since the epoch. */
  take(active: ReadonlyMap<string, Override>, now: number): void {
    for (const [member, quiet] of this.#quiet) {
      if (!active.has(member) && quiet.ends === undefined) this.#quiet.set(member, { ...quiet, ends: now + quietAfter })
    }
    for (const [member, { id }] of active) this.#quiet.set(member, { override: id, ends: undefined })
  }

  /** By the name of the member, the override that is the reason. */
  at(now: number): ReadonlyMap<string, string> {
    for (const [member, { ends }] of this.#quiet) if (ends !== undefined && ends <= now) this.#quiet.delete(member)
    return new Map(Array.from(this.#quiet, ([member, { override }]) => [member, override]))
  }

  /** When the next one ends; infinity when none does. */
  next(): number {
    return Math.min(...Array.from(this.#quiet.values(), ({ ends }) => ends ?? Number.POSITIVE_INFINITY))
  }
}
