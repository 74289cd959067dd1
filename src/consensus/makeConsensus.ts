import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as PubSub from "effect/PubSub"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Bus } from "../bus/Bus.ts"
import { Membership } from "../cluster/Membership.ts"
import { Config } from "../config/Config.ts"
import { Conditions } from "../node/Conditions.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import type { Observer } from "../status/Observer.ts"
import type { OfficialStatus } from "../status/OfficialStatus.ts"
import type { ProofsShape } from "../status/Proofs.ts"
import type { BallotEffect } from "./BallotEffect.ts"
import type { BallotEvent } from "./BallotEvent.ts"
import type { Consensus, ConsensusEvent } from "./Consensus.ts"
import { listenTo } from "./listenTo.ts"
import { makeCore } from "./makeCore.ts"
import { makePerformer } from "./makePerformer.ts"
import { makeProofs } from "./makeProofs.ts"
import { makeTargetFacts } from "./makeTargetFacts.ts"
import { makeTurns } from "./makeTurns.ts"
import * as metrics from "./metrics.ts"
import { proposalId } from "./proposalId.ts"
import { holdsKeyOf } from "./sealed/admit.ts"
import { Sealing } from "./sealed/Sealing.ts"
import { votingProblem } from "./sealed/votingProblem.ts"
import { republishTime } from "./Timing.ts"
import { type Voters, votersOf } from "./Voters.ts"

/** Events that wait for a slow subscriber. */
const maxEvents = 4_096

/** Certificates that are taken up before others get their turn. */
const slice = 256

/** The shell around the core of the mode: feeds it one event after the other, and does what it wants done. */
export const makeConsensus = Effect.fnUntraced(function*(
  options: { readonly minimumVotes?: number }
): Effect.fn.Return<
  { readonly consensus: Consensus["Service"]; readonly proofs: ProofsShape },
  never,
  NodeIdentity | Bus | Membership | Observer | OfficialStatus | Config | Conditions | Scope.Scope
> {
  const identity = yield* NodeIdentity
  const bus = yield* Bus
  const membership = yield* Membership
  const config = yield* Config
  const conditions = yield* Conditions
  const sealing = yield* Sealing
  const clock = yield* Clock.Clock
  const random = yield* Random.Random

  const isShadow = (yield* config.current).local.GeoDNS.Consensus.Shadow
  const isMonitor = identity.role === "IBPMonitor" && !isShadow
  const isVoter = isMonitor && (sealing.mode !== "require" || sealing.signer !== undefined)
  const facts = yield* makeTargetFacts
  const core = makeCore(sealing, { node: identity.id, isVoter, knows: facts.knows, minimumTime: facts.minimumTime })
  const events = yield* PubSub.sliding<ConsensusEvent>(maxEvents)

  const performer = yield* makePerformer({
    announce: (event) => PubSub.publish(events, event),
    deliver: (event) => handle(event),
    facts
  })

  /** What the core wants done about events. One that it fails on keeps no other from being handled. */
  const run = (some: ReadonlyArray<BallotEvent>) =>
    Effect.suspend(() => {
      const now = clock.currentTimeMillisUnsafe()
      const effects: Array<BallotEffect> = []
      const failures: Array<Effect.Effect<void>> = []
      for (const event of some) {
        try {
          effects.push(...core.handle(event, now))
        } catch (cause) {
          failures.push(Effect.logError(`consensus: ${event._tag} failed`, Cause.die(cause)))
        }
      }
      return Effect.andThen(Effect.all(failures, { discard: true }), performer.perform(effects))
    })

  const byRoster = sealing.electorate === "roster" ? sealing.rosters : undefined
  let ofRoster: { readonly epoch: number; readonly voters: Voters } | undefined
  const votersNow: Effect.Effect<Voters> = Effect.suspend(() => {
    if (byRoster === undefined) return Effect.map(membership.electorate, (members) => ({ members }))
    const { current } = byRoster.current()
    if (ofRoster?.epoch !== current.epoch) ofRoster = { epoch: current.epoch, voters: votersOf(current) }
    return Effect.succeed(ofRoster.voters)
  })

  let told: { readonly members: ReadonlySet<string>; readonly minimumVotes: number } | undefined
  const refreshElectorate = Effect.suspend(() =>
    Effect.flatMap(Effect.zip(votersNow, config.current), ([{ ipv6, members }, { local }]) => {
      const minimumVotes = options.minimumVotes ?? local.GeoDNS.Consensus.MinimumVotes
      if (members === told?.members && minimumVotes === told.minimumVotes) return Effect.void
      told = { members, minimumVotes }
      // Nobody else counts a shadow.
      const counted = (all: ReadonlySet<string>) =>
        isShadow ? new Set([...all].filter((node) => node !== identity.id)) : all
      return run([{
        _tag: "Electorate",
        members: counted(members),
        ...ipv6 !== undefined && { ipv6: counted(ipv6) },
        minimumVotes
      }])
    })
  )

  let isolated: boolean | undefined
  /** Who hears no other monitor does not know whether it is the members that are away, or itself. */
  const refreshIsolation = Effect.suspend(() =>
    Effect.flatMap(Effect.zip(bus.connected, membership.electorate), ([connected, monitors]) => {
      const now = !connected || [...monitors].every((node) => node === identity.id)
      if (now === isolated) return Effect.void
      isolated = now
      return run([{ _tag: "Isolated", isolated: now }])
    })
  )

  const refresh = Effect.andThen(
    facts.refresh,
    sealing.mode === "require" ? refreshIsolation : refreshElectorate
  )

  /** In order, each whole or not at all. */
  const handleAll = yield* makeTurns<BallotEvent>((some) =>
    Effect.andThen(refresh, run(some)).pipe(
      Effect.catchCause((cause) => Effect.logError("consensus: handling what came failed", cause))
    )
  )
  const handle = (event: BallotEvent): Effect.Effect<void> => handleAll([event])

  /** What this node had proved before: also of targets that its documents did not know at first. */
  const restore = Effect.gen(function*() {
    if (sealing.mode !== "require") return
    let count = 0
    for (const certificate of sealing.certificates.all()) {
      if (++count % slice === 0) yield* Effect.yieldNow
      yield* handle({ _tag: "Restore", certificate })
    }
  })
  if (sealing.mode === "require") yield* sealing.certificates.knownBy(facts.knows)
  yield* restore
  if (sealing.mode === "require") {
    yield* config.changes.pipe(
      Stream.runForEach(() => restore),
      Effect.forkScoped({ startImmediately: true })
    )
  }

  // A member that is removed has no open proposals, from the same moment on.
  yield* config.changes.pipe(
    Stream.runForEach(() => handle({ _tag: "Targets", knows: facts.knows })),
    Effect.forkScoped({ startImmediately: true })
  )

  const problem = () =>
    sealing.rosters === undefined ||
      (sealing.electorate === "heard" && !holdsKeyOf(sealing.rosters.current(), identity.id))
      ? undefined
      : votingProblem(sealing.rosters.current().current, identity, sealing.signer?.publicKey)

  if (sealing.rosters !== undefined) {
    yield* sealing.rosters.changes.pipe(
      Stream.runForEach((rosters) => {
        const why = isMonitor ? problem() : undefined
        return Effect.andThen(
          handle({ _tag: "Rosters", rosters }),
          why === undefined
            ? conditions.clear("consensus:member")
            : conditions.raise("consensus:member", `the votes of this monitor do not count: ${why}`)
        )
      }),
      Effect.forkScoped({ startImmediately: true })
    )
  }

  yield* listenTo(
    handleAll,
    (node) => sealing.mode !== "open" && holdsKeyOf(sealing.rosters.current(), node)
  )

  // In the open modes nothing is due sooner than that after a proposal is opened.
  const untilNextTick = Effect.suspend(() =>
    Effect.sleep(sealing.mode === "require" || core.size().open > 0 ? 1_000 : republishTime)
  )
  yield* handle({ _tag: "Tick" }).pipe(
    Effect.andThen(Effect.suspend(() => Metric.update(metrics.open, core.size().open))),
    Effect.andThen(untilNextTick),
    Effect.forever,
    Effect.forkScoped
  )

  // What came meanwhile is heard first: when much fails at once, others propose the same, and one of them is enough.
  const propose: Consensus["Service"]["propose"] = Effect.fn("Consensus.propose")((options) =>
    Effect.andThen(
      Effect.yieldNow,
      Effect.suspend(() => handle({ _tag: "Propose", id: proposalId(random), ...options }))
    )
  )

  return {
    consensus: {
      propose,
      proposals: Effect.sync(() => core.proposals()),
      subscribe: Effect.map(PubSub.subscribe(events), Stream.fromSubscription),
      state: Effect.map(votersNow, ({ members }) => ({
        mode: sealing.mode,
        epoch: sealing.rosters?.current().current.epoch,
        minEpoch: sealing.rosters?.current().minEpoch,
        votes: isVoter && members.has(identity.id) && problem() === undefined,
        electorate: members
      }))
    },
    proofs: makeProofs(sealing, core, handle)
  }
})
