import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { Bus, type BusError } from "../bus/Bus.ts"
import type { MemoryBroker } from "../bus/MemoryBroker.ts"
import * as Messages from "../bus/Messages.ts"
import { Membership } from "../cluster/Membership.ts"
import { Config } from "../config/Config.ts"
import type { ConfigError } from "../config/ConfigError.ts"
import type { Snapshot } from "../config/Snapshot.ts"
import { describeTarget, type Target } from "../domain/Target.ts"
import type { NodeRole } from "../domain/wire/Cluster.ts"
import type { Proposal, Vote } from "../domain/wire/Consensus.ts"
import * as Subject from "../domain/wire/Subject.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import type { Decision } from "../status/Decision.ts"
import { KnownTargets } from "../status/KnownTargets.ts"
import { Observer } from "../status/Observer.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { Ballot, type OpenProposal } from "./Ballot.ts"
import type { BallotEffect } from "./BallotEffect.ts"
import type { BallotEvent } from "./BallotEvent.ts"
import * as metrics from "./metrics.ts"
import { proposalId } from "./proposalId.ts"
import { attemptTime, republishTime } from "./Timing.ts"

export type { OpenProposal }

/** What happened in consensus as this node saw it, for logs, dashboards and stories. */
export type ConsensusEvent =
  | { readonly _tag: "Proposed"; readonly proposal: Proposal; readonly own: boolean }
  | { readonly _tag: "Voted"; readonly proposal: Proposal | undefined; readonly vote: Vote; readonly own: boolean }
  | { readonly _tag: "Decided"; readonly decision: Decision }
  | { readonly _tag: "Rejected"; readonly proposal: Proposal; readonly votes: Readonly<Record<string, boolean>> }

/**
 * The cluster's decision on which targets are up. Monitors propose and vote; DNS nodes and collators run the same service
 * and only observe. Decisions reach `OfficialStatus` before they are announced here.
 */
export class Consensus extends Context.Service<Consensus, {
  /**
   * Proposes a status for a target. Proposing what is already open only votes on it again. It does nothing on a node that
   * is not a monitor.
   */
  readonly propose: (options: {
    readonly target: Target
    readonly up: boolean
    readonly error: string
    readonly data: unknown
  }) => Effect.Effect<void>
  readonly proposals: Effect.Effect<ReadonlyArray<OpenProposal>>
  /** What happens from now on. In place when the effect succeeds; a slow reader loses the oldest. */
  readonly subscribe: Effect.Effect<Stream.Stream<ConsensusEvent>, never, Scope.Scope>
}>()("effect-geodns/consensus/Consensus") {
  /**
   * Takes part as the role of the node says: a monitor proposes and votes from its `Observer`, any other node observes, and
   * so does a monitor that starts with `GeoDNS.Consensus.Shadow`.
   * Decisions on targets that the configuration does not know change nothing.
   * The electorate are the monitors that `Membership` holds for active; a side needs `minimumVotes` besides the majority, when
   * missing what `GeoDNS.Consensus` of the configuration says (applies on reload). Without a bus it waits for one.
   */
  static readonly layerWith = (options: { readonly minimumVotes?: number }): Layer.Layer<
    Consensus,
    never,
    NodeIdentity | Bus | Membership | Observer | OfficialStatus | Config
  > =>
    Layer.effect(
      Consensus,
      Effect.gen(function*() {
        const identity = yield* NodeIdentity
        const bus = yield* Bus
        const membership = yield* Membership
        const observer = yield* Observer
        const official = yield* OfficialStatus
        const config = yield* Config
        const known = yield* KnownTargets
        const clock = yield* Clock.Clock
        const random = yield* Random.Random
        const scope = yield* Effect.scope

        const isShadow = (yield* config.current).local.GeoDNS.Consensus.Shadow
        const ballot = new Ballot({ node: identity.id, isVoter: identity.role === "IBPMonitor" && !isShadow })
        const turn = yield* Semaphore.make(1)
        const outbox = yield* Queue.dropping<Effect.Effect<void, BusError, Bus>>(maxUnsent)
        const events = yield* PubSub.sliding<ConsensusEvent>(maxEvents)
        let electorate: ReadonlySet<string> | undefined
        let minimumVotes = 0
        let nextClockWarning = 0

        const announce = (event: ConsensusEvent) => PubSub.publish(events, event)

        /** Never waits: what cannot be sent now is for the repeats of the ballot. */
        const send = <A>(subject: Subject.Subject<A>, message: A) =>
          Effect.suspend(() =>
            Queue.offerUnsafe(outbox, Messages.send(subject, message)) ? Effect.void : Metric.update(metrics.unsent, 1)
          )

        /** What we see, and once more if what we saw last speaks against the proposal: it may be from just before. */
        const look = ({ id, target, up: proposed }: Extract<BallotEffect, { _tag: "Observe" }>) =>
          observer.observe(target, freshFor).pipe(
            Effect.flatMap((seen) =>
              Option.isSome(seen) && seen.value.up !== proposed ? observer.observe(target, 0) : Effect.succeed(seen)
            ),
            Effect.timeoutOption(lookTime),
            Effect.map((seen) => Option.getOrUndefined(Option.flatten(seen))?.up),
            Effect.catchCause((cause) =>
              Effect.as(Effect.logError(`looking at ${describeTarget(target)} failed`, cause), undefined)
            ),
            Effect.flatMap((up) => handle({ _tag: "Observed", id, up })),
            Effect.forkIn(scope)
          )

        let knownTo: { readonly snapshot: Snapshot; readonly isKnown: (target: Target) => boolean } | undefined
        /** When the documents know it later, other nodes are asked for what was decided. */
        const isKnown = (target: Target) =>
          Effect.map(config.current, (snapshot) => {
            if (knownTo?.snapshot !== snapshot) knownTo = { snapshot, isKnown: known(snapshot) }
            return knownTo.isKnown(target)
          })

        const decided = Effect.fnUntraced(function*(effect: Extract<BallotEffect, { _tag: "Apply" }>) {
          const { again, decision, openFor } = effect
          if (!(yield* isKnown(decision.target))) return yield* Metric.update(unknownTarget, 1)
          const change = yield* official.apply(decision)
          if (again) return
          // It may have been refused: too old, or too far from our clock.
          if ((yield* official.get(decision.target))?.up !== decision.up) return
          yield* Metric.update(passed, 1)
          if (openFor !== undefined) yield* Metric.update(metrics.latency, openFor / 1_000)
          yield* announce({ _tag: "Decided", decision })
          if (change?.before !== undefined) {
            yield* Effect.logInfo(`${describeTarget(decision.target)} is ${decision.up ? "up" : "down"}`).pipe(
              Effect.annotateLogs({
                decision: decision.id,
                ...decision.decidedBy !== "" && { by: decision.decidedBy },
                error: decision.error
              })
            )
          }
        })

        const drop = Effect.fnUntraced(function*(effect: Extract<BallotEffect, { _tag: "Dropped" }>) {
          const { reason, sender, what } = effect
          yield* Metric.update(Metric.withAttributes(metrics.dropped, { what, reason }), 1)
          const now = clock.currentTimeMillisUnsafe()
          if (reason !== "clock" || now < nextClockWarning) return
          nextClockWarning = now + 60_000
          yield* Effect.logWarning("a decision is more than 5 minutes from our clock, one of the two clocks is wrong")
            .pipe(
              Effect.annotateLogs({ sender })
            )
        })

        const perform = (effect: BallotEffect): Effect.Effect<unknown> => {
          switch (effect._tag) {
            case "PublishProposal":
              return send(Subject.Propose, effect.proposal)
            case "PublishVote":
              return send(Subject.Cast, effect.vote)
            case "PublishDecision":
              return send(Subject.Finalize, effect.message)
            case "Observe":
              return look(effect)
            case "Apply":
              return decided(effect)
            case "Proposed":
              return Effect.andThen(Metric.update(effect.own ? ownProposal : otherProposal, 1), announce(effect))
            case "Voted":
              return Effect.andThen(Metric.update(effect.vote.Agree ? yes : no, 1), announce(effect))
            case "Abstained":
              return Metric.update(metrics.abstentions, 1)
            case "Rejected":
              return Effect.andThen(
                Metric.update(Metric.withAttributes(metrics.decisions, { result: effect.reason }), 1),
                effect.reason === "superseded"
                  ? Effect.void
                  : announce({ _tag: "Rejected", proposal: effect.proposal, votes: effect.votes })
              )
            case "Dropped":
              return drop(effect)
            case "Persist":
            case "Fetch":
            case "PublishCertificate":
            case "Foreign":
              return Effect.void
          }
        }

        const run = (event: BallotEvent) =>
          Effect.suspend(() =>
            Effect.forEach(ballot.handle(event, clock.currentTimeMillisUnsafe()), perform, { discard: true })
          )

        const refreshElectorate = Effect.suspend(() =>
          Effect.flatMap(Effect.zip(membership.electorate, config.current), ([members, { local }]) => {
            const minimum = options.minimumVotes ?? local.GeoDNS.Consensus.MinimumVotes
            if (members === electorate && minimum === minimumVotes) return Effect.void
            electorate = members
            minimumVotes = minimum
            // Nobody else counts a shadow.
            const counted = isShadow ? new Set([...members].filter((node) => node !== identity.id)) : members
            return run({ _tag: "Electorate", members: counted, minimumVotes })
          })
        )

        /** One event at a time, whole or not at all. */
        const handle = (event: BallotEvent): Effect.Effect<void> =>
          Effect.andThen(refreshElectorate, run(event)).pipe(
            Effect.catchCause((cause) => Effect.logError(`consensus: ${event._tag} failed`, cause)),
            Effect.uninterruptible,
            Semaphore.withPermit(turn)
          )

        /** A message is a sign of life, before it is anything else. */
        const listen = <A>(subject: Subject.Subject<A>, sender: (a: A) => string, event: (a: A) => BallotEvent) =>
          Messages.receive(subject, (message) => {
            const node = sender(message)
            return Effect.andThen(
              node === "" ? Effect.void : membership.heard(node, "consensus"),
              handle(event(message))
            )
          }).pipe(
            Effect.tapError((error) => Effect.logWarning(error.message)),
            Effect.retry(Schedule.spaced("2 seconds")),
            Effect.provideService(Bus, bus)
          )

        yield* Effect.all([
          listen(Subject.Propose, (p) => p.SenderNodeID, (proposal) => ({ _tag: "Proposal", proposal })),
          listen(Subject.Cast, (v) => v.SenderNodeID || v.NodeID, (vote) => ({ _tag: "Vote", vote })),
          listen(Subject.Finalize, (f) => f.SenderNodeID, (message) => ({ _tag: "Decision", message }))
        ], { concurrency: "unbounded", discard: true }).pipe(Effect.forkScoped({ startImmediately: true }))

        yield* Queue.take(outbox).pipe(
          Effect.flatten,
          Effect.timeoutOption("5 seconds"),
          Effect.flatMap((sent) => Option.isSome(sent) ? Effect.void : Metric.update(metrics.unsent, 1)),
          Effect.catch((error) =>
            Effect.andThen(
              Metric.update(metrics.unsent, 1),
              // A lost connection is a condition of the node already.
              error.reason._tag === "Disconnected" ? Effect.void : Effect.logWarning(error.message)
            )
          ),
          Effect.catchCause((cause) => Effect.logError("consensus: sending failed", cause)),
          Effect.forever,
          Effect.provideService(Bus, bus),
          Effect.forkScoped
        )

        // Nothing is due sooner than that after a proposal is opened.
        const untilNextTick = Effect.suspend(() => Effect.sleep(ballot.size().open > 0 ? 1_000 : republishTime))
        yield* handle({ _tag: "Tick" }).pipe(
          Effect.andThen(Effect.suspend(() => Metric.update(metrics.open, ballot.size().open))),
          Effect.andThen(untilNextTick),
          Effect.forever,
          Effect.forkScoped
        )

        const propose: Consensus["Service"]["propose"] = Effect.fn("Consensus.propose")((options) =>
          Effect.suspend(() => handle({ _tag: "Propose", id: proposalId(random), ...options }))
        )

        return Consensus.of({
          propose,
          proposals: Effect.sync(() => ballot.proposals()),
          subscribe: Effect.map(PubSub.subscribe(events), Stream.fromSubscription)
        })
      })
    )

  /** The same, with the votes that a side needs as the configuration says. */
  static readonly layer: Layer.Layer<
    Consensus,
    never,
    NodeIdentity | Bus | Membership | Observer | OfficialStatus | Config
  > = Consensus.layerWith({})

  /**
   * The same for a node of the memory broker in context, with what belongs to it: its official status, who it heard of,
   * and its conditions. It votes from the `Observer` in context.
   */
  static readonly layerMemory = (options: {
    readonly id: string
    readonly role: NodeRole
    readonly minimumVotes?: number
  }): Layer.Layer<
    Consensus | OfficialStatus | Membership | Conditions,
    BusError | ConfigError,
    MemoryBroker | Observer
  > =>
    Consensus.layerWith(options).pipe(
      Layer.provideMerge(Membership.layer),
      Layer.provide([
        Bus.layerMemory({ name: options.id }),
        NodeIdentity.layerMemory(options),
        Config.layerMemory(),
        // It has no documents.
        Layer.succeed(KnownTargets, () => () => true)
      ]),
      Layer.provideMerge(OfficialStatus.layer),
      Layer.provide(DurableFiles.layerMemory),
      Layer.provideMerge(Conditions.layerMemory),
      // Nodes beside each other share nothing but the broker.
      Layer.fresh
    )
}

/** A vote is given from an observation at most this old, in milliseconds. */
const freshFor = 10_000

/** Less than an attempt, so that the next one can ask again. */
const lookTime = attemptTime - 5_000

/** Messages that wait to be sent. */
const maxUnsent = 16_384

/** Events that wait for a slow subscriber. */
const maxEvents = 4_096

const unknownTarget = Metric.withAttributes(metrics.dropped, { what: "decision", reason: "unknown-target" })
const passed = Metric.withAttributes(metrics.decisions, { result: "passed" })
const ownProposal = Metric.withAttributes(metrics.proposals, { origin: "own" })
const otherProposal = Metric.withAttributes(metrics.proposals, { origin: "other" })
const yes = Metric.withAttributes(metrics.votes, { agree: "yes" })
const no = Metric.withAttributes(metrics.votes, { agree: "no" })
