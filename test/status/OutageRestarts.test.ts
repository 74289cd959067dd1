import { assert, describe, it } from "@effect/vitest"
import { Clock, type Context, Effect, type Scope, Stream } from "effect"
import { TestClock } from "effect/testing"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { OutageLog } from "../../src/status/OutageLog.ts"
import { outageJournal } from "../../src/status/readOutageJournal.ts"
import { conditionNames, Death, decide, listen, makeOutside, measured, settle } from "./collating.ts"
import { decision, target, targetNamed } from "./fixtures.ts"

const minute = 60_000
const other = targetNamed("Harbour")
const statusOf = (of = target) => OfficialStatus.use((official) => official.get(of))

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
      type Parts = OutageLog | OfficialStatus | Scope.Scope
      /** Does the same in both, while both run. */
      const both = <A, E>(
        work: (inEach: <B>(effect: Effect.Effect<B, never, Parts>) => Effect.Effect<[B, B]>) => Effect.Effect<A, E>
      ) =>
        one.process(
          Effect.contextWith((a: Context.Context<Parts>) =>
            two.process(Effect.contextWith((b: Context.Context<Parts>) =>
              work((effect) => Effect.all([Effect.provide(effect, a), Effect.provide(effect, b)]))
            ))
          )
        )
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

/** What happens in the story that is interrupted at every step. Times from its beginning. */
const story = [
  { store: "away" },
  { id: "d1", decidedAt: 1 },
  { id: "e1", decidedAt: 2, target: other },
  { id: "u1", decidedAt: 3, up: true },
  { id: "d2", decidedAt: 4 },
  { store: "well" },
  { id: "u2", decidedAt: 5, up: true },
  { id: "d3", decidedAt: 6 },
  { id: "f1", decidedAt: 7, target: other, up: true }
] as const

/** Tells it to a process that dies, and the rest of it to the next one. Gives what is in the store then. */
const tell = Effect.fnUntraced(function*(death: Death, power: boolean) {
  const outside = yield* makeOutside()
  const began = yield* Clock.currentTimeMillis
  const newest = new Map<string, Effect.Effect<unknown, never, OfficialStatus>>()
  let next = 0
  const goOn = (death: Death) =>
    Effect.gen(function*() {
      yield* settle
      while (next < story.length && !death.isDead) {
        const event = story[next]!
        if ("store" in event) outside.flaky.mode = event.store
        else {
          const deciding = decide({ ...event, decidedAt: began + event.decidedAt })
          newest.set("target" in event ? event.target.member : "", deciding)
          yield* deciding
        }
        // Longer than the longest pause between two attempts, when the store is back.
        yield* "store" in event && event.store === "well" ? TestClock.adjust("1 minute") : settle
        next++
      }
    })
  yield* outside.process(goOn(death), death)
  if (death.isDead) yield* outside.disk.crash({ power })
  const again = new Death()
  yield* outside.process(
    Effect.gen(function*() {
      // The other nodes tell one that starts what is official.
      yield* Effect.forEach([...newest.values()], (deciding) => deciding)
      yield* goOn(again)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* conditionNames, [])
    }),
    again
  )
  return (yield* outside.rows).map(({ end, id, start }) => [id, start - began, end === undefined ? end : end - began])
}, Effect.scoped)

describe("OutageLog, killed at any step of its work in the store and on the disk", () => {
  const whole = [["d1", 1, 3], ["e1", 2, 7], ["d2", 4, 5], ["d3", 6, undefined]]
  for (const takesPlace of [true, false]) {
    for (const power of [false, true]) {
      const when = `${takesPlace ? "after" : "before"} the step${power ? ", with a power cut" : ""}`
      it.effect(`loses and doubles nothing: ${when}`, () =>
        Effect.gen(function*() {
          const undisturbed = new Death()
          assert.deepStrictEqual(yield* tell(undisturbed, power), whole)
          assert.isAbove(undisturbed.steps, 30)
          for (let at = 1; at <= undisturbed.steps; at++) {
            const death = new Death(at, takesPlace)
            assert.deepStrictEqual(yield* tell(death, power), whole, `at step ${at}`)
            assert.isTrue(death.isDead)
          }
        }), 60_000)
    }
  }
})
