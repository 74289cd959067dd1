import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Layer, Logger, PubSub, Ref, Scope, Stream } from "effect"
import { SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import {
  AlertChannels,
  AlertError,
  type AlertMessage,
  Alerts,
  type Channel,
  MemoryChannel
} from "../../src/alerts/index.ts"
import type { Outage, OutageEvent } from "../../src/domain/Outage.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { OutageLog } from "../../src/status/OutageLog.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { AlertStore, OutageStore, Store } from "../../src/store/index.ts"
import { BadRow, databaseError, StoreError } from "../../src/store/StoreError.ts"
import { overridden } from "../status/overridden.ts"
import { ended, march, minute, outage } from "./samples.ts"

/** An outage log whose events the test makes; as the real one, it announces what is in the store. */
const fakeLog = Effect.gen(function*() {
  const events = yield* PubSub.unbounded<OutageEvent>()
  const store = yield* OutageStore
  const announce = (event: OutageEvent) => Effect.andThen(PubSub.publish(events, event), settle)
  return {
    layer: Layer.succeed(
      OutageLog,
      OutageLog.of({
        open: Effect.succeed([]),
        subscribe: Effect.map(PubSub.subscribe(events), Stream.fromSubscription)
      })
    ),
    announce,
    opens: (it: Outage) => Effect.andThen(store.open(it), announce({ _tag: "Opened", outage: it })),
    closes: (it: Outage, end = it.start + minute) =>
      Effect.andThen(store.close(it.id, end, false), announce({ _tag: "Closed", outage: ended(it, end) }))
  }
})

/** Lets everything run that needs no time: a store gives way to the event loop between its pages. */
const settle = Effect.andThen(Effect.repeat(Effect.yieldNow, { times: 400 }), TestClock.adjust(0))

const identity = NodeIdentity.layerMemory({ id: "collator-1", role: "IBPCollator" })

interface Process {
  readonly alerts: Alerts["Service"]
  readonly conditions: Conditions["Service"]
  readonly stop: Effect.Effect<void>
}

/** Starts the alerts over the stores and channels that are there, as a process would. */
const start = (
  log: Layer.Layer<OutageLog>,
  channels: Layer.Layer<AlertChannels>,
  overrides: Layer.Layer<Overrides> = Overrides.layerNone,
  id = "collator-1"
) =>
  Effect.gen(function*() {
    const scope = yield* Scope.make()
    const stores = yield* Effect.context<OutageStore | AlertStore>()
    const layer = Layer.fresh(
      Alerts.layer.pipe(
        Layer.provideMerge([
          log,
          channels,
          overrides,
          Conditions.layer,
          Layer.succeedContext(stores),
          NodeIdentity.layerMemory({ id, role: "IBPCollator" })
        ])
      )
    )
    const context = yield* Layer.buildWithScope(layer, scope)
    yield* settle
    return {
      alerts: yield* Effect.provide(Alerts, context),
      conditions: yield* Effect.provide(Conditions, context),
      stop: Scope.close(scope, Exit.void)
    } satisfies Process
  })

/** A channel that is down as long as the test says. */
const channel = (name: string) =>
  Effect.gen(function*() {
    const got = yield* Ref.make<ReadonlyArray<AlertMessage>>([])
    const before = yield* Ref.make<(message: AlertMessage) => Effect.Effect<void, AlertError>>(() => Effect.void)
    const it: Channel = {
      name,
      deliver: (message) =>
        Effect.gen(function*() {
          yield* (yield* Ref.get(before))(message)
          yield* Ref.update(got, (all) => [...all, message])
        })
    }
    return {
      channel: it,
      told: Effect.map(Ref.get(got), (all) => all.map(({ kind, outage }) => `${outage.id} ${kind}`)),
      before: (action: (message: AlertMessage) => Effect.Effect<void, AlertError>) => Ref.set(before, action)
    }
  })
const only = (...channels: ReadonlyArray<{ readonly channel: Channel }>) =>
  Layer.succeed(AlertChannels, channels.map((it) => it.channel))
const down = (name: string, isRetryable = true) => () =>
  Effect.fail(new AlertError({ channel: name, problem: "no route to host", isRetryable }))
const names = (conditions: Conditions["Service"]) => Effect.map(conditions.current, (all) => all.map((it) => it.name))

const o1 = outage("o1")
const o2 = outage("o2", { start: march + 5 * minute }, { check: "o1" })

for (
  const [name, stores] of [
    ["in memory", Store.layerMemory],
    ["in SQLite", Layer.orDie(Store.layerSqlite({ filename: ":memory:" }))]
  ] as const
) {
  describe(`Alerts, with a store ${name}`, () => {
    it.effect("tells of an outage when it opens and when it is over, and of the next of the same target again", () =>
      Effect.gen(function*() {
        const log = yield* fakeLog
        const a = yield* channel("a")
        const { alerts } = yield* start(log.layer, only(a))
        yield* log.opens(o1)
        assert.deepStrictEqual(yield* a.told, ["o1 opened"])
        assert.deepStrictEqual((yield* alerts.threads).map((it) => [it.outage.id, it.state, it.delivered]), [
          ["o1", "open", { a: "opened" }]
        ])
        yield* log.closes(o1)
        yield* log.opens(o2)
        yield* log.closes(o2)
        assert.deepStrictEqual(yield* a.told, ["o1 opened", "o1 resolved", "o2 opened", "o2 resolved"])
        assert.deepStrictEqual(yield* alerts.threads, [])
      }).pipe(Effect.provide(stores)))

    it.effect("says nothing of a member that is out by hand, and tells what is down still when it is back", () =>
      Effect.gen(function*() {
        const log = yield* fakeLog
        const a = yield* channel("a")
        const { layer, set } = yield* overridden
        const { alerts, stop } = yield* start(log.layer, only(a), layer)
        yield* set("Potomac Works")
        yield* settle
        yield* log.opens(o1)
        yield* log.opens(outage("quick", {}, { check: "quick" }))
        yield* log.closes(outage("quick", {}, { check: "quick" }))
        yield* log.opens(outage("else", {}, { member: "Lagoon" }))
        assert.deepStrictEqual(yield* a.told, ["else opened"])
        assert.deepStrictEqual((yield* alerts.threads).map((it) => [it.outage.id, it.silenced]), [
          ["o1", "out Potomac Works"],
          ["else", undefined]
        ])
        // What is over was stored with its reason, and is no more to be told.
        const stored = yield* AlertStore.use((store) => store.get("quick"))
        assert.deepInclude(stored, { finished: true })
        assert.include(stored!.thread, "out Potomac Works")
        yield* stop
        const again = yield* start(log.layer, only(a), layer)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* a.told, ["else opened"])
        yield* set()
        yield* TestClock.adjust("119 seconds")
        yield* settle
        assert.deepStrictEqual(yield* a.told, ["else opened"])
        yield* TestClock.adjust("1 second")
        yield* settle
        assert.deepStrictEqual(yield* a.told, ["else opened", "o1 opened"])
        assert.deepStrictEqual((yield* again.alerts.threads).map((it) => it.silenced), [undefined, undefined])
        yield* log.closes(o1)
        assert.deepStrictEqual(yield* a.told, ["else opened", "o1 opened", "o1 resolved"])
      }).pipe(Effect.provide(stores)))

    it.effect("of what was told before the member was taken out, tells the end; what ends before the monitors looked is not told", () =>
      Effect.gen(function*() {
        const log = yield* fakeLog
        const a = yield* channel("a")
        const { layer, set } = yield* overridden
        yield* start(log.layer, only(a), layer)
        yield* log.opens(o1)
        yield* set("Potomac Works")
        yield* settle
        yield* log.closes(o1)
        assert.deepStrictEqual(yield* a.told, ["o1 opened", "o1 resolved"])
        yield* log.opens(o2)
        yield* set()
        yield* TestClock.adjust("1 minute")
        yield* settle
        yield* log.closes(o2)
        yield* TestClock.adjust("1 hour")
        yield* settle
        assert.deepStrictEqual(yield* a.told, ["o1 opened", "o1 resolved"])
      }).pipe(Effect.provide(stores)))

    it.effect("tells nothing of the records of overrides, which are no outages", () =>
      Effect.gen(function*() {
        const log = yield* fakeLog
        const a = yield* channel("a")
        const store = yield* OutageStore
        yield* store.open(outage("r", {}, { checkType: "site", check: "override", domain: "", endpoint: "" }))
        yield* store.open(outage("s", {}, { checkType: "site", check: "ping", domain: "", endpoint: "" }))
        yield* start(log.layer, only(a))
        yield* settle
        assert.deepStrictEqual(yield* a.told, ["s opened"])
      }).pipe(Effect.provide(stores)))

    it.effect("repeats nothing after a restart, nor when an event comes again", () =>
      Effect.gen(function*() {
        const log = yield* fakeLog
        const a = yield* channel("a")
        const first = yield* start(log.layer, only(a))
        yield* log.opens(o1)
        yield* log.opens(outage("x"))
        yield* log.closes(o1)
        yield* first.stop
        const second = yield* start(log.layer, only(a))
        yield* log.announce({ _tag: "Opened", outage: o1 })
        yield* log.announce({ _tag: "Closed", outage: ended(o1) })
        yield* log.announce({ _tag: "Opened", outage: outage("x", { error: "in other words" }) })
        assert.deepStrictEqual(yield* a.told, ["o1 opened", "x opened", "o1 resolved"])
        assert.deepStrictEqual((yield* second.alerts.threads).map((it) => it.outage.id), ["x"])
        yield* log.closes(outage("x"))
        assert.deepStrictEqual((yield* a.told).slice(3), ["x resolved"])
      }).pipe(Effect.provide(stores)))

    it.effect("catches up with what opened and closed while it did not run", () =>
      Effect.gen(function*() {
        const log = yield* fakeLog
        const store = yield* OutageStore
        const a = yield* channel("a")
        const first = yield* start(log.layer, only(a))
        yield* log.opens(o1)
        yield* first.stop
        yield* store.close("o1", o1.start + 7 * minute, false)
        yield* store.open(outage("new"))
        yield* start(log.layer, only(a))
        assert.sameMembers(yield* a.told, ["o1 opened", "o1 resolved", "new opened"])
      }).pipe(Effect.provide(stores)))

    it.effect("finds in the store what the log did not say", () =>
      Effect.gen(function*() {
        const log = yield* fakeLog
        const store = yield* OutageStore
        const a = yield* channel("a")
        yield* start(log.layer, only(a))
        yield* store.open(o1)
        yield* TestClock.adjust("5 minutes")
        yield* settle
        assert.deepStrictEqual(yield* a.told, ["o1 opened"])
        yield* store.close("o1", o1.start + minute, false)
        yield* TestClock.adjust("5 minutes")
        yield* settle
        assert.deepStrictEqual(yield* a.told, ["o1 opened", "o1 resolved"])
      }).pipe(Effect.provide(stores)))

    it.effect("a channel that is down holds up no other, and gets its messages when it is back", () =>
      Effect.gen(function*() {
        const log = yield* fakeLog
        const [a, b] = [yield* channel("a"), yield* channel("b")]
        const { conditions } = yield* start(log.layer, only(a, b))
        yield* a.before(down("a"))
        yield* log.opens(o1)
        yield* log.opens(outage("x"))
        yield* log.closes(o1)
        assert.deepStrictEqual(yield* b.told, ["o1 opened", "x opened", "o1 resolved"])
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(yield* a.told, [])
        const [condition] = yield* conditions.current
        assert.strictEqual(condition?.name, "alerts:a")
        assert.include(condition?.detail, "no route to host")
        assert.include(condition?.detail, "2 wait")
        yield* a.before(() => Effect.void)
        yield* TestClock.adjust("1 minute")
        // The outage that was over meanwhile is told once.
        assert.sameMembers(yield* a.told, ["o1 resolved", "x opened"])
        assert.deepStrictEqual(yield* names(conditions), [])
      }).pipe(Effect.provide(stores)))

    it.effect("tells after a restart what a channel had not taken before", () =>
      Effect.gen(function*() {
        const log = yield* fakeLog
        const [a, b] = [yield* channel("a"), yield* channel("b")]
        const first = yield* start(log.layer, only(a, b))
        yield* a.before(down("a"))
        yield* log.opens(o1)
        yield* log.closes(o1)
        yield* first.stop
        yield* a.before(() => Effect.void)
        yield* start(log.layer, only(a, b))
        assert.deepStrictEqual(yield* a.told, ["o1 resolved"])
        assert.deepStrictEqual(yield* b.told, ["o1 opened", "o1 resolved"])
      }).pipe(Effect.provide(stores)))
  })
}

describe("Alerts", () => {
  it.effect("waits longer after each failure in a row, up to a minute", () =>
    Effect.gen(function*() {
      const log = yield* fakeLog
      const a = yield* channel("a")
      const tries = yield* Ref.make(0)
      yield* a.before(() => Effect.andThen(Ref.update(tries, (n) => n + 1), down("a")()))
      yield* start(log.layer, only(a))
      yield* log.opens(o1)
      const counts: Array<number> = []
      for (const wait of [999, 1, 1_999, 1, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
        yield* TestClock.adjust(wait)
        counts.push(yield* Ref.get(tries))
      }
      assert.deepStrictEqual(counts, [1, 2, 2, 3, 4, 5, 6, 7, 8, 9])
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("a message that is refused, or a defect, or no answer, holds up no other message", () =>
    Effect.gen(function*() {
      for (
        const trouble of [down("a", false)(), Effect.die(new Error("broken")), Effect.never]
      ) {
        yield* Effect.gen(function*() {
          const log = yield* fakeLog
          const a = yield* channel("a")
          const { conditions, stop } = yield* start(log.layer, only(a))
          yield* a.before((message) => message.outage.id === "bad" ? trouble : Effect.void)
          yield* log.opens(outage("bad", { start: march - minute }))
          yield* log.opens(o1)
          yield* TestClock.adjust("40 seconds")
          assert.deepStrictEqual(yield* a.told, ["o1 opened"])
          assert.deepStrictEqual(yield* names(conditions), ["alerts:a"])
          yield* a.before(() => Effect.void)
          yield* TestClock.adjust("61 minutes")
          assert.deepStrictEqual(yield* a.told, ["o1 opened", "bad opened"])
          assert.deepStrictEqual(yield* names(conditions), [])
          yield* stop
        }).pipe(Effect.provide(Store.layerMemory))
      }
    }))

  it.effect("an outage that is over while it is being told is told to be over next", () =>
    Effect.gen(function*() {
      const log = yield* fakeLog
      const a = yield* channel("a")
      const gate = yield* Deferred.make<void>()
      yield* a.before(() => Deferred.await(gate))
      yield* start(log.layer, only(a))
      yield* log.opens(o1)
      yield* log.closes(o1)
      yield* Deferred.succeed(gate, undefined)
      yield* settle
      assert.deepStrictEqual(yield* a.told, ["o1 opened", "o1 resolved"])
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("alerts while its own state cannot be stored, says so, and stores it later", () =>
    Effect.gen(function*() {
      const log = yield* fakeLog
      const a = yield* channel("a")
      const memory = yield* AlertStore
      const isAway = yield* Ref.make(false)
      const away = databaseError("store an alert thread")(
        new SqlError.SqlError({ reason: new SqlError.UnknownError({ cause: null, message: "the disk is full" }) })
      )
      const flaky = AlertStore.of({
        ...memory,
        save: (thread) => Effect.flatMap(Ref.get(isAway), (failing) => failing ? away : memory.save(thread))
      })
      const { conditions } = yield* start(log.layer, only(a)).pipe(Effect.provideService(AlertStore, flaky))
      yield* log.opens(o1)
      yield* Ref.set(isAway, true)
      yield* log.opens(outage("x"))
      assert.deepStrictEqual(yield* a.told, ["o1 opened", "x opened"])
      assert.include((yield* conditions.current)[0]?.detail, "the disk is full")
      assert.isUndefined(yield* memory.get("x"))
      yield* Ref.set(isAway, false)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* names(conditions), [])
      assert.include((yield* memory.get("x"))?.thread, `"delivered":{"a":"opened"}`)
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("waits for its stored state before it tells anything", () =>
    Effect.gen(function*() {
      const log = yield* fakeLog
      const a = yield* channel("a")
      const first = yield* start(log.layer, only(a))
      yield* log.opens(o1)
      yield* first.stop
      const memory = yield* AlertStore
      const isAway = yield* Ref.make(true)
      const away = databaseError("read alert threads")(
        new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause: null, message: "gone" }) })
      )
      const flaky = AlertStore.of({
        ...memory,
        unfinished: Stream.unwrap(Effect.map(Ref.get(isAway), (it) => it ? Stream.fail(away) : memory.unfinished))
      })
      const { conditions } = yield* start(log.layer, only(a)).pipe(Effect.provideService(AlertStore, flaky))
      yield* log.opens(outage("x"))
      assert.deepStrictEqual(yield* names(conditions), ["alerts:store"])
      assert.match((yield* conditions.current)[0]?.detail ?? "", /^cannot read the [a-z ]+: gone; it is tried again$/)
      assert.deepStrictEqual(yield* a.told, ["o1 opened"])
      yield* Ref.set(isAway, false)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* a.told, ["o1 opened", "x opened"])
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("repeats nothing of a thread that it could not take up at the start", () =>
    Effect.gen(function*() {
      const log = yield* fakeLog
      const a = yield* channel("a")
      const first = yield* start(log.layer, only(a))
      yield* log.opens(o1)
      yield* first.stop
      const memory = yield* AlertStore
      const reason = new BadRow({ table: "alert_threads", row: "x", problem: "no text" })
      const broken = AlertStore.of({
        ...memory,
        unfinished: Stream.fail(new StoreError({ operation: "read alert threads", reason }))
      })
      yield* start(log.layer, only(a)).pipe(Effect.provideService(AlertStore, broken))
      yield* log.announce({ _tag: "Opened", outage: o1 })
      assert.deepStrictEqual(yield* a.told, ["o1 opened"])
      yield* log.closes(o1)
      assert.deepStrictEqual(yield* a.told, ["o1 opened", "o1 resolved"])
    }).pipe(Effect.provide([Store.layerMemory, Logger.layer([])])))

  it.effect("a stored thread that cannot be read begins anew", () =>
    Effect.gen(function*() {
      const log = yield* fakeLog
      const a = yield* channel("a")
      const store = yield* AlertStore
      yield* store.save({ outage: "o1", thread: "{broken", finished: false })
      yield* start(log.layer, only(a))
      yield* log.opens(o1)
      assert.deepStrictEqual(yield* a.told, ["o1 opened"])
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("takes a storm of outages, longest first", () =>
    Effect.gen(function*() {
      const log = yield* fakeLog
      const a = yield* channel("a")
      const outages = yield* OutageStore
      const ids = Array.from({ length: 1_000 }, (_, i) => `o${i}`)
      yield* Effect.forEach(ids, (id, i) => outages.open(outage(id, { start: march - i })), { discard: true })
      const all = yield* Deferred.make<void>()
      yield* a.before(({ outage }) => outage.id === "o0" ? Deferred.succeed(all, undefined) : Effect.void)
      yield* start(log.layer, only(a))
      yield* Deferred.await(all)
      yield* settle
      assert.deepStrictEqual(yield* a.told, ids.toReversed().map((id) => `${id} opened`))
    }).pipe(Effect.provide(Store.layerMemory)))

  it.effect("in memory: keeps the messages, and fails when it is told to", () =>
    Effect.gen(function*() {
      const log = yield* fakeLog
      yield* Effect.gen(function*() {
        yield* settle
        const memory = yield* MemoryChannel
        yield* memory.before(down("memory"))
        yield* log.opens(o1)
        assert.deepStrictEqual(yield* memory.messages, [])
        yield* memory.before(() => Effect.void)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* memory.messages, [{
          outage: o1,
          outages: [o1],
          kind: "opened",
          severity: "warning",
          receipt: undefined,
          idempotencyKey: "o1:opened"
        }])
      }).pipe(
        Effect.provide(
          Alerts.layerMemory.pipe(
            Layer.provideMerge([log.layer, Overrides.layerNone, Conditions.layerMemory, identity])
          )
        )
      )
    }).pipe(Effect.provide(OutageStore.layerMemory)))

  it.effect("the channel log writes one line per message", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const capture = Logger.layer([Logger.make(({ logLevel, message }) => {
        lines.push(`${logLevel} ${String(message)}`)
      })])
      const log = yield* fakeLog
      yield* Effect.gen(function*() {
        yield* settle
        yield* log.opens(o1)
        yield* log.closes(o1)
      }).pipe(Effect.provide(
        Alerts.layer.pipe(
          Layer.provide([
            AlertChannels.layerLog,
            log.layer,
            Overrides.layerNone,
            Conditions.layer,
            AlertStore.layerMemory,
            identity
          ]),
          Layer.provideMerge(capture)
        )
      ))
      assert.deepStrictEqual(lines.map((line) => line.slice(0, 12)), ["Warn DOWN en", "Info UP endp"])
    }).pipe(Effect.provide(OutageStore.layerMemory)))
})
