import { Clock, Effect, Layer, Option } from "effect"
import { Consensus } from "../../src/consensus/Consensus.ts"
import { type Target, type TargetKey, targetKey } from "../../src/domain/Target.ts"
import { debounce, type Debounced, undecided } from "../../src/status/Debounce.ts"
import type { Observation } from "../../src/status/Observation.ts"
import { Observer } from "../../src/status/Observer.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"

/** The eyes of a simulated monitor. */
export interface Eyes {
  readonly targets: ReadonlyArray<Target>
  /** What it would see now. */
  readonly see: (target: Target) => boolean
  /** What it saw last. */
  readonly last: Map<TargetKey, Observation>
}

const look = (eyes: Eyes, target: Target): Effect.Effect<Observation> =>
  Effect.map(Clock.currentTimeMillis, (at) => {
    const up = eyes.see(target)
    const observation = { target, up, error: up ? "" : "unreachable", data: null, at, latency: 20 }
    eyes.last.set(targetKey(target), observation)
    return observation
  })

/** Observes with these eyes: what was seen last when it is fresh, else a probe that takes a moment. */
export const scriptedObserver = (eyes: Eyes): Layer.Layer<Observer> =>
  Layer.succeed(
    Observer,
    Observer.of({
      observe: (target, freshFor) =>
        Effect.gen(function*() {
          if (!eyes.targets.some((ours) => targetKey(ours) === targetKey(target))) return Option.none()
          const last = eyes.last.get(targetKey(target))
          if (last !== undefined && (yield* Clock.currentTimeMillis) - last.at <= freshFor) return Option.some(last)
          yield* Effect.sleep("50 millis")
          return Option.some(yield* look(eyes, target))
        })
    })
  )

/** Observes every target once per interval, and proposes what differs from the official status after hysteresis. */
export const watch = Effect.fnUntraced(function*(
  eyes: Eyes,
  options: { readonly interval: number; readonly offset: number }
) {
  const consensus = yield* Consensus
  const official = yield* OfficialStatus
  const states = new Map<TargetKey, Debounced>()
  const round = Effect.forEach(
    eyes.targets,
    Effect.fnUntraced(function*(target) {
      const { at, error, up } = yield* look(eyes, target)
      const state = debounce(states.get(targetKey(target)) ?? undecided, up, at, { failAfter: 2, recoverAfter: 2 })
      states.set(targetKey(target), state)
      if (state.debounced === undefined || state.debounced === (yield* official.get(target))?.up) return
      yield* consensus.propose({ target, up: state.debounced, error, data: null })
    }),
    { discard: true }
  )
  yield* Effect.sleep(options.offset * 1_000)
  yield* Effect.forever(Effect.andThen(round, Effect.sleep(options.interval * 1_000)))
})
