import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { AlertChannels, type Channel } from "../alerts/AlertChannel.ts"
import type { Consensus } from "../consensus/Consensus.ts"
import type { Monitor } from "../monitor/Monitor.ts"
import type { WorldEvent } from "./World.ts"

/** Events that wait for a slow subscriber. */
const backlog = 4_096

/** Gathers what happens in a world. */
export const makeWorldEvents = Effect.gen(function*() {
  const events = yield* PubSub.sliding<WorldEvent>(backlog)
  const follow = <A>(
    stream: Effect.Effect<Stream.Stream<A>, never, Scope.Scope>,
    toEvent: (a: A) => WorldEvent
  ) =>
    Effect.flatMap(stream, (from) =>
      Stream.runForEach(from, (a) => PubSub.publish(events, toEvent(a))).pipe(
        Effect.forkScoped({ startImmediately: true })
      ))
  const channel: Channel = {
    name: "story",
    deliver: (message) => Effect.asVoid(PubSub.publish(events, { _tag: "Alerted", message }))
  }
  return {
    /** The observations of one monitor. */
    observations: (node: string, monitor: Monitor["Service"]) =>
      follow(monitor.subscribe, (observation) => ({ _tag: "Observed", node, observation })),
    /** What one node hears of proposals, votes and decisions. */
    consensus: (node: string, consensus: Consensus["Service"]) =>
      follow(consensus.subscribe, (event) => ({ _tag: "Consensus", node, event })),
    /** An alert channel that tells the story, and nothing else. */
    channel: Layer.succeed(AlertChannels, AlertChannels.of([channel])),
    subscribe: Effect.map(PubSub.subscribe(events), Stream.fromSubscription)
  }
})
