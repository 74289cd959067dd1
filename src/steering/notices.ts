import * as Effect from "effect/Effect"
import { Conditions } from "../node/Conditions.ts"
import type { SteeringTable } from "./SteeringTable.ts"

/** What operators are to know of answers; a text is undefined when there is nothing. */
export interface Notices {
  /** Who is kept in answers by the removal cap, and until when. */
  readonly held: string | undefined
  /** Which names are answered by the all-down policy, and with whom. */
  readonly allDown: string | undefined
}

/** Members and names that a text lists. */
const maxListed = 6

const listed = (texts: ReadonlyArray<string>, all: number, separator = ", "): string =>
  texts.slice(0, maxListed).join(separator) + (all > maxListed ? `${separator}and ${all - maxListed} more` : "")

const clip = (name: string): string => name.length > 80 ? `${name.slice(0, 79)}…` : name

const namesText = (first: string, count: number): string =>
  count === 1 ? clip(first) : `${clip(first)} and ${count - 1} more ${count === 2 ? "name" : "names"}`

/** To the second, in UTC. */
const timeText = (millis: number): string => `${new Date(millis).toISOString().slice(11, 19)} UTC`

const policyText = ({ answering, policy }: SteeringTable): string => {
  const members = listed(answering.map(({ profile }) => clip(profile.entry.name)), answering.length)
  switch (policy) {
    case "fallback":
      return "the fallback address answers"
    case "empty":
      return "the answer is empty"
    case "all":
      return `all answer: ${members}`
    default:
      return `those answer that were healthy last: ${members}`
  }
}

/** Gathers what is to be known, table by table. What it keeps of names is bounded. */
export class NoticesBuilder {
  readonly #held = new Map<string, { until: number; readonly first: string; last: string; count: number }>()
  readonly #allDown: Array<string> = []
  #allDownCount = 0

  add(name: string, family: "IPv4" | "IPv6", table: SteeringTable): void {
    for (const { goesAt = 0, profile } of table.held) {
      const member = profile.entry.name
      const known = this.#held.get(member)
      if (known === undefined) this.#held.set(member, { until: goesAt, first: name, last: name, count: 1 })
      else {
        known.until = Math.max(known.until, goesAt)
        if (known.last !== name) known.count++
        known.last = name
      }
    }
    if (table.policy === undefined) return
    this.#allDownCount++
    if (this.#allDown.length < maxListed) this.#allDown.push(`${clip(name)} (${family}): ${policyText(table)}`)
  }

  get notices(): Notices {
    const held = [...this.#held].slice(0, maxListed).map(([member, { count, first, until }]) =>
      `${clip(member)} until ${timeText(until)} at ${namesText(first, count)}`
    )
    return {
      held: held.length === 0
        ? undefined
        : "down, and kept in answers for now, as too many members would go at once " +
          `(GeoDNS.Steering.MaxRemovedShare): ${listed(held, this.#held.size, "; ")}. ` +
          "geodns override add takes one out at once.",
      allDown: this.#allDownCount === 0
        ? undefined
        : "nobody is left that is healthy and not out by hand, so the policy answers (GeoDNS.Steering.AllDown): " +
          `${listed(this.#allDown, this.#allDownCount, "; ")}. geodns explain NAME says why.`
    }
  }
}

/** How long nothing must be to tell before a condition is over, in milliseconds: members may come and go. */
const calm = 10_000

/**
 * Makes what shows notices as the conditions `steering:held` and `steering:all-down`. They are raised at once, and over when there was
 * nothing for ten seconds: at `nextLook`, in milliseconds since the epoch, it wants to be told again how things stand.
 */
export const makeNotices = Effect.map(Conditions, (conditions) => {
  /** When what is raised is over; infinity while it lasts. */
  const ends = new Map<string, number>()

  const show = (name: string, detail: string | undefined, now: number): Effect.Effect<void> => {
    if (detail !== undefined) {
      ends.set(name, Number.POSITIVE_INFINITY)
      return conditions.raise(name, detail)
    }
    const end = ends.get(name)
    if (end === undefined) return Effect.void
    if (end === Number.POSITIVE_INFINITY) ends.set(name, now + calm)
    if (end > now) return Effect.void
    ends.delete(name)
    return conditions.clear(name)
  }

  return {
    show: ({ allDown, held }: Notices, now: number): Effect.Effect<void> =>
      Effect.andThen(
        Effect.suspend(() => show("steering:held", held, now)),
        Effect.suspend(() => show("steering:all-down", allDown, now))
      ),
    nextLook: (): number => Math.min(...ends.values(), Number.POSITIVE_INFINITY)
  }
})
