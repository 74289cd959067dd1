import { assert, describe, it } from "@effect/vitest"
import type { JournalName } from "../../src/usage/journalNames.ts"
import { journalsProblem } from "../../src/usage/journalsProblem.ts"

const today = "2026-06-10"
const journals = (...days: ReadonlyArray<string>): ReadonlyArray<JournalName> =>
  days.map((day) => ({ day, writer: "0123456789abcdef", stored: false }))

describe("journalsProblem", () => {
  it("says nothing of the days that a node keeps, also one that is off now and then", () => {
    for (const day of ["2026-04-05", "2026-05-01", "2026-06-10", "2026-06-11"]) {
      for (const isAsked of [true, false]) assert.isUndefined(journalsProblem(journals(day), today, isAsked))
    }
    assert.isUndefined(journalsProblem([], today, true))
  })

  it("names days that are still to come, or before anything of ours counted", () => {
    for (const isAsked of [true, false]) {
      for (const day of ["2026-06-12", "2027-06-10", "9999-12-31", "1970-01-01", "2019-06-10"]) {
        assert.include(
          journalsProblem(journals(day, today), today, isAsked),
          `1 usage journals are of ${day}, and today is 2026-06-10`
        )
      }
    }
    assert.include(journalsProblem(journals("1970-01-01", "2027-01-01"), today, true), "of 1970-01-01 to 2027-01-01")
    assert.include(journalsProblem(journals(today), "1970-01-01", true), "today is 1970-01-01")
    assert.include(journalsProblem(journals("1970-01-01"), "1970-01-01", true), "of 1970-01-01")
    assert.include(journalsProblem([], "NaN-NaN", true), "set it")
  })

  it("names days that no collator asks for any more, where they ask", () => {
    assert.include(journalsProblem(journals("2026-03-31"), today, true), "Collators do not ask for those days")
    assert.isUndefined(journalsProblem(journals("2026-03-31"), today, false))
  })

  it("says when there are many", () => {
    const of = (count: number) => journalsProblem(journals(...Array.from({ length: count }, () => today)), today, true)
    assert.isUndefined(of(2_000))
    assert.include(of(2_001), "2001 usage journals are in the work directory (2026-06-10)")
  })
})
