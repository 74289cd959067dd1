import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import type { Standing } from "./Peers.ts"

/** Nodes that are asked at the same time. Most of the strangers may be invented, and each costs the wait for its answer. */
const atOnce: Readonly<Record<Standing, number>> = { member: 4, known: 4, stranger: 8 }

/** Nodes that wait in one lane. */
const maxWaiting = 256

/** Nodes that wait to be asked. */
export interface Lanes {
  /** Lets a node be asked a moment later. One that waits already is not asked twice, and one for which there is no room is left out. */
  readonly join: (node: string) => Effect.Effect<void>
  readonly isWaiting: (node: string) => boolean
}

/** Asks nodes, each by its `standing` in a lane of its own: no member waits behind strangers, however many there are. `ask` never fails. */
export const makeLanes = Effect.fnUntraced(function*(options: {
  readonly standing: (node: string) => Standing
  readonly ask: (node: string) => Effect.Effect<void>
}) {
  const { ask, standing } = options
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  const waiting = new Set<string>()

  const open = Effect.fnUntraced(function*(which: Standing) {
    const queue = yield* Queue.dropping<{ readonly node: string; readonly at: number }>(maxWaiting)
    const worker = Queue.take(queue).pipe(
      Effect.tap(({ at }) => Effect.sleep(Math.max(0, at - now()))),
      Effect.flatMap(({ node }) => {
        waiting.delete(node)
        return ask(node)
      }),
      Effect.forever
    )
    for (let i = 0; i < atOnce[which]; i++) yield* Effect.forkScoped(worker)
    return queue
  })
  const lanes = {
    member: yield* open("member"),
    known: yield* open("known"),
    stranger: yield* open("stranger")
  } satisfies Record<Standing, unknown>

  return {
    isWaiting: (node) => waiting.has(node),
    join: (node) =>
      // Nodes that just decided something differ for a moment, and not all are to ask at once.
      Effect.map(Random.nextBetween(1_000, 3_000), (soon) => {
        if (waiting.has(node)) return
        if (Queue.offerUnsafe(lanes[standing(node)], { node, at: now() + soon })) waiting.add(node)
      })
  } satisfies Lanes as Lanes
})
