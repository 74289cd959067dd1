import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { FlapDampingSettings } from "../domain/documents/GeoDns.ts"
import { describeTarget, type Target, type TargetKey } from "../domain/Target.ts"
import type { FlapLimits } from "../status/FlapScore.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { FlapTable, type HeldTarget } from "./FlapTable.ts"
import * as metrics from "./metrics.ts"
import { monotonicMillis } from "./monotonic.ts"

/** Holds targets down that go down too often. */
export interface Damping {
  readonly configure: (settings: FlapDampingSettings) => void
  /** Whether the "up" of a target is not to be proposed now. */
  readonly holds: (key: TargetKey) => boolean
  /** This node saw a target that is held go down once more: it has not calmed down, whatever is official. */
  readonly seenDown: (target: Target) => Effect.Effect<void>
  readonly held: Effect.Effect<ReadonlyArray<HeldTarget>>
}

const limitsOf = (settings: FlapDampingSettings): FlapLimits | undefined =>
  settings.Enabled
    ? {
      halfLife: settings.HalfLife * 1_000,
      suppressLimit: settings.SuppressLimit,
      reuseLimit: settings.ReuseLimit,
      maxSuppressTime: settings.MaxSuppressTime * 1_000
    }
    : undefined

/** Counts how often targets go officially down, as long as they are checked, and says which are held down for it. */
export const makeDamping = Effect.fnUntraced(function*(
  isChecked: (key: TargetKey) => boolean
): Effect.fn.Return<Damping, never, OfficialStatus | Scope.Scope> {
  const clock = yield* Clock.Clock
  const table = new FlapTable()
  const now = () => monotonicMillis(clock)

  const flapped = Effect.fnUntraced(function*(target: Target) {
    const held = table.flap(target, now())
    if (held === undefined) return
    yield* Metric.update(metrics.damped, table.held(now()).length)
    yield* Effect.logWarning(
      `${
        describeTarget(target)
      } went down too often: it is held down until it has stayed calm, and its "up" is not proposed`
    ).pipe(
      Effect.annotateLogs({ penalty: Math.round(held.penalty), minutes: Math.ceil(held.left / 60_000) })
    )
  })
  const sweep = Effect.suspend(() => {
    const released = table.retain(isChecked, now())
    return Effect.andThen(
      Metric.update(metrics.damped, table.held(now()).length),
      Effect.forEach(
        released,
        (target) => Effect.logInfo(`${describeTarget(target)} has calmed down: its "up" is proposed again`),
        { discard: true }
      )
    )
  })

  const changes = yield* OfficialStatus.use((official) => official.subscribe)
  yield* changes.pipe(
    Stream.runForEach(({ after, before }) => before?.up === true && !after.up ? flapped(after.target) : Effect.void),
    Effect.catchCause((cause) => Effect.logError("flaps are not counted any more", cause)),
    Effect.forkScoped({ startImmediately: true })
  )
  yield* sweep.pipe(
    Effect.catchCause((cause) => Effect.logError("flaps: a round failed", cause)),
    Effect.schedule(Schedule.spaced("30 seconds")),
    Effect.forkScoped
  )

  return {
    configure: (settings) => table.setLimits(limitsOf(settings)),
    holds: (key) => table.holds(key, now()),
    seenDown: flapped,
    held: Effect.sync(() => table.held(now()))
  }
})
