import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { Bus } from "../bus/Bus.ts"
import * as Messages from "../bus/Messages.ts"
import { Membership } from "../cluster/Membership.ts"
import * as Subject from "../domain/wire/Subject.ts"
import type { BallotEvent } from "./BallotEvent.ts"
import { makePace } from "./makePace.ts"

/** Messages of a subject that are handled at once. */
const atOnce = 32

/**
 * Proposals that are looked at: so many at once, and so many a second. More of them wait, and of those that wait the oldest are lost; they are
 * sent again, and sealed votes do without them. So a flood leaves a node its time for checks, votes and answers.
 */
const proposalRate = { most: 32_768, perSecond: 2_000 }

/**
 * Hands every proposal, vote and decision to `handle`. A message is a sign of life, before it is anything else, unless `signs`
 * says that its sender shows that it lives by what it signs. Decisions say nothing about the clock of who sends them: their
 * times may be those of others.
 */
export const listenTo = Effect.fnUntraced(function*(
  handle: (events: ReadonlyArray<BallotEvent>) => Effect.Effect<void>,
  signs: (node: string) => boolean
): Effect.fn.Return<void, never, Bus | Membership | Scope.Scope> {
  const bus = yield* Bus
  const membership = yield* Membership
  const pace = yield* makePace(proposalRate)

  const listen = <A>(
    subject: Subject.Subject<A>,
    sender: (a: A) => string,
    sentAt: (a: A) => number | undefined,
    event: (a: A) => BallotEvent,
    turn: (count: number) => Effect.Effect<void> = () => Effect.void
  ) =>
    Messages.receiveSome(subject, atOnce, (messages) => {
      const newest = new Map<string, A>()
      for (const message of messages) {
        const node = sender(message)
        if (node !== "" && !signs(node)) newest.set(node, message)
      }
      const heard = Effect.forEach(
        newest,
        ([node, message]) => membership.heard(node, "consensus", sentAt(message)),
        { discard: true }
      )
      const handled = Effect.andThen(newest.size === 0 ? Effect.void : heard, handle(messages.map(event)))
      return Effect.andThen(turn(messages.length), handled)
    }).pipe(
      Effect.tapError((error) => Effect.logWarning(error.message)),
      Effect.retry(Schedule.spaced("2 seconds")),
      Effect.provideService(Bus, bus)
    )

  yield* Effect.all([
    listen(
      Subject.Propose,
      (p) => p.SenderNodeID,
      (p) => p.Timestamp,
      (proposal) => ({ _tag: "Proposal", proposal }),
      pace
    ),
    listen(Subject.Cast, (v) => v.SenderNodeID || v.NodeID, (v) => v.Timestamp, (vote) => ({ _tag: "Vote", vote })),
    listen(Subject.Finalize, (f) => f.SenderNodeID, () => undefined, (message) => ({ _tag: "Decision", message }))
  ], { concurrency: "unbounded", discard: true }).pipe(Effect.forkScoped({ startImmediately: true }))
})
