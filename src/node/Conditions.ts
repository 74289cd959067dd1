import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as PubSub from "effect/PubSub"
import * as Ref from "effect/Ref"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { clip } from "../domain/clip.ts"

/** Something about this node that is degraded. */
export interface Condition {
  /** Stable and short, e.g. `config:MembersConfig`, `store`, `bus`. */
  readonly name: string
  /** What is wrong and what to do, for a tired operator. No secrets. */
  readonly detail: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

/** How many conditions are kept; one that is raised beyond it is only logged. */
export const maxConditions = 200

/** How many characters of a detail are kept. */
export const maxDetail = 1_000

/** What is degraded about this node, and since when. `/health` and the status page show it. */
export class Conditions extends Context.Service<Conditions, {
  /** Raising again what is raised changes the detail and keeps `since`. Logged when it is new. */
  readonly raise: (name: string, detail: string) => Effect.Effect<void>
  /** Clears a condition; nothing happens when it was not raised. */
  readonly clear: (name: string) => Effect.Effect<void>
  readonly current: Effect.Effect<ReadonlyArray<Condition>>
  /** The conditions now, and after every change. */
  readonly changes: Stream.Stream<ReadonlyArray<Condition>>
}>()("effect-geodns/node/Conditions") {
  /** Kept in memory: a node that starts again finds out again what is degraded. */
  static readonly layer: Layer.Layer<Conditions> = Layer.effect(
    Conditions,
    Effect.gen(function*() {
      const ref = yield* Ref.make<ReadonlyArray<Condition>>([])
      // Bounded: a reader that is slow misses states in between, never the last one.
      const states = yield* PubSub.sliding<ReadonlyArray<Condition>>({ capacity: 16, replay: 1 })
      yield* PubSub.publish(states, [])
      const lock = yield* Semaphore.make(1)

      const update = (f: (now: ReadonlyArray<Condition>) => ReadonlyArray<Condition>) =>
        lock.withPermit(Effect.uninterruptible(Effect.gen(function*() {
          const before = yield* Ref.get(ref)
          const after = f(before)
          if (after !== before) {
            yield* Ref.set(ref, after)
            yield* PubSub.publish(states, after)
            yield* Metric.update(raised, after.length)
          }
          return before
        })))
      const has = (conditions: ReadonlyArray<Condition>, name: string) =>
        conditions.some((condition) => condition.name === name)

      const raise = Effect.fnUntraced(function*(name: string, detail: string) {
        const since = yield* Clock.currentTimeMillis
        const kept = clip(detail, maxDetail)
        const before = yield* update((now) => {
          const known = now.find((condition) => condition.name === name)
          if (known === undefined) return now.length < maxConditions ? [...now, { name, detail: kept, since }] : now
          return known.detail === kept ? now : now.map((other) => other === known ? { ...known, detail: kept } : other)
        })
        if (!has(before, name)) yield* Effect.annotateLogs(Effect.logWarning(kept), { condition: name })
      })

      const clear = Effect.fnUntraced(function*(name: string) {
        const before = yield* update((now) => has(now, name) ? now.filter((condition) => condition.name !== name) : now)
        if (has(before, name)) yield* Effect.annotateLogs(Effect.logInfo(`${name} is over`), { condition: name })
      })

      return Conditions.of({ raise, clear, current: Ref.get(ref), changes: Stream.fromPubSub(states) })
    })
  )

  /** The same: it has no outside. */
  static readonly layerMemory: Layer.Layer<Conditions> = Conditions.layer
}

const raised = Metric.gauge("geodns_conditions", { description: "Conditions of this node that are raised now" })
