import { assert, describe, it } from "@effect/vitest"
import { Clock, type Context, Effect, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import type { Conditions } from "../../src/node/Conditions.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { OutageLog } from "../../src/status/OutageLog.ts"
import { outageJournal } from "../../src/status/readOutageJournal.ts"
import { conditionNames, decide, listen, makeOutside, measured, settle } from "./collating.ts"
import { decision, target, targetNamed } from "./fixtures.ts"

const minute = 60_000
const hour = 60 * minute
const other = targetNamed("Harbour")
const statusOf = (of = target) => OfficialStatus.use((official) => official.get(of))

type Outside = Effect.Success<ReturnType<typeof makeOutside>>
type Parts = OutageLog | OfficialStatus | Conditions | Scope.Scope
type InEach = <A>(effect: Effect.Effect<A, never, Parts>) => Effect.Effect<[A, A]>

/** Two processes at once. Does the same in both, while both run. */
const together = (one: Outside, two: Outside) => <A, E>(work: (inEach: InEach) => Effect.Effect<A, E>) =>
  one.process(
    Effect.contextWith((a: Context.Context<Parts>) =>
      two.process(Effect.contextWith((b: Context.Context<Parts>) =>
        work((effect) => Effect.all([Effect.provide(effect, a), Effect.provide(effect, b)]))
      ))
    )
  )

describe("OutageLog, over restarts", () => {
  it.effect("keeps several outages of a target for an hour without the store, and blips, and the rows of overrides", () =>
    Effect.gen(function*() {
      const outside = yield* makeOutside()
      const record = { ...target, checkType: "site", check: "override", domain: "", endpoint: "" } as const
      const override = {
        id: "o",
        target: record,
        start: 5,
        end: undefined,
        error: "",
        data: null,
        votes: {},
        blip: false
      }
      yield* outside.store.open(override)
      yield* TestClock.setTime(10 * minute)
      outside.flaky.mode = "away"
      yield* outside.process(Effect.gen(function*() {
        const heard = yield* listen
        yield* decide({ id: "d1" })
        yield* TestClock.adjust("20 minutes")
        yield* decide({ id: "u1", up: true })
        yield* decide({ id: "e1", target: other })
        yield* TestClock.adjust("10 minutes")
        yield* decide({ id: "d2" })
        yield* TestClock.adjust("5 minutes")
        yield* decide({ id: "u2", up: true })
        yield* settle
        assert.deepStrictEqual(yield* conditionNames, ["store:outages"])
        assert.strictEqual(yield* measured("geodns_outages_waiting"), 5)
        assert.deepStrictEqual(yield* heard, [])
      }))
      yield* TestClock.adjust("20 minutes")
      yield* outside.process(Effect.gen(function*() {
        const heard = yield* listen
        yield* decide({ id: "d3", decidedAt: 65 * minute + 20 })
        yield* TestClock.adjust("15 minutes")
        assert.deepStrictEqual(yield* conditionNames, ["store:outages"])
        assert.deepStrictEqual(yield* OutageLog.use((log) => log.open), [])
        outside.flaky.mode = "well"
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* conditionNames, [])
        assert.strictEqual(yield* measured("geodns_outages_waiting"), 0)
        assert.deepStrictEqual(yield* heard, [
          "Opened d1",
          "Closed d1",
          "Opened e1",
          "Opened d2",
          "Closed d2",
          "Opened d3"
        ])
        assert.deepStrictEqual((yield* OutageLog.use((log) => log.open)).map(({ id }) => id), ["e1", "d3"])
      }))
      const [first, ...rest] = yield* outside.rows
      assert.deepStrictEqual(first, override)
      assert.deepStrictEqual(rest.map(({ blip, end, id, start }) => [id, start, end, blip]), [
        ["d1", 10 * minute, 30 * minute, false],
        ["e1", 30 * minute, undefined, false],
        ["d2", 40 * minute, 45 * minute, true],
        ["d3", 65 * minute + 20, undefined, false]
      ])
      assert.deepStrictEqual((yield* outside.store.decisions("d2")).map(({ id, up }) => [id, up]), [
        ["d2", false],
        ["u2", true]
      ])
      // A restart with all of it done tells nothing again.
      yield* outside.process(Effect.gen(function*() {
        const heard = yield* listen
        yield* settle
        assert.deepStrictEqual(yield* heard, [])
      }))
    }).pipe(Effect.scoped))

  it.effect("loses nothing when it ends in the middle of an attempt, or of many", () =>
    Effect.gen(function*() {
      for (const mode of ["hangs", "away"] as const) {
        const outside = yield* makeOutside()
        yield* TestClock.setTime(minute)
        yield* outside.process(Effect.gen(function*() {
          yield* settle
          outside.flaky.mode = mode
          yield* decide({ id: "d1", decidedAt: minute })
          yield* TestClock.adjust("3 seconds")
        }))
        outside.flaky.mode = "well"
        yield* outside.process(settle)
        assert.deepStrictEqual(yield* outside.brief, [{ id: "d1", start: minute, end: undefined, blip: false }], mode)
      }
    }).pipe(Effect.scoped))

  it.effect("knows the status again that waits for the store, when official.json was not written in time", () =>
    Effect.gen(function*() {
      const outside = yield* makeOutside()
      outside.flaky.mode = "away"
      outside.documents.failWrites = true
      yield* outside.process(Effect.gen(function*() {
        yield* decide({ id: "d1", decidedAt: 1 })
        yield* decide({ id: "u1", decidedAt: 2, up: true })
        yield* decide({ id: "d2", decidedAt: 3 })
        yield* settle
      }))
      yield* outside.process(Effect.gen(function*() {
        assert.deepInclude(yield* statusOf(), { id: "d2", up: false, decidedAt: 3 })
      }))
    }).pipe(Effect.scoped))

  it.effect("stores an outage that waited, also when another process has stored a later one meanwhile", () =>
    Effect.gen(function*() {
      const outside = yield* makeOutside()
      outside.flaky.mode = "away"
      yield* outside.process(Effect.gen(function*() {
        yield* decide({ id: "d1", decidedAt: 1 })
        yield* decide({ id: "u1", decidedAt: 2, up: true })
        yield* settle
      }))
      outside.flaky.mode = "well"
      const theirs = { id: "d2", target, start: 5, end: undefined, error: "", data: null, votes: {}, blip: false }
      yield* outside.store.open(theirs)
      yield* outside.process(Effect.gen(function*() {
        yield* settle
        assert.deepStrictEqual((yield* OutageLog.use((log) => log.open)).map(({ id }) => id), ["d2"])
        assert.deepInclude(yield* statusOf(), { id: "d2", up: false })
        yield* decide({ id: "u2", up: true, decidedAt: 9 })
        yield* settle
      }))
      assert.deepStrictEqual(yield* outside.brief, [
        { id: "d1", start: 1, end: 2, blip: true },
        { id: "d2", start: 5, end: 9, blip: true }
      ])
    }).pipe(Effect.scoped))

  it.effect("stores once what two collators on one store have waiting, each on its own disk, over a restart", () =>
    Effect.gen(function*() {
      const one = yield* makeOutside()
      const two = yield* makeOutside(one)
      const both = together(one, two)
      one.flaky.mode = "away"
      yield* both((inEach) =>
        Effect.gen(function*() {
          yield* inEach(decide({ id: "d1", decidedAt: 1 }))
          yield* inEach(decide({ id: "u1", decidedAt: 2, up: true }))
          yield* inEach(decide({ id: "d2", decidedAt: 3 }))
          yield* TestClock.adjust("1 hour")
        })
      )
      yield* both((inEach) =>
        Effect.gen(function*() {
          const told = yield* inEach(listen)
          one.flaky.mode = "well"
          yield* TestClock.adjust("1 minute")
          yield* inEach(decide({ id: "u2", decidedAt: 60 * minute, up: true }))
          yield* settle
          // Who finds the second one open in the store when it starts takes it up, and does not tell that it began.
          for (const events of yield* Effect.all(told)) {
            assert.deepStrictEqual(events.filter((event) => event !== "Opened d2"), [
              "Opened d1",
              "Closed d1",
              "Closed d2"
            ])
          }
        })
      )
      assert.deepStrictEqual(yield* one.brief, [
        { id: "d1", start: 1, end: 2, blip: true },
        { id: "d2", start: 3, end: 60 * minute, blip: false }
      ])
    }).pipe(Effect.scoped))

  for (const mode of ["well", "away"] as const) {
    for (const restart of [false, true]) {
      const what = `${mode === "well" ? "" : " that wait"}${restart ? ", over a restart" : ""}`
      it.effect(`stores once what two collators know whose clocks are set back an hour${what}`, () =>
        Effect.gen(function*() {
          yield* TestClock.setTime(3 * hour)
          const one = yield* makeOutside()
          const two = yield* makeOutside(one)
          const both = together(one, two)
          one.flaky.mode = mode
          const tell = (inEach: InEach, id: string, up = false) =>
            Effect.gen(function*() {
              yield* TestClock.adjust("1 minute")
              yield* inEach(decide({ id, up, decidedAt: (yield* Clock.currentTimeMillis) + one.ahead() }))
              yield* settle
            })
          const setBack = () => {
            one.setBack(hour)
            two.setBack(hour)
          }
          const first = (inEach: InEach) =>
            Effect.gen(function*() {
              yield* tell(inEach, "d1")
              setBack()
              yield* tell(inEach, "u1", true)
              yield* tell(inEach, "d2")
              yield* tell(inEach, "u2", true)
              setBack()
              yield* tell(inEach, "d3")
            })
          const second = (inEach: InEach) =>
            Effect.gen(function*() {
              one.flaky.mode = "well"
              yield* TestClock.adjust("1 minute")
              assert.deepStrictEqual((yield* one.rows).filter(({ end }) => end === undefined).map(({ id }) => id), [
                "d3"
              ])
              yield* tell(inEach, "u3", true)
              assert.deepStrictEqual(yield* inEach(conditionNames), [[], []])
              assert.deepStrictEqual(yield* inEach(OutageLog.use((log) => log.open)), [[], []])
            })
          if (restart) yield* Effect.andThen(both(first), both(second))
          else yield* both((inEach) => Effect.andThen(first(inEach), second(inEach)))
          const minutes = (time: number | undefined) => Math.floor((time! - 3 * hour) / minute)
          assert.deepStrictEqual((yield* one.rows).map(({ end, id, start }) => [id, minutes(start), minutes(end)]), [
            ["d3", -115, -113],
            ["d2", -57, -56],
            ["d1", 1, 1]
          ])
        }).pipe(Effect.scoped))
    }
  }

  it.effect("ends what is open by a clock that was ahead, with the status that official.json holds", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(3 * hour)
      const outside = yield* makeOutside()
      const decidedAt = 3 * hour - minute
      yield* outside.process(Effect.gen(function*() {
        yield* decide({ id: "d1", decidedAt })
        yield* settle
      }))
      yield* outside.disk.files.remove(outageJournal)
      // What ended it was not written any more.
      const row = { id: "d1", start: decidedAt, end: undefined, blip: false }
      outside.flaky.mode = "away"
      outside.setBack(hour)
      yield* outside.process(Effect.gen(function*() {
        yield* decide({ id: "u1", up: true, decidedAt: decidedAt - hour })
        // Others say so again and again, under other ids.
        for (let i = 1; i <= 20; i++) yield* decide({ id: `u1-${i}`, up: true, decidedAt: decidedAt - hour + i })
        yield* settle
      }))
      yield* outside.disk.files.remove(outageJournal)
      outside.flaky.mode = "well"
      assert.deepStrictEqual(yield* outside.brief, [row])
      yield* outside.process(settle)
      assert.deepStrictEqual(yield* outside.brief, [{ ...row, end: decidedAt + 1, blip: true }])
    }).pipe(Effect.scoped))

  it.effect("does not end with a status from a clock that was ahead what began after that was set back", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(3 * hour)
      const outside = yield* makeOutside()
      yield* outside.process(decide({ id: "u0", up: true, decidedAt: 3 * hour }))
      outside.setBack(hour)
      const missed = { id: "d1", start: 2 * hour - minute, end: undefined, blip: false }
      yield* outside.store.open({ ...missed, target, error: "", data: null, votes: {} })
      yield* outside.process(Effect.gen(function*() {
        yield* settle
        assert.deepInclude(yield* statusOf(), { id: "d1", up: false })
        assert.deepStrictEqual(yield* outside.brief, [missed])
      }))
    }).pipe(Effect.scoped))

  it.effect("ends an outage that it missed when it was said to be over, however long the store was away", () =>
    Effect.gen(function*() {
      const outside = yield* makeOutside()
      yield* outside.process(decide({ id: "u0", up: true, decidedAt: 1 }))
      yield* outside.store.open({
        id: "d1",
        target,
        start: 5,
        end: undefined,
        error: "",
        data: null,
        votes: {},
        blip: false
      })
      outside.flaky.mode = "away"
      yield* outside.process(Effect.gen(function*() {
        // It says nothing new to a node that missed the outage.
        yield* decide({ id: "u1", up: true, decidedAt: 9 })
        yield* TestClock.adjust("1 hour")
        outside.flaky.mode = "well"
        yield* TestClock.adjust("1 minute")
      }))
      assert.deepStrictEqual(yield* outside.brief, [{ id: "d1", start: 5, end: 9, blip: true }])
    }).pipe(Effect.scoped))

  it.effect("ends what waits of targets that left the documents while it was off", () =>
    Effect.gen(function*() {
      const outside = yield* makeOutside()
      outside.flaky.mode = "away"
      const left = targetNamed("left")
      yield* outside.process(Effect.gen(function*() {
        yield* decide({ id: "d1", target: left, decidedAt: 1 })
        yield* settle
      }))
      yield* TestClock.setTime(minute)
      outside.flaky.mode = "well"
      yield* outside.process(settle)
      assert.deepStrictEqual(yield* outside.brief, [{ id: "d1", start: 1, end: minute, blip: true }])
    }).pipe(Effect.scoped))

  it.effect("holds up neither decisions nor those who ask while the store hangs", () =>
    Effect.gen(function*() {
      const outside = yield* makeOutside()
      outside.flaky.mode = "hangs"
      yield* outside.process(Effect.gen(function*() {
        const official = yield* OfficialStatus
        const log = yield* OutageLog
        const changes = yield* official.subscribe
        // No time passes in all of this: whatever waited for the store would wait for ever.
        for (let i = 0; i < 200; i++) {
          const change = yield* official.apply(decision({ id: `p${i}`, up: i % 2 === 1, decidedAt: i }))
          assert.strictEqual(change?.after.id, `p${i}`)
        }
        assert.lengthOf(yield* Stream.runCollect(Stream.take(changes, 200)), 200)
        assert.deepStrictEqual(yield* log.open, [])
        yield* log.subscribe
        yield* TestClock.adjust("31 seconds")
        assert.deepStrictEqual(yield* conditionNames, ["store:outages"])
        outside.flaky.mode = "well"
        yield* TestClock.adjust("1 minute")
        for (let i = 0; i < 50 && (yield* measured("geodns_outages_waiting")) > 0; i++) yield* settle
      }))
      assert.lengthOf(yield* outside.rows, 100)
    }).pipe(Effect.scoped))

  it.effect("stays in memory when neither the store nor the disk takes anything, and says both", () =>
    Effect.gen(function*() {
      const outside = yield* makeOutside()
      yield* outside.process(Effect.gen(function*() {
        yield* settle
        outside.flaky.mode = "away"
        yield* outside.disk.setFull(true)
        yield* decide({ id: "d1", decidedAt: 1 })
        yield* decide({ id: "u1", up: true, decidedAt: 2 })
        yield* TestClock.adjust("10 minutes")
        assert.sameMembers([...yield* conditionNames], ["outages:journal", "store:outages"])
        outside.flaky.mode = "well"
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* conditionNames, ["outages:journal"])
        yield* outside.disk.setFull(false)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* conditionNames, [])
      }))
      assert.deepStrictEqual(yield* outside.brief, [{ id: "d1", start: 1, end: 2, blip: true }])
      assert.deepStrictEqual(yield* outside.disk.files.list, [outageJournal])
    }).pipe(Effect.scoped))
})
