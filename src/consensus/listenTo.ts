import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { Bus } from "../bus/Bus.ts"
import * as Messages from "../bus/Messages.ts"
import { Membership } from "../cluster/Membership.ts"
import * as Subject from "../domain/wire/Subject.ts"
import type { BallotEvent } from "./BallotEvent.ts"

/**
 * Hands every proposal, vote and decision to `handle`. A message is a sign of life, before it is anything else, unless `signs`
 * says that its sender shows that it lives by what it signs. Decisions say nothing about the clock of who sends them: their
 * times may be those of others.
 */
export const listenTo = Effect.fnUntraced(function*(
  handle: (event: BallotEvent) => Effect.Effect<void>,
  signs: (node: string) => boolean
): Effect.fn.Return<void, never, Bus | Membership | Scope.Scope> {
  const bus = yield* Bus
  const membership = yield* Membership

  const listen = <A>(
    subject: Subject.Subject<A>,
    sender: (a: A) => string,
    sentAt: (a: A) => number | undefined,
    event: (a: A) => BallotEvent
  ) =>
    Messages.receive(subject, (message) => {
      const node = sender(message)
      return Effect.andThen(
        node === "" || signs(node) ? Effect.void : membership.heard(node, "consensus", sentAt(message)),
        handle(event(message))
      )
    }).pipe(
      Effect.tapError((error) => Effect.logWarning(error.message)),
      Effect.retry(Schedule.spaced("2 seconds")),
      Effect.provideService(Bus, bus)
    )

  yield* Effect.all([
    listen(Subject.Propose, (p) => p.SenderNodeID, (p) => p.Timestamp, (proposal) => ({ _tag: "Proposal", proposal })),
    listen(Subject.Cast, (v) => v.SenderNodeID || v.NodeID, (v) => v.Timestamp, (vote) => ({ _tag: "Vote", vote })),
    listen(Subject.Finalize, (f) => f.SenderNodeID, () => undefined, (message) => ({ _tag: "Decision", message }))
  ], { concurrency: "unbounded", discard: true }).pipe(Effect.forkScoped({ startImmediately: true }))
})
