import { dayOf } from "../domain/wire/Usage.ts"
import type { JournalName } from "./journalNames.ts"
import { journalDays } from "./UsageJournals.ts"

const dayMillis = 86_400_000
/** Nothing of ours counted before. */
const beginning = "2023-01-01"
/** Journals of a node that starts some fifty times a day. */
const many = 2_000

const spanOf = (journals: ReadonlyArray<JournalName>): string => {
  const days = journals.map(({ day }) => day).sort()
  return days[0] === days.at(-1) ? `${days[0]}` : `${days[0]} to ${days.at(-1)}`
}

/**
 * What is odd about the journals in a work directory; undefined when nothing is. `today` may be the wrong day: it is said,
 * too. `isAsked`: the node stores nothing itself, so what is older than collectors ask for gets into no bill. (Journals of a node
 * that is off now and then stay longer than 35 days; only those that are twice as old tell that it was off for weeks.)
 */
export const journalsProblem = (
  journals: ReadonlyArray<JournalName>,
  today: string,
  isAsked: boolean
): string | undefined => {
  const start = Date.parse(today)
  if (Number.isNaN(start)) return `the clock shows no day that can be counted on (${today}): set it`
  const asked = isAsked ? dayOf(start - 2 * journalDays * dayMillis) : ""
  const first = asked > beginning ? asked : beginning
  const last = dayOf(start + dayMillis)
  const stray = journals.filter(({ day }) => day < first || day > last)
  if (stray.length > 0) {
    return `${stray.length} usage journals are of ${
      spanOf(stray)
    }, and today is ${today}: a clock is or was wrong, or this node `
      + `was off for weeks. ${
        isAsked ? "Collators do not ask for those days" : "They are stored under those days"
      }. Nothing is `
      + `removed for it: check the clock, then see "Wrong clocks" in docs/usage.md`
  }
  return journals.length <= many ?
    undefined :
    `${journals.length} usage journals are in the work directory (${
      spanOf(journals)
    }), one for each start and day: does this node start again and again? Nothing is lost, but collecting and storing take longer`
}
