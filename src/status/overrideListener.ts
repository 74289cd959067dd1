import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Override } from "../domain/Override.ts"
import { Conditions } from "../node/Conditions.ts"
import type { OverrideLimits, OverrideTable } from "./OverrideTable.ts"
import { SenderBudget } from "./SenderBudget.ts"

/** How many overrides a node knows. */
export const overrideLimits: OverrideLimits = { capacity: 1_000, reserved: 100, perNode: 250, strangers: 50 }

/**
 * How much that is new is taken: all that there may be at once, as after a loss of the disk, and then as people give it.
 * Whole sets have a budget of their own: after a flood all nodes tell each other what they have of it, again and again, and
 * that must not keep them from hearing what somebody gives now.
 */
const newsBudget = {
  each: { most: overrideLimits.capacity, perSecond: 1 },
  all: { most: 2 * overrideLimits.capacity, perSecond: 2 },
  senders: 64
}

/** The same of overrides for members that the documents lack: a flood of these takes nothing from those that count. */
const strangersBudget = {
  each: { most: overrideLimits.strangers, perSecond: 0.1 },
  all: { most: 2 * overrideLimits.strangers, perSecond: 0.2 },
  senders: 64
}

/** So many that are new are taken before others get their turn: a few milliseconds in a full table. */
const slice = 40

/** A clock that is this far ahead of ours is reported, at most once a minute. Milliseconds. */
const clockTolerance = 5 * 60_000
const warnEvery = 60_000

/** A flood is over when there was none for so long. Milliseconds. */
const calmAfter = 60_000

/** Takes into a table what other nodes tell, within bounds, and says what it did not take. */
export const overrideListener = Effect.fnUntraced(function*(table: OverrideTable): Effect.fn.Return<
  {
    /** Takes what a node tells, and says whether anything of it was new. */
    readonly hear: (overrides: ReadonlyArray<Override>, sender: string) => Effect.Effect<boolean>
    /** Clears the condition of a flood that is over. */
    readonly calm: Effect.Effect<void>
  },
  never,
  Conditions
> {
  const conditions = yield* Conditions
  const clock = yield* Clock.Clock
  const news = new SenderBudget(newsBudget)
  const sets = new SenderBudget(newsBudget)
  const strangers = new SenderBudget(strangersBudget)
  let floodedAt: number | undefined
  let warnedAt = Number.NEGATIVE_INFINITY

  const ticks = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

  /** What is known already costs nothing of the budget. */
  const take = Effect.fnUntraced(function*(overrides: ReadonlyArray<Override>, sender: string, tick: number) {
    const at = Math.floor(clock.currentTimeMillisUnsafe())
    const result = { isNew: false, noRoom: 0, tooMuch: 0, ahead: 0 }
    let work = 0
    for (const override of overrides) {
      if (table.has(override)) continue
      const budget = table.isStranger(override) ? strangers : overrides.length > 1 ? sets : news
      if (!budget.spend(sender, tick)) {
        result.tooMuch++
        continue
      }
      const taken = table.take(override, at, "bus")
      if (taken === "full") result.noRoom++
      if (taken === "new") result.ahead = Math.max(result.ahead, override.at - at)
      result.isNew ||= taken === "new" || taken === "changed"
      if (++work % slice === 0) yield* Effect.yieldNow
    }
    return result
  })

  const hear = Effect.fnUntraced(function*(overrides: ReadonlyArray<Override>, sender: string) {
    const tick = ticks()
    const { ahead, isNew, noRoom, tooMuch } = yield* take(overrides, sender, tick)
    if (noRoom + tooMuch > 0) yield* Metric.update(refused, noRoom + tooMuch)
    if (noRoom > 0) yield* conditions.raise("overrides:full", fullDetail)
    else if (isNew) yield* conditions.clear("overrides:full")
    if (tooMuch > 0) {
      if (floodedAt === undefined) yield* conditions.raise("overrides:flood", floodDetail(sender))
      floodedAt = tick
    }
    if (ahead > clockTolerance && tick - warnedAt >= warnEvery) {
      warnedAt = tick
      yield* Effect.logWarning(
        `an override was given at a time that is ${
          Math.round(ahead / 60_000)
        } minutes ahead of this node: set the clock of one of them`
      ).pipe(Effect.annotateLogs({ node: sender }))
    }
    return isNew
  })

  const calm = Effect.suspend(() => {
    if (floodedAt === undefined || ticks() - floodedAt < calmAfter) return Effect.void
    floodedAt = undefined
    return conditions.clear("overrides:flood")
  })
  return { hear, calm }
})

const refused = Metric.counter("geodns_overrides_refused_total", {
  description: "Overrides of other nodes that were not taken because there are too many, or too many at once",
  incremental: true
})

const fullDetail = `other nodes tell more overrides than this one takes (${
  overrideLimits.capacity - overrideLimits.reserved
}, of one node ${overrideLimits.perNode}): end some, or look who forges them`

const floodDetail = (sender: string): string =>
  `other nodes tell new overrides faster than people give them, the first of them ${
    JSON.stringify(sender.slice(0, 60))
  }: what is too much is not taken. Look who may publish on the bus`
