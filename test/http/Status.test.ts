import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Consensus } from "../../src/consensus/Consensus.ts"
import { Status } from "../../src/http/Status.ts"
import type { Official } from "../../src/status/Decision.ts"
import { Proofs } from "../../src/status/Proofs.ts"
import { certificate } from "../consensus/sealed/fixtures.ts"
import * as Fakes from "./fakes.ts"

const status = (options: {
  readonly consensus?: Layer.Layer<Consensus>
  readonly officials?: ReadonlyArray<Official>
  readonly store?: ReturnType<typeof Fakes.outageStore>
} = {}) =>
  Status.layer.pipe(Layer.provide([
    Fakes.identity,
    Fakes.conditions(),
    Fakes.config(Fakes.snapshotOf({})),
    Fakes.membership([], []),
    Fakes.officialStatus(options.officials ?? []),
    options.consensus ?? Fakes.consensus([]),
    options.store === undefined ? Layer.empty : Layer.merge(Fakes.outageLog([]), options.store)
  ]))

describe("Status", () => {
  it.effect("is gathered once a second, however many ask", () => {
    let gathered = 0
    const consensus = Layer.mock(Consensus, {
      state: Fakes.openState,
      proposals: Effect.sync(() => {
        gathered++
        return []
      })
    })
    return Effect.gen(function*() {
      const { document, json } = yield* Status
      const first = yield* document
      yield* Effect.all(Array.from({ length: 50 }, () => Effect.all([document, json])), { concurrency: "unbounded" })
      assert.strictEqual(gathered, 1)
      yield* TestClock.adjust("1001 millis")
      const [second, text] = yield* Effect.all([document, json])
      assert.strictEqual(gathered, 2)
      assert.strictEqual(Date.parse(second.at) - Date.parse(first.at), 1001)
      assert.deepStrictEqual(JSON.parse(text), second)
    }).pipe(Effect.provide(status({ consensus })))
  })

  it.effect("does not wait for a store that does not answer", () =>
    Effect.gen(function*() {
      const { document } = yield* Status
      const waiting = yield* Effect.forkChild(document, { startImmediately: true })
      yield* TestClock.adjust("2 seconds")
      const { outages } = yield* Fiber.join(waiting)
      assert.deepStrictEqual(outages, {
        open: { total: 0, items: [] },
        recent: { total: 0, items: [] },
        problem: "The store did not answer within 2 s"
      })
    }).pipe(Effect.provide(status({ store: Fakes.outageStore(Stream.never) }))))

  it.effect("knows which proofs are of an epoch that is retired, and which were made anew", () => {
    const [renewed, old, kept] = ["renewed", "old", "kept"].map((check) => {
      const target = Fakes.target({ member: "Fuji Hosting", check })
      return Fakes.official(target, { proof: { seq: 4, late: false, certificate: certificate({ target, seq: 4 }) } })
    })
    const proved = [renewed!, old!, kept!].map(({ proof }) => proof!.certificate!)
    const consensus = (minEpoch: number) =>
      Layer.mock(Consensus, {
        state: Effect.map(Fakes.openState, (state) => ({ ...state, mode: "require" as const, epoch: 2, minEpoch })),
        proposals: Effect.succeed([])
      })
    const proofs = Layer.effect(
      Proofs,
      Effect.map(Proofs, (none) => ({
        ...none,
        isRequired: true,
        certificates: Effect.succeed([{ ...proved[0]!, epoch: 2 }, ...proved.slice(1)])
      }))
    )
    const retired = (minEpoch: number, isRequired: boolean) =>
      Effect.gen(function*() {
        const { members } = yield* (yield* Status).document
        return members.items.flatMap(({ targets }) => targets).filter((one) => one.retired === true)
          .map(({ target }) => target.check).sort()
      }).pipe(
        Effect.provide(status({
          consensus: consensus(minEpoch),
          // After a restart only the step is known.
          officials: [renewed!, old!, { ...kept!, proof: { seq: 4, late: false } }]
        })),
        Effect.provide(isRequired ? proofs : Layer.empty)
      )
    return Effect.gen(function*() {
      assert.deepStrictEqual(yield* retired(1, true), [])
      assert.deepStrictEqual(yield* retired(2, true), ["kept", "old"])
      assert.deepStrictEqual(yield* retired(2, false), ["old", "renewed"])
    })
  })

  it.effect("goes on for others when one who asked leaves", () =>
    Effect.gen(function*() {
      const { document } = yield* Status
      const leaving = yield* Effect.forkChild(document, { startImmediately: true })
      const staying = yield* Effect.forkChild(document, { startImmediately: true })
      yield* Fiber.interrupt(leaving)
      yield* TestClock.adjust("2 seconds")
      assert.isDefined((yield* Fiber.join(staying)).outages)
    }).pipe(Effect.provide(status({ store: Fakes.outageStore(Stream.never) }))))

  it.effect("tells changes at most once a second, and at least every ten", () => {
    let proposals = 0
    const consensus = Layer.mock(Consensus, {
      state: Fakes.openState,
      proposals: Effect.sync(() => Array.from({ length: proposals }, () => Fakes.proposal(Fakes.site("Amber"))))
    })
    return Effect.gen(function*() {
      const { changes } = yield* Status
      const seen: Array<number> = []
      yield* changes.pipe(
        Stream.runForEach((json) => Effect.sync(() => seen.push(JSON.parse(json).proposals.total))),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(seen, [0])
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(seen, [0])
      for (const n of [1, 2, 3]) {
        proposals = n
        yield* TestClock.adjust("100 millis")
      }
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(seen, [0, 3])
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(seen, [0, 3, 3, 3])
    }).pipe(Effect.provide(status({ consensus })))
  })
})
