import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Config } from "../../src/config/Config.ts"
import { setDocuments } from "../../src/config/memoryConfig.ts"
import { targetKey } from "../../src/domain/Target.ts"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import type { Decision } from "../../src/status/Decision.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { OutageLog } from "../../src/status/OutageLog.ts"
import { OutageStore } from "../../src/store/OutageStore.ts"
import { documentsOf, listen, settle } from "./collating.ts"
import { decision, targetNamed } from "./fixtures.ts"
import { FlakyStore } from "./flaky.ts"
import { proven } from "./proving.ts"

const target = targetNamed("Harbour")

const world = (flaky = new FlakyStore()) =>
  OfficialStatus.layer.pipe(
    Layer.provide(DurableFiles.layerMemory),
    Layer.provideMerge([
      Conditions.layerMemory,
      AppendFiles.layerMemory,
      flaky.layer,
      Config.layerMemory(documentsOf("Lagoon", "Harbour")),
      Logger.layer([])
    ])
  )

/** A process that keeps outages, over what is in context; with files of its own it is that of another node. */
const collator = Layer.build(Layer.fresh(OutageLog.layer))
const another = Layer.build(Layer.fresh(OutageLog.layer).pipe(Layer.provide(Layer.fresh(AppendFiles.layerMemory))))

const members = (...names: ReadonlyArray<string>) =>
  setDocuments({ members: documentsOf(...names).members }).pipe(
    Effect.andThen(Config.use((config) => config.reload)),
    Effect.andThen(settle)
  )
const decide = (taken: Decision) => Effect.andThen(OfficialStatus.use((official) => official.restore(taken)), settle)
/** As every role does it. */
const forget = OfficialStatus.use((official) => official.retain(({ member }) => member !== target.member))
const rows = OutageStore.use((store) => Stream.runCollect(store.find({}))).pipe(
  Effect.map((all) => all.map(({ end, id, start }) => [id, start, end]))
)
const openIn = (context: Context.Context<OutageLog>) =>
  Effect.map(Context.get(context, OutageLog).open, (all) => all.map(({ id }) => id))

for (
  const [how, down, up] of [
    [
      "proved",
      proven(7, 1_000, { target }),
      proven(8, 5_000_000, { target })
    ],
    [
      "told",
      decision({ id: "p1", target, decidedAt: 1_000 }),
      decision({ id: "p2", target, up: true, decidedAt: 5_000_000 })
    ]
  ] as const
) {
  describe(`a target that leaves the documents while it is down, as is ${how}, and comes back down`, () => {
    const again = `${down.id}-again-2`

    for (const isForgotten of [false, true]) {
      it.effect(`has another outage, when its status was ${isForgotten ? "forgotten and is learnt anew" : "kept"}`, () =>
        Effect.gen(function*() {
          yield* TestClock.setTime(2_000)
          const one = yield* collator
          const two = yield* another
          const heard = yield* Effect.provide(listen, one)
          yield* decide(down)
          yield* TestClock.setTime(1_000_000)
          yield* members("Lagoon")
          const [[, , gone]] = (yield* rows) as [[string, number, number]]
          assert.isAtLeast(gone, 1_000_000)
          if (isForgotten) yield* forget
          yield* TestClock.setTime(2_000_000)
          yield* members("Lagoon", "Harbour")
          if (isForgotten) yield* decide(down)
          const opened = yield* rows
          assert.strictEqual(opened.length, 2)
          assert.deepStrictEqual(opened[0], [down.id, 1_000, gone])
          const [id, start, end] = opened[1]!
          assert.deepStrictEqual([id, end], [again, undefined])
          assert.isAtLeast(Number(start), 2_000_000)
          assert.isBelow(Number(start), 2_000_200)
          for (const process of [one, two]) assert.deepStrictEqual(yield* openIn(process), [again])
          // Documents that say nothing new, a start, and a third collator open nothing.
          yield* TestClock.setTime(3_000_000)
          yield* members("Lagoon", "Harbour", "Pier")
          const third = yield* another
          const restarted = yield* collator
          yield* settle
          for (const process of [third, restarted]) assert.deepStrictEqual(yield* openIn(process), [again])
          assert.deepStrictEqual(yield* rows, opened)
          // What proves that it is down is there for this one too.
          const decisions = yield* OutageStore.use((store) => store.decisions(again))
          assert.deepStrictEqual(decisions.map(({ proof }) => proof?.certificate), [down.proof?.certificate])
          yield* TestClock.setTime(5_000_000)
          yield* decide(up)
          assert.deepStrictEqual(yield* rows, [opened[0]!, [again, start!, 5_000_000]])
          for (const process of [one, two, third]) assert.deepStrictEqual(yield* openIn(process), [])
          assert.deepStrictEqual(yield* heard, [
            `Opened ${down.id}`,
            `Closed ${down.id}`,
            `Opened ${again}`,
            `Closed ${again}`
          ])
        }).pipe(Effect.scoped, Effect.provide(world())))
    }

    it.effect("has one each time", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(2_000)
        yield* collator
        yield* decide(down)
        for (const round of [1, 2]) {
          yield* TestClock.setTime(round * 1_000_000)
          yield* members("Lagoon")
          yield* TestClock.setTime(round * 1_000_000 + 500_000)
          yield* members("Lagoon", "Harbour")
        }
        const all = yield* rows
        assert.deepStrictEqual(all.map(([id]) => id), [down.id, again, `${down.id}-again-3`])
        assert.deepStrictEqual(all.map(([, , end]) => end === undefined), [false, false, true])
      }).pipe(Effect.scoped, Effect.provide(world())))

    it.effect("has it also when the store is away all the while, or the collator was not there", () => {
      const flaky = new FlakyStore()
      return Effect.gen(function*() {
        yield* TestClock.setTime(2_000)
        const one = yield* collator
        yield* decide(down)
        flaky.mode = "away"
        yield* members("Lagoon")
        yield* TestClock.setTime(2_000_000)
        yield* members("Lagoon", "Harbour")
        yield* TestClock.setTime(3_000_000)
        flaky.mode = "well"
        yield* TestClock.adjust("2 minutes")
        yield* settle
        const [, second] = yield* rows
        assert.deepStrictEqual([second?.[0], second?.[2]], [again, undefined])
        // Since it is served again, not since the store takes it.
        assert.isBelow(Number(second?.[1]), 2_001_000)
        assert.deepStrictEqual(yield* openIn(one), [again])
        // Somebody else ends it, as its documents are without the target; who starts then finds it down.
        yield* OutageStore.use((store) => store.close(again, 3_200_000, false))
        yield* TestClock.setTime(3_300_000)
        const late = yield* another
        yield* settle
        assert.deepStrictEqual(yield* openIn(late), [`${down.id}-again-3`])
      }).pipe(Effect.scoped, Effect.provide(world(flaky)))
    })

    it.effect("has none when it was up meanwhile, of which this node has not heard", () =>
      Effect.gen(function*() {
        yield* TestClock.setTime(2_000)
        yield* decide(down)
        yield* OutageStore.use((store) =>
          Effect.andThen(
            store.open(
              {
                id: down.id,
                target,
                start: 1_000,
                end: undefined,
                error: "",
                data: null,
                votes: {},
                blip: false
              },
              undefined,
              down.proof
            ),
            store.close(down.id, 100_000, false, up)
          )
        )
        yield* TestClock.setTime(1_000_000)
        const one = yield* collator
        const heard = yield* Effect.provide(listen, one)
        yield* settle
        yield* members("Lagoon", "Harbour", "Pier")
        assert.deepStrictEqual(yield* rows, [[down.id, 1_000, 100_000]])
        assert.deepStrictEqual(yield* openIn(one), [])
        assert.deepStrictEqual(yield* heard, [])
        const status = (yield* OfficialStatus.use((official) => official.all)).get(targetKey(target))
        assert.strictEqual(status?.up, false)
      }).pipe(Effect.scoped, Effect.provide(world())))
  })
}
