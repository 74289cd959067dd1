import type { Violation } from "./NatsLink.ts"
import { inboxPrefix } from "./replies.ts"

/** What the broker does not let us do counts for so many milliseconds after it last said so. */
const countsFor = 120_000

/** So many subjects are named; one problem is most often behind all. */
const maxNamed = 20

/** Inboxes have a new name for every question. */
const subjectOf = (subject: string): string => subject.startsWith(inboxPrefix) ? `${inboxPrefix}>` : subject

/** What the broker does not let us do. `now` is milliseconds of a clock that never goes back. */
export interface Violations {
  readonly add: (violation: Violation, now: number) => void
  readonly refusesSubscription: (subject: string, now: number) => boolean
  /** For an operator; undefined when nothing is refused. */
  readonly describe: (now: number) => string | undefined
}

export const makeViolations = (): Violations => {
  const seen = new Map<string, { readonly text: string; readonly at: number }>()
  const keyOf = (operation: string, subject: string) => `${operation} ${subjectOf(subject)}`
  const current = (now: number) => {
    for (const [key, { at }] of seen) if (now - at >= countsFor) seen.delete(key)
    return seen
  }
  return {
    add: ({ operation, subject }, now) => {
      const key = keyOf(operation, subject)
      if (!current(now).has(key) && seen.size >= maxNamed) return
      const verb = operation === "subscription" ? "listen on" : "publish on"
      seen.set(key, { text: `${verb} ${subjectOf(subject)}`, at: now })
    },
    refusesSubscription: (subject, now) => current(now).has(keyOf("subscription", subject)),
    describe: (now) => {
      const texts = Array.from(current(now).values(), ({ text }) => text)
      return texts.length === 0
        ? undefined
        : `the broker does not let this node ${texts.join(", ")}: give its user these permissions`
    }
  }
}
