import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Config } from "../../src/config/Config.ts"
import { setDocuments } from "../../src/config/memoryConfig.ts"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { OpenOutages } from "../../src/status/OpenOutages.ts"
import { OutageLog } from "../../src/status/OutageLog.ts"
import { decided } from "../../src/status/Transition.ts"
import { OutageStore } from "../../src/store/OutageStore.ts"
import { documentsOf, measured } from "./collating.ts"
import { decision, target, targetNamed } from "./fixtures.ts"
import { FlakyStore } from "./flaky.ts"
import { proven, registering } from "./proving.ts"

const config = Config.layerMemory(documentsOf("Lagoon", "gone", "down", "fresh", "other"))

/** Everything but the log, which a test may start more than once over it. */
const world = (store: FlakyStore = new FlakyStore()) =>
  OfficialStatus.layer.pipe(
    Layer.provide(DurableFiles.layerMemory),
    Layer.provideMerge([Conditions.layerMemory, AppendFiles.layerMemory, store.layer, config])
  )

const decide = (options: Parameters<typeof decision>[0]) =>
  Effect.gen(function*() {
    const decidedAt = options!.decidedAt ?? (yield* Clock.currentTimeMillis)
    const official = yield* OfficialStatus
    yield* official.apply(decision({ ...options, decidedAt }))
  })
const stored = OutageStore.use((store) => Stream.runCollect(store.find({})))
const summary = Effect.map(stored, (all) => all.map(({ id, start, end, blip }) => ({ id, start, end, blip })))
const waitingFor = (names: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const current = yield* Conditions.use((conditions) => conditions.current)
    assert.deepStrictEqual(current.map(({ name }) => name), [...names])
    return current[0]?.detail
  })
/** Lets the log do its work. */
const settle = Effect.repeat(TestClock.adjust("1 millis"), { times: 20 })
const outageOf = (id: string, start: number, of = target, seq?: number) => {
  const proof = seq === undefined ? {} : { proof: { seq, late: false } }
  const event = new OpenOutages().next(decided(decision({ id, decidedAt: start, target: of, ...proof })), {
    minimumOffline: 0,
    now: start
  })
  return event!.outage
}

describe("OutageLog", () => {
  it.effect("stores an outage from the decision that opened it to the one that closed it, then tells", () =>
    Effect.gen(function*() {
      const log = yield* OutageLog
      const events = yield* log.subscribe
      const heard = yield* events.pipe(
        Stream.take(2),
        Stream.mapEffect((event) => Effect.map(summary, (rows) => [event._tag, rows] as const)),
        Stream.runCollect,
        Effect.forkChild
      )
      yield* decide({ id: "down", decidedAt: 1_000 })
      yield* settle
      assert.deepStrictEqual((yield* log.open).map(({ id }) => id), ["down"])
      yield* TestClock.adjust("20 minutes")
      yield* decide({ id: "up", up: true, decidedAt: 1_000 + 900_000 })
      yield* settle
      assert.deepStrictEqual(yield* log.open, [])
      assert.deepStrictEqual(yield* Fiber.join(heard), [
        ["Opened", [{ id: "down", start: 1_000, end: undefined, blip: false }]],
        ["Closed", [{ id: "down", start: 1_000, end: 901_000, blip: false }]]
      ])
      const [row] = yield* stored
      assert.deepStrictEqual(row!.votes, decision().votes)
      const decisions = yield* OutageStore.use((store) => store.decisions("down"))
      assert.deepStrictEqual(decisions.map(({ id, up }) => [id, up]), [["down", false], ["up", true]])
    }).pipe(Effect.provide(OutageLog.layerMemory)))

  it.effect("makes a second outage of the same target a second row, and marks a blip", () =>
    Effect.gen(function*() {
      yield* OutageLog
      yield* decide({ id: "d1", decidedAt: 1 })
      yield* decide({ id: "u1", decidedAt: 2, up: true })
      yield* decide({ id: "d2", decidedAt: 3 })
      yield* settle
      assert.deepStrictEqual(yield* summary, [
        { id: "d1", start: 1, end: 2, blip: true },
        { id: "d2", start: 3, end: undefined, blip: false }
      ])
    }).pipe(Effect.provide(OutageLog.layerMemory)))

  it.effect("does not close, by what waited at the start, an outage that another process stored meanwhile", () => {
    const store = new FlakyStore()
    store.mode = "away"
    return Effect.gen(function*() {
      yield* Layer.build(Layer.fresh(OutageLog.layer))
      yield* decide({ id: "d1", decidedAt: 1_000 })
      yield* decide({ id: "u1", decidedAt: 2_000, up: true })
      yield* decide({ id: "d2", decidedAt: 3_000 })
      yield* settle
      store.mode = "well"
      const there = yield* OutageStore
      yield* there.open(outageOf("d1", 1_000))
      yield* there.close("d1", 2_000, true)
      yield* there.open(outageOf("d2", 3_000))
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual((yield* summary).map(({ id, end }) => [id, end]), [["d1", 2_000], ["d2", undefined]])
    }).pipe(Effect.provide(world(store)))
  })

  it.effect("leaves the records of overrides alone, and takes nothing for one that somebody decided", () =>
    Effect.gen(function*() {
      const store = yield* OutageStore
      const record = {
        checkType: "site",
        check: "maintenance",
        member: "Lagoon",
        domain: "",
        endpoint: "",
        ipv6: false
      } as const
      yield* store.open(outageOf("record", 500, record))
      const log = yield* OutageLog
      yield* settle
      assert.deepStrictEqual(yield* log.open, [])
      // Not restored as a status, which would take the member out of the answers.
      assert.strictEqual((yield* OfficialStatus.use((official) => official.all)).size, 0)
      yield* decide({ id: "up", up: true, target: record, decidedAt: 600 })
      yield* decide({ id: "down", target: { ...record, member: "other" }, decidedAt: 600 })
      yield* setDocuments({ members: {} })
      yield* Config.use((config) => config.reload)
      yield* settle
      assert.deepStrictEqual(yield* summary, [{ id: "record", start: 500, end: undefined, blip: false }])
    }).pipe(Effect.provide(OutageLog.layer), Effect.provide(world())))

  it.effect("opens nothing when a target is up from the first", () =>
    Effect.gen(function*() {
      yield* OutageLog
      yield* decide({ id: "u", up: true })
      yield* settle
      assert.deepStrictEqual(yield* stored, [])
    }).pipe(Effect.provide(OutageLog.layerMemory)))

  it.effect("brings the store in line with the official status when it starts", () =>
    Effect.gen(function*() {
      const store = yield* OutageStore
      const [gone, down, fresh] = ["gone", "down", "fresh"].map(targetNamed)
      // Opened in an earlier life; meanwhile one is up again, one is still down, and one went down unseen.
      yield* store.open(outageOf("was-open", 10))
      yield* store.open(outageOf("still-open", 11, down))
      yield* store.open(outageOf("unknown", 12, gone))
      yield* decide({ id: "up", up: true, decidedAt: 500 })
      yield* decide({ id: "still-open", target: down!, decidedAt: 11 })
      yield* decide({ id: "new", target: fresh!, decidedAt: 600 })
      yield* Effect.gen(function*() {
        const log = yield* OutageLog
        yield* settle
        assert.deepStrictEqual(
          (yield* log.open).map(({ id }) => id).sort(),
          ["new", "still-open", "unknown"]
        )
      }).pipe(Effect.provide(OutageLog.layer))
      assert.deepStrictEqual(yield* summary, [
        { id: "was-open", start: 10, end: 500, blip: true },
        { id: "still-open", start: 11, end: undefined, blip: false },
        { id: "unknown", start: 12, end: undefined, blip: false },
        { id: "new", start: 600, end: undefined, blip: false }
      ])
    }).pipe(Effect.provide(world())))

  it.effect("does not end an outage by a status from before it, and takes up the decision that opened it", () =>
    Effect.gen(function*() {
      const store = yield* OutageStore
      const official = yield* OfficialStatus
      yield* decide({ id: "up", up: true, decidedAt: 1_000 })
      yield* store.open(outageOf("missed", 5_000))
      yield* TestClock.adjust("1 hour")
      yield* Effect.gen(function*() {
        yield* settle
        assert.deepStrictEqual(yield* summary, [{ id: "missed", start: 5_000, end: undefined, blip: false }])
        const known = yield* official.get(target)
        assert.deepInclude(known, { id: "missed", up: false, decidedAt: 5_000 })
        yield* decide({ id: "up-again", up: true, decidedAt: 3_600_500 })
        yield* settle
        assert.deepStrictEqual(yield* summary, [{ id: "missed", start: 5_000, end: 3_600_500, blip: false }])
      }).pipe(Effect.provide(Layer.fresh(OutageLog.layer)))
    }).pipe(Effect.provide(world())))

  it.effect("ends the outages of targets that leave the documents, and no others", () =>
    Effect.gen(function*() {
      const log = yield* OutageLog
      yield* decide({ id: "stays", decidedAt: 10 })
      yield* decide({ id: "leaves", target: targetNamed("gone"), decidedAt: 11 })
      yield* settle
      yield* TestClock.setTime(1_200_000)
      yield* setDocuments({ members: documentsOf("Lagoon").members })
      const removedAt = yield* Clock.currentTimeMillis
      yield* Config.use((config) => config.reload)
      yield* settle
      assert.deepStrictEqual((yield* log.open).map(({ id }) => id), ["stays"])
      assert.deepStrictEqual(yield* summary, [
        { id: "stays", start: 10, end: undefined, blip: false },
        { id: "leaves", start: 11, end: removedAt, blip: false }
      ])
    }).pipe(Effect.provide(OutageLog.layer), Effect.provide(world())))

  it.effect("loses nothing while the store is away, and writes it in order when it is back", () => {
    const store = new FlakyStore()
    return Effect.gen(function*() {
      const log = yield* OutageLog
      const events = yield* log.subscribe
      const heard = yield* events.pipe(Stream.take(4), Stream.runCollect, Effect.forkChild)
      yield* settle
      store.mode = "away"
      for (const [i, id] of ["d1", "u1", "d2"].entries()) yield* decide({ id, up: i === 1, decidedAt: i + 1 })
      yield* decide({ id: "other", target: targetNamed("other"), decidedAt: 5 })
      yield* TestClock.adjust("5 minutes")
      assert.include(yield* waitingFor(["store:outages"]), "4 changes of status wait")
      assert.deepStrictEqual(yield* log.open, [])
      store.mode = "well"
      yield* TestClock.adjust("1 minute")
      yield* waitingFor([])
      assert.deepStrictEqual(
        (yield* Fiber.join(heard)).map(({ _tag, outage }) => `${_tag} ${outage.id}`),
        ["Opened d1", "Closed d1", "Opened d2", "Opened other"]
      )
      assert.deepStrictEqual((yield* summary).map(({ id, end }) => [id, end]), [["d1", 2], ["d2", undefined], [
        "other",
        undefined
      ]])
    }).pipe(Effect.provide(Layer.provideMerge(OutageLog.layer, world(store))))
  })

  it.effect("starts while the store is away or hangs", () =>
    Effect.forEach(["away", "hangs"] as const, (mode) => {
      const store = new FlakyStore()
      store.mode = mode
      return Effect.gen(function*() {
        const log = yield* OutageLog
        yield* decide({ id: "d" })
        yield* TestClock.adjust("2 minutes")
        yield* waitingFor(["store:outages"])
        assert.deepStrictEqual(yield* log.open, [])
        store.mode = "well"
        yield* TestClock.adjust("90 seconds")
        yield* waitingFor([])
        assert.deepStrictEqual((yield* log.open).map(({ id }) => id), ["d"])
      }).pipe(Effect.provide(Layer.provideMerge(OutageLog.layer, world(store))))
    }))

  it.effect("takes the outage that another process opened, and closes that one", () =>
    Effect.gen(function*() {
      const log = yield* OutageLog
      const store = yield* OutageStore
      yield* settle
      yield* store.open(outageOf("theirs", 100))
      yield* decide({ id: "ours", decidedAt: 101 })
      yield* settle
      assert.deepStrictEqual((yield* log.open).map(({ id }) => id), ["theirs"])
      yield* decide({ id: "up", up: true, decidedAt: 102 })
      yield* settle
      assert.deepStrictEqual(yield* summary, [{ id: "theirs", start: 100, end: 102, blip: true }])
    }).pipe(Effect.provide(OutageLog.layerMemory)))

  it.effect("does not end, by what comes late, the later outage that another process has opened", () =>
    Effect.gen(function*() {
      const log = yield* OutageLog
      const store = yield* OutageStore
      yield* settle
      yield* store.open(outageOf("theirs", 100))
      yield* store.close("theirs", 150, true)
      yield* store.open(outageOf("next", 200))
      yield* decide({ id: "ours", decidedAt: 101 })
      yield* settle
      yield* decide({ id: "up", up: true, decidedAt: 151 })
      yield* settle
      assert.deepStrictEqual((yield* summary).map(({ id, end }) => [id, end]), [["theirs", 150], ["next", undefined]])
      yield* decide({ id: "next too", decidedAt: 201 })
      yield* settle
      assert.deepStrictEqual((yield* log.open).map(({ id }) => id), ["next"])
      yield* decide({ id: "up again", up: true, decidedAt: 250 })
      yield* settle
      assert.deepStrictEqual((yield* summary).map(({ id, end }) => [id, end]), [["theirs", 150], ["next", 250]])
    }).pipe(Effect.provide(OutageLog.layerMemory)))

  it.effect("is content when another process closed it first", () =>
    Effect.gen(function*() {
      const log = yield* OutageLog
      yield* decide({ id: "d", decidedAt: 1 })
      yield* settle
      yield* OutageStore.use((store) => store.close("d", 50, true))
      yield* decide({ id: "u", up: true, decidedAt: 51 })
      yield* settle
      assert.deepStrictEqual(yield* log.open, [])
      assert.deepStrictEqual((yield* summary).map(({ end }) => end), [50])
    }).pipe(Effect.provide(OutageLog.layerMemory)))

  it.effect("gives up what the store refuses for what it is, loudly, and goes on with the next", () => {
    const store = new FlakyStore()
    return Effect.gen(function*() {
      const log = yield* OutageLog
      yield* settle
      const lost = yield* measured("geodns_outages_given_up_total")
      store.mode = "refuses"
      yield* decide({ id: "refused", decidedAt: 1 })
      yield* TestClock.adjust("10 minutes")
      assert.include(yield* waitingFor(["outages:refused"]), "Lagoon")
      assert.strictEqual((yield* measured("geodns_outages_given_up_total")) - lost, 1)
      store.mode = "well"
      yield* decide({ id: "next", target: targetNamed("next") })
      yield* settle
      assert.deepStrictEqual((yield* log.open).map(({ id }) => id), ["next"])
    }).pipe(Effect.provide(Layer.provideMerge(OutageLog.layer, world(store))))
  })

  describe("of what is proved", () => {
    const apply = (status: ReturnType<typeof proven>) => OfficialStatus.use((official) => official.apply(status))
    const ids = Effect.map(summary, (all) => all.map(({ end, id, start }) => ({ id, start, end })))

    it.effect("keeps both certificates, and closes by step although the clocks say otherwise", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(100_000)
        yield* Effect.gen(function*() {
          yield* settle
          yield* apply(proven(1, 90_000))
          yield* settle
          yield* apply(proven(2, 50_000, { late: true }))
          yield* apply(proven(3, 40_000))
          yield* settle
          // The end of the first, told once more after the second began.
          yield* apply(proven(2, 95_000))
          yield* settle
        }).pipe(Effect.provide(OutageLog.layer))
        assert.deepStrictEqual(yield* ids, [
          { id: "seq-3-Lagoon", start: 40_000, end: undefined },
          { id: "seq-1-Lagoon", start: 90_000, end: 90_001 }
        ])
        const [, first] = yield* stored
        assert.deepStrictEqual(first?.proof, { seq: 1, late: true, certified: true })
        const decisions = yield* OutageStore.use((store) => store.decisions("seq-1-Lagoon"))
        assert.deepStrictEqual(decisions.map(({ proof }) => proof), [
          proven(1, 90_000).proof,
          proven(2, 50_000, { late: true }).proof
        ])
      }).pipe(Effect.provide(world())))

    it.effect("ends an outage whose end was missed by the next one, also over a restart and in what waits", () => {
      const store = new FlakyStore()
      return Effect.gen(function*() {
        yield* TestClock.setTime(100_000)
        yield* Effect.provide(
          Effect.gen(function*() {
            yield* apply(proven(1, 50_000))
            yield* settle
          }),
          OutageLog.layer
        )
        // Away meanwhile: it heard nothing of steps 2 to 4.
        yield* apply(proven(5, 60_000))
        yield* Effect.provide(
          Effect.gen(function*() {
            yield* settle
            store.mode = "away"
            yield* apply(proven(7, 70_000))
            yield* apply(proven(8, 71_000))
            yield* settle
          }),
          OutageLog.layer
        )
        store.mode = "well"
        yield* Effect.provide(settle, OutageLog.layer)
        assert.deepStrictEqual(yield* ids, [
          { id: "seq-1-Lagoon", start: 50_000, end: 60_000 },
          { id: "seq-5-Lagoon", start: 60_000, end: 70_000 },
          { id: "seq-7-Lagoon", start: 70_000, end: 71_000 }
        ])
        assert.deepStrictEqual((yield* stored).map(({ proof }) => proof?.certified), [false, false, true])
      }).pipe(Effect.provide(world(store)))
    })

    it.effect("ends an earlier one that another process has left open", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(100_000)
        const store = yield* OutageStore
        yield* Effect.gen(function*() {
          yield* settle
          yield* store.open(outageOf("seq-1-Lagoon", 50_000, target, 1), undefined, proven(1, 50_000).proof)
          yield* apply(proven(3, 60_000))
          yield* settle
          assert.deepStrictEqual(yield* ids, [
            { id: "seq-1-Lagoon", start: 50_000, end: 60_000 },
            { id: "seq-3-Lagoon", start: 60_000, end: undefined }
          ])
        }).pipe(Effect.provide(OutageLog.layer))
      }).pipe(Effect.provide(world())))

    it.effect("does not end the outage of the very step that it hears of, when another process has stored both", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(100_000)
        const store = yield* OutageStore
        yield* Effect.gen(function*() {
          yield* settle
          yield* apply(proven(1, 50_000))
          yield* settle
          yield* store.close("seq-1-Lagoon", 60_000, false, undefined)
          // By its clock the next began before the end of the first.
          yield* store.open(outageOf("seq-5-Lagoon", 55_000, target, 5), undefined, proven(5, 55_000).proof)
          yield* apply(proven(5, 55_000))
          yield* settle
          assert.deepStrictEqual(yield* ids, [
            { id: "seq-1-Lagoon", start: 50_000, end: 60_000 },
            { id: "seq-5-Lagoon", start: 55_000, end: undefined }
          ])
        }).pipe(Effect.provide(OutageLog.layer))
      }).pipe(Effect.provide(world())))

    it.effect("takes from the store what proves that it is down, where proofs are required, and nothing else", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(100_000)
        const at = 90_000
        const store = yield* OutageStore
        const official = yield* OfficialStatus
        const open = (member: string, proof?: ReturnType<typeof proven>["proof"]) =>
          store.open(outageOf(`o-${member}`, at, targetNamed(member), proof?.seq), undefined, proof)
        yield* open("Lagoon", proven(3, at).proof)
        yield* open("gone")
        yield* open("down", { seq: 1, late: false })
        const forged = proven(1, at, { target: targetNamed("fresh") }).proof!
        yield* open("fresh", { ...forged, certificate: { ...forged.certificate!, votes: [] } })
        yield* Effect.provide(settle, OutageLog.layer.pipe(Layer.provide(registering())))
        const all = [...(yield* official.all).values()]
        assert.deepStrictEqual(all.map(({ target, proof }) => [target.member, proof?.seq]), [["Lagoon", 3]])
        assert.strictEqual((yield* stored).filter(({ end }) => end === undefined).length, 4)
      }).pipe(Effect.provide(world())))
  })
})
