import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Ref from "effect/Ref"
import * as Stream from "effect/Stream"
import type { Target } from "../domain/Target.ts"

/** The targets whose status is being voted on: a change of it may be near. */
export class Contested extends Context.Service<Contested, {
  readonly current: Effect.Effect<ReadonlyArray<Target>>
  /** For who hears of the votes. Nothing is contested as long as nobody does. */
  readonly set: (targets: ReadonlyArray<Target>) => Effect.Effect<void>
  /** After every change; a slow reader misses those in between. */
  readonly changes: Stream.Stream<void>
}>()("effect-geodns/status/Contested") {
  /** Kept in memory: votes do not outlive those who vote. */
  static readonly layer: Layer.Layer<Contested> = Layer.effect(
    Contested,
    Effect.gen(function*() {
      const ref = yield* Ref.make<ReadonlyArray<Target>>([])
      const changes = yield* PubSub.sliding<void>(1)
      return Contested.of({
        current: Ref.get(ref),
        set: (targets) => Effect.asVoid(Effect.andThen(Ref.set(ref, targets), PubSub.publish(changes, undefined))),
        changes: Stream.fromPubSub(changes)
      })
    })
  )

  /** The same: it has no outside. */
  static readonly layerMemory: Layer.Layer<Contested> = Contested.layer
}
