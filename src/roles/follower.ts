import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Membership } from "../cluster/Membership.ts"
import { Config } from "../config/Config.ts"
import { Consensus } from "../consensus/Consensus.ts"
import { contestedByProposals } from "../consensus/contested.ts"
import { KnownTargets } from "../status/KnownTargets.ts"
import { Observer } from "../status/Observer.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { Overrides } from "../status/Overrides.ts"
import { Snapshots } from "../status/Snapshots.ts"
import { ifShadow } from "./shadow.ts"

/** Forgets the official status of targets that the documents do not know any more, now and with every new version. */
const forgetting = Layer.effectDiscard(Effect.gen(function*() {
  const config = yield* Config
  const official = yield* OfficialStatus
  const known = yield* KnownTargets
  const forget = Effect.flatMap(config.current, (snapshot) => official.retain(known(snapshot)))
  yield* Stream.runForEach(config.changes, () => forget).pipe(Effect.forkScoped({ startImmediately: true }))
  yield* forget
}))

/** Who is there. A shadow counts itself in no electorate. */
const membership = ifShadow({
  shadow: Membership.layerAnnouncing({ isShadow: true }),
  otherwise: Membership.layer
})

/** What every role needs of the cluster: who is there, who is out, and what is decided. `consensus` says how it takes part. */
export const participating = <E, R>(consensus: Layer.Layer<Consensus, E, R>) =>
  Layer.merge(contestedByProposals.pipe(Layer.provideMerge(consensus)), forgetting).pipe(
    Layer.provideMerge(Layer.mergeAll(membership, OfficialStatus.layer, Overrides.layer))
  )

/** A node that follows decisions and takes no part in them. What it missed before it started it takes from others. */
export const follower = Snapshots.layer.pipe(
  Layer.provideMerge(participating(Consensus.layer)),
  Layer.provide(Observer.layerNone)
)
