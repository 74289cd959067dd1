import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Consensus } from "../../src/consensus/Consensus.ts"
import type { Target } from "../../src/domain/Target.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"

/** A proposal that reached consensus. */
export interface Proposed {
  readonly at: number
  readonly target: Target
  readonly up: boolean
  readonly error: string
}

/** A cluster that decides what a test wants it to: everything that is proposed, or nothing. */
export class FakeCluster extends Context.Service<FakeCluster, {
  readonly proposed: ReadonlyArray<Proposed>
  /** `accept` at first. */
  answer: "accept" | "reject" | "hang" | "break"
  /** What others decided. */
  readonly decide: (target: Target, up: boolean) => Effect.Effect<void>
}>()("test/FakeCluster") {
  static readonly layer = Layer.effectContext(Effect.gen(function*() {
    const status = yield* OfficialStatus
    const proposed: Array<Proposed> = []
    let decisions = 0
    const decide = Effect.fnUntraced(function*(target: Target, up: boolean) {
      const decidedAt = yield* Clock.currentTimeMillis
      const id = `decision ${++decisions}`
      yield* status.apply({ id, target, up, error: "", data: null, decidedAt, decidedBy: "other", votes: {} })
    })
    const fake = FakeCluster.of({ proposed, answer: "accept", decide })
    const consensus = Consensus.of({
      propose: Effect.fnUntraced(function*({ error, target, up }) {
        proposed.push({ at: yield* Clock.currentTimeMillis, target, up, error })
        if (fake.answer === "accept") yield* decide(target, up)
        if (fake.answer === "hang") yield* Effect.never
        if (fake.answer === "break") yield* Effect.die(new Error("a bug of ours"))
      }),
      proposals: Effect.succeed([]),
      subscribe: Effect.succeed(Stream.never),
      state: Effect.succeed({ mode: "open", epoch: undefined, votes: true, electorate: new Set() })
    })
    return Context.make(FakeCluster, fake).pipe(Context.add(Consensus, consensus))
  }))
}
