import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, PubSub, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Consensus, type ConsensusEvent } from "../../src/consensus/Consensus.ts"
import { contestedByProposals } from "../../src/consensus/contested.ts"
import { Contested } from "../../src/status/Contested.ts"
import { proposal, site } from "../http/fakes.ts"

/** How often open proposals are looked at, whatever happens; `tell` makes something happen. */
const watched = Effect.gen(function*() {
  const events = yield* PubSub.unbounded<ConsensusEvent>()
  const seen = { looks: 0, open: false }
  const consensus = Layer.mock(Consensus, {
    proposals: Effect.sync(() => {
      seen.looks++
      return seen.open ? [proposal(site("Rhine"))] : []
    }),
    subscribe: Effect.map(PubSub.subscribe(events), Stream.fromSubscription)
  })
  const context = yield* Layer.build(Layer.provide(contestedByProposals, consensus))
  const current = Effect.provide(Contested.use(({ current }) => current), context)
  const tell = (_tag: "Proposed" | "Voted") => PubSub.publish(events, { _tag } as ConsensusEvent)
  const looksAfter = (time: `${number} millis`) => Effect.map(TestClock.adjust(time), () => seen.looks)
  assert.strictEqual(yield* looksAfter("1000 millis"), 1)
  return { current, looksAfter, seen, tell }
})

describe("open proposals are looked at", () => {
  it.effect("at once, and then not for half a second, whatever comes", () =>
    Effect.gen(function*() {
      const { looksAfter, tell } = yield* watched
      yield* tell("Proposed")
      assert.strictEqual(yield* looksAfter("1 millis"), 2)
      for (let i = 0; i < 4; i++) {
        yield* tell("Proposed")
        assert.strictEqual(yield* looksAfter("100 millis"), 2)
      }
      assert.strictEqual(yield* looksAfter("98 millis"), 2)
      assert.strictEqual(yield* looksAfter("2 millis"), 3)
    }))

  it.effect("never for votes, nor while nothing is open and nothing happens", () =>
    Effect.gen(function*() {
      const { looksAfter, tell } = yield* watched
      yield* tell("Voted")
      assert.strictEqual(yield* looksAfter("60000 millis"), 1)
    }))

  it.effect("again every few seconds while one is open, and no more once none is", () =>
    Effect.gen(function*() {
      const { current, looksAfter, seen, tell } = yield* watched
      seen.open = true
      yield* tell("Proposed")
      assert.strictEqual(yield* looksAfter("1 millis"), 2)
      assert.deepStrictEqual(yield* current, [site("Rhine")])
      assert.strictEqual(yield* looksAfter("5400 millis"), 2)
      assert.strictEqual(yield* looksAfter("200 millis"), 3)
      seen.open = false
      assert.strictEqual(yield* looksAfter("5500 millis"), 4)
      assert.deepStrictEqual(yield* current, [])
      assert.strictEqual(yield* looksAfter("60000 millis"), 4)
    }))
})
