import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import { proposalTarget } from "../domain/wire/Consensus.ts"
import { Contested } from "../status/Contested.ts"
import { Consensus } from "./Consensus.ts"

/** Between two looks at what is open, as it is long when somebody floods us with proposals. */
const pause = "500 millis"

/** While something is open it is looked at again: not every proposal that is closed is an event. */
const lookAgain = "5 seconds"

/** So many targets are told at most: whoever floods us with proposals must not keep steering busy. */
const maxContested = 1_000

/** What has open proposals is contested. */
export const contestedByProposals: Layer.Layer<Contested, never, Consensus> = Layer.effectDiscard(
  Effect.gen(function*() {
    const consensus = yield* Consensus
    const contested = yield* Contested
    const wake = yield* Queue.sliding<void>(1)
    const events = yield* consensus.subscribe
    yield* Stream.runForEach(events, ({ _tag }) => _tag === "Voted" ? Effect.void : Queue.offer(wake, undefined)).pipe(
      Effect.forkScoped({ startImmediately: true })
    )
    yield* Queue.offer(wake, undefined)
    yield* Effect.gen(function*() {
      const isOpen = (yield* contested.current).length > 0
      yield* isOpen ? Effect.timeoutOption(Queue.take(wake), lookAgain) : Queue.take(wake)
      const proposals = (yield* consensus.proposals).slice(0, maxContested)
      if (isOpen || proposals.length > 0) {
        yield* contested.set(proposals.map(({ proposal }) => proposalTarget(proposal)))
      }
      yield* Effect.sleep(pause)
    }).pipe(Effect.forever, Effect.forkScoped)
  })
).pipe(Layer.provideMerge(Contested.layer))
