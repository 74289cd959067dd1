import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import fc from "fast-check"
import {
  BadChecksum,
  Refused,
  TooMany,
  UnknownEdition,
  Unreachable,
  type UpdateReason,
  UsedUp
} from "../../src/geo/UpdateError.ts"
import * as Plan from "../../src/geo/UpdatePlan.ts"

const hour = 3_600_000
const day = 24 * hour
const now = Date.UTC(2026, 2, 1)
const edition = "GeoLite2-City"

const known = (state: Plan.UpdateState) => Plan.editionState(state, edition)

describe("isNewer", () => {
  const stamped = known(Plan.updated(Plan.noState, edition, now, { lastModified: now - hour, size: 1_000 }))

  it("compares with the stamp of the file that is there", () => {
    assert.isFalse(Plan.isNewer(stamped, 1_000, now - hour))
    assert.isFalse(Plan.isNewer(stamped, 1_000, now - 2 * hour))
    assert.isTrue(Plan.isNewer(stamped, 1_000, now - hour + 1_000))
  })

  it("takes a file that is missing, or did not come by us, for old", () => {
    assert.isTrue(Plan.isNewer(stamped, undefined, now - hour))
    assert.isTrue(Plan.isNewer(stamped, 1_001, now - hour))
    assert.isTrue(Plan.isNewer(known(Plan.noState), 1_000, 0))
  })
})

describe("downloads per day", () => {
  it("are never more than allowed within any 24 hours, whatever the restarts", () => {
    const steps = fc.array(fc.integer({ min: 0, max: 5 * hour }), { maxLength: 200 })
    fc.assert(fc.property(steps, fc.integer({ min: 1, max: 6 }), (waits, perDay) => {
      let state = Plan.noState
      let at = now
      const begun: Array<number> = []
      for (const wait of waits) {
        at += wait
        // A restart: all that is known is what was written.
        state = Option.getOrThrow(Plan.decodeState(Plan.encodeState(state)))
        const next = Plan.nextDownload(state, edition, { perDay, editions: [edition] }, at)
        assert.isAtLeast(next, at)
        if (next > at) continue
        state = Plan.began(state, edition, at)
        begun.push(at)
        assert.isAtMost(begun.filter((time) => time > at - day).length, perDay)
      }
      assert.isAtMost(state.downloads.length, perDay)
    }))
  })

  it("are possible again when the first is a day old", () => {
    const state = [0, 1, 2].reduce((state, hours) => Plan.began(state, edition, now + hours * hour), Plan.noState)
    assert.strictEqual(Plan.nextDownload(state, edition, { perDay: 3, editions: [edition] }, now + 3 * hour), now + day)
    assert.strictEqual(
      Plan.nextDownload(state, edition, { perDay: 2, editions: [edition] }, now + 3 * hour),
      now + hour + day
    )
    assert.strictEqual(
      Plan.nextDownload(state, edition, { perDay: 4, editions: [edition] }, now + 3 * hour),
      now + 3 * hour
    )
    assert.strictEqual(Plan.nextDownload(state, edition, { perDay: 3, editions: [edition] }, now + day), now + day)
    assert.strictEqual(Plan.downloadCount(state, now + day), 2)
  })

  it("come back after a clock was wrong by years", () => {
    const state = Plan.began(Plan.noState, edition, now + 1_000 * day)
    assert.strictEqual(Plan.nextDownload(state, edition, { perDay: 1, editions: [edition] }, now), now)
  })
})

describe("shares of the downloads per day", () => {
  const asn = "GeoLite2-ASN"
  const allowance = { perDay: 6, editions: [edition, asn] }
  const broken = (times: number) =>
    Array.from({ length: times }, (_, i) => now + i * hour).reduce(
      (state, at) => Plan.began(state, edition, at),
      Plan.noState
    )

  it("keep those of the others from an edition that fails again and again", () => {
    assert.strictEqual(Plan.nextDownload(broken(2), edition, allowance, now + 2 * hour), now + 2 * hour)
    const state = broken(3)
    assert.strictEqual(Plan.nextDownload(state, edition, allowance, now + 3 * hour), now + 18 * hour)
    assert.strictEqual(Plan.nextDownload(state, asn, allowance, now + 3 * hour), now + 3 * hour)
    assert.deepStrictEqual(Plan.inTurn(state, [edition, asn, edition]), [asn, edition])
  })

  it("leave what does not divide to whoever comes first", () => {
    const state = broken(3)
    assert.strictEqual(Plan.nextDownload(state, edition, { ...allowance, perDay: 7 }, now + 3 * hour), now + 3 * hour)
    const one = Plan.began(Plan.noState, edition, now)
    for (const name of [edition, asn]) {
      assert.strictEqual(Plan.nextDownload(one, name, { ...allowance, perDay: 1 }, now + hour), now + 24 * hour)
    }
    assert.deepStrictEqual(Plan.inTurn(one, [edition, asn]), [asn, edition], "the other one is first a day later")
  })

  it("are never more than all together, and leave nobody without for more than a day", () => {
    const steps = fc.array(fc.tuple(fc.constantFrom(edition, asn, "x"), fc.integer({ min: 0, max: 5 * hour })), {
      maxLength: 100
    })
    fc.assert(fc.property(steps, fc.integer({ min: 1, max: 8 }), (steps, perDay) => {
      const editions = [edition, asn, "x"]
      const begun: Array<number> = []
      let state = Plan.noState
      let at = now
      for (const [name, wait] of steps) {
        at += wait
        state = Option.getOrThrow(Plan.decodeState(Plan.encodeState(state)))
        const next = Plan.nextDownload(state, name, { perDay, editions }, at)
        assert.isTrue(next >= at && next <= at + day)
        if (next > at) continue
        state = Plan.began(state, name, at)
        begun.push(at)
        assert.isAtMost(begun.filter((time) => time > at - day).length, perDay)
      }
    }))
  })
})

describe("the schedule", () => {
  it("asks at once for what was never asked, then about every interval", () => {
    assert.strictEqual(Plan.dueAt(known(Plan.noState), 6 * hour, now, 0.3), now)
    const asked = known(Plan.unchanged(Plan.noState, edition, now))
    assert.strictEqual(Plan.dueAt(asked, 10 * hour, now, 0), now + 9 * hour)
    assert.strictEqual(Plan.dueAt(asked, 10 * hour, now, 0.5), now + 10 * hour)
    assert.strictEqual(Plan.dueAt(asked, 10 * hour, now, 1), now + 11 * hour)
  })

  it("asks at once after the clock was set back", () => {
    const asked = known(Plan.unchanged(Plan.noState, edition, now))
    assert.strictEqual(Plan.dueAt(asked, 6 * hour, now - 100 * day, 0), now - 100 * day)
    const failed = known(Plan.failed(Plan.noState, edition, now, new BadChecksum(), 0))
    assert.strictEqual(Plan.dueAt(failed, 6 * hour, now - 100 * day, 0), now - 99 * day)
  })

  const waits = (reason: UpdateReason, chance: number, times: number): ReadonlyArray<number> => {
    let state = Plan.noState
    return Array.from({ length: times }, () => {
      state = Plan.failed(state, edition, now, reason, chance)
      return (Plan.dueAt(known(state), hour, now, chance) - now) / hour
    })
  }

  it("waits longer after each failure, up to half a day, and by chance up to half of that", () => {
    assert.deepStrictEqual(waits(new Unreachable({ detail: "" }), 0, 9), [
      1 / 6,
      1 / 3,
      2 / 3,
      4 / 3,
      8 / 3,
      16 / 3,
      32 / 3,
      12,
      12
    ])
    assert.deepStrictEqual(waits(new Unreachable({ detail: "" }), 1, 3), [1 / 12, 1 / 6, 1 / 3])
  })

  it("leaves a provider alone that refuses us", () => {
    assert.deepStrictEqual(waits(new Refused({ status: 401 }), 0, 2), [12, 12])
    assert.deepStrictEqual(waits(new UnknownEdition(), 1, 2), [6, 6])
    // At least as long as it asks for, also when chance shortens it.
    assert.deepStrictEqual(waits(new TooMany({ retryAfter: 3 * hour }), 1, 1), [3])
    assert.deepStrictEqual(waits(new TooMany({ retryAfter: 0 }), 1, 1), [1])
    assert.deepStrictEqual(waits(new TooMany({ retryAfter: 1_000 * hour }), 0, 1), [24])
    assert.deepStrictEqual(waits(new UsedUp({ isShare: false, perDay: 1, until: now + 5 * hour }), 1, 1), [5])
  })

  it("forgets failures with a success, and with new settings", () => {
    const failed = Plan.failed(Plan.noState, edition, now, new Refused({ status: 401 }), 0)
    assert.strictEqual(known(Plan.unchanged(failed, edition, now)).failures, 0)
    assert.strictEqual(known(Plan.forgiven(failed)).failures, 0)
    assert.strictEqual(Plan.dueAt(known(Plan.forgiven(failed)), hour, now, 0), now)
  })
})

describe("the state", () => {
  it("survives a restart", () => {
    const state = Plan.failed(
      Plan.updated(Plan.began(Plan.noState, edition, now), edition, now, { lastModified: now, size: 7 }),
      "GeoLite2-ASN",
      now,
      new BadChecksum(),
      0.5
    )
    assert.deepStrictEqual(Option.getOrThrow(Plan.decodeState(Plan.encodeState(state))), state)
  })

  it.each(["", "{", "[]", '{"downloads":"no"}'])("is none when %j is there", (text) => {
    assert.isTrue(Option.isNone(Plan.decodeState(text)))
  })

  it("has v2's names for files", () => {
    assert.deepStrictEqual(
      ["GeoLite2-City", "GeoLite2-Country", "GeoLite2-ASN", "GeoIP2-City"].map(Plan.fileOf),
      ["CityLite.mmdb", "CountryLite.mmdb", "AsnLite.mmdb", "GeoIP2-City.mmdb"]
    )
  })
})
