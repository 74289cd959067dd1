import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import { Consensus, type ConsensusEvent } from "../consensus/Consensus.ts"
import { type Proposal, proposalTarget } from "../domain/wire/Consensus.ts"
import { type OverrideChange, Overrides } from "../status/Overrides.ts"
import type { LogEvent } from "./LogEvent.ts"
import { rfc3339 } from "./rfc3339.ts"
import { errorText, nameText, overrideStatus, targetText, votesOf } from "./shown.ts"

/** How many events are kept. */
export const keptEvents = 500

/** What happened in the cluster lately as this node saw it, in memory. */
export class EventLog extends Context.Service<EventLog, {
  /** Those that are kept, after the one with an id; all when it is of no event that could have been. */
  readonly since: (id: number) => Effect.Effect<ReadonlyArray<LogEvent>>
  /** The same, and those that come, for ever. It is pulled: a reader that is slower than 500 events misses some. */
  readonly follow: (id: number) => Stream.Stream<LogEvent>
}>()("effect-geodns/http/EventLog") {
  /** From consensus, and from the overrides where there are any. Ids go on from the time of the start: they rise over restarts. */
  static readonly layer: Layer.Layer<EventLog, never, Consensus> = Layer.effect(
    EventLog,
    Effect.gen(function*() {
      const consensus = yield* Consensus
      const overrides = yield* Effect.serviceOption(Overrides)
      const clock = yield* Clock.Clock
      const kept: Array<LogEvent> = []
      const news = yield* PubSub.sliding<void>(1)
      let id = clock.currentTimeMillisUnsafe()

      const add = (make: (common: Common) => LogEvent) =>
        Effect.suspend(() => {
          const now = clock.currentTimeMillisUnsafe()
          kept.push(make({ id: ++id, at: rfc3339(now) }))
          if (kept.length > keptEvents) kept.shift()
          return PubSub.publish(news, undefined)
        })

      const collect = <A>(events: Stream.Stream<A>, event: (a: A, common: Common) => LogEvent) =>
        events.pipe(
          Stream.runForEach((a) => add((common) => event(a, common))),
          Effect.catchCause((cause) => Effect.logError("the event log cannot follow", cause)),
          Effect.forkScoped({ startImmediately: true })
        )
      yield* collect(yield* consensus.subscribe, consensusEvent)
      if (Option.isSome(overrides)) yield* collect(yield* overrides.value.subscribe, overrideEvent)

      // An id from before a clock was set back, or of another node, is none of ours.
      const after = (seen: number) => seen > id ? kept.slice() : kept.filter((event) => event.id > seen)

      const follow = (from: number) =>
        Stream.unwrap(Effect.map(PubSub.subscribe(news), (signal) => {
          let seen = from
          const next: Effect.Effect<ReadonlyArray<LogEvent>> = Effect.suspend(() => {
            const found = after(seen)
            seen = id
            return found.length > 0 ? Effect.succeed(found) : Effect.andThen(PubSub.take(signal), next)
          })
          return Stream.flattenIterable(Stream.fromEffectRepeat(next))
        }))

      return EventLog.of({ since: (seen) => Effect.sync(() => after(seen)), follow })
    })
  )
}

type Common = Pick<LogEvent, "at" | "id">

const proposed = (proposal: Proposal) => ({
  proposal: nameText(proposal.ID),
  target: targetText(proposalTarget(proposal)),
  up: proposal.ProposedStatus
})

const consensusEvent = (event: ConsensusEvent, common: Common): LogEvent => {
  switch (event._tag) {
    case "Proposed":
      return {
        _tag: "Proposed",
        ...common,
        ...proposed(event.proposal),
        error: errorText(event.proposal.ErrorText),
        by: nameText(event.proposal.SenderNodeID)
      }
    case "Voted": {
      const { proposal, vote } = event
      return {
        _tag: "Voted",
        ...common,
        proposal: nameText(vote.ProposalID),
        ...proposal !== undefined && { target: targetText(proposalTarget(proposal)) },
        agree: vote.Agree,
        by: nameText(vote.SenderNodeID || vote.NodeID)
      }
    }
    case "Decided": {
      const { decidedBy, error, id, target, up, votes } = event.decision
      return {
        _tag: "Decided",
        ...common,
        proposal: nameText(id),
        target: targetText(target),
        up,
        error: errorText(error),
        by: nameText(decidedBy),
        votes: votesOf(votes)
      }
    }
    case "Rejected":
      return { _tag: "Rejected", ...common, ...proposed(event.proposal), votes: votesOf(event.votes) }
  }
}

const overrideEvent = ({ change, override }: OverrideChange, common: Common): LogEvent => ({
  _tag: "Override",
  ...common,
  change,
  override: overrideStatus(override, Date.parse(common.at))
})
