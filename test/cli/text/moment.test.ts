import { assert, describe, it } from "@effect/vitest"
import { Option } from "effect"
import fc from "fast-check"
import { momentAhead, momentBehind, readMoment, readSpan } from "../../../src/cli/text/moment.ts"

const now = Date.parse("2026-04-21T08:09:10.123Z")
const ahead = (text: string) =>
  Option.getOrUndefined(Option.map(readMoment(text), (moment) => new Date(momentAhead(moment, now)).toISOString()))

describe("times as an operator writes them", () => {
  it("reads points in time, in UTC when no zone is given", () => {
    for (
      const [text, time] of [
        ["2026-05-01T06:00:00Z", "2026-05-01T06:00:00.000Z"],
        ["2026-05-01T06:00:00.25+02:00", "2026-05-01T04:00:00.250Z"],
        ["2026-05-01T23:30-02:30", "2026-05-02T02:00:00.000Z"],
        ["2026-05-01 06:00", "2026-05-01T06:00:00.000Z"],
        ["2026-05-01 06:00 UTC", "2026-05-01T06:00:00.000Z"],
        [" 2026-05-01 ", "2026-05-01T00:00:00.000Z"],
        ["2028-02-29", "2028-02-29T00:00:00.000Z"],
        ["now", "2026-04-21T08:09:10.123Z"]
      ] as const
    ) assert.strictEqual(ahead(text), time, text)
  })

  it("reads spans", () => {
    const minute = 60_000
    for (
      const [text, minutes] of [
        ["90m", 90],
        ["90min", 90],
        ["2h", 120],
        ["+2h", 120],
        ["3d", 3 * 1440],
        ["1w", 7 * 1440],
        ["1d12h", 36 * 60],
        ["1d 12h", 36 * 60],
        ["1.5h", 90],
        ["30s", 0.5]
      ] as const
    ) assert.deepStrictEqual(readSpan(text), Option.some(minutes * minute), text)
  })

  it("refuses what is none, and does not guess", () => {
    for (
      const text of [
        "",
        "tomorrow",
        "2",
        "0h",
        "-2h",
        "2 fortnights",
        "9999999d",
        "2026-02-30",
        "2026-13-01",
        "2026-05-01 24:00",
        "2026-05-01 06:60",
        "2026-05-01T06:00:00+25:00",
        "01.05.2026",
        "2026-5-1",
        "2h x"
      ]
    ) assert.isTrue(Option.isNone(readMoment(text)), text)
  })

  it("takes every RFC 3339 time to the millisecond, and spans both ways", () => {
    fc.assert(fc.property(
      fc.integer({ min: Date.parse("1971-01-01"), max: Date.parse("9999-01-01") }),
      (at) => {
        assert.deepStrictEqual(readMoment(new Date(at).toISOString()), Option.some({ _tag: "At" as const, at }))
      }
    ))
    fc.assert(fc.property(fc.integer({ min: 1, max: 1_000_000 }), (seconds) => {
      const moment = Option.getOrThrow(readMoment(`${seconds}s`))
      assert.strictEqual(momentAhead(moment, now) - now, seconds * 1000)
      assert.strictEqual(now - momentBehind(moment, now), seconds * 1000)
    }))
  })

  it("never throws", () => {
    fc.assert(fc.property(fc.string(), (text) => void readMoment(text)))
  })
})
