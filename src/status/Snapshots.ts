import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { makeAnswers } from "../bus/Answers.ts"
import { Bus, type BusError, type BusMessage } from "../bus/Bus.ts"
import * as Messages from "../bus/Messages.ts"
import { Config } from "../config/Config.ts"
import type { StatusQuestion } from "../domain/wire/Snapshot.ts"
import * as Subject from "../domain/wire/Subject.ts"
import { Conditions } from "../node/Conditions.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { heldByProof } from "./heldByProof.ts"
import { heldByTime } from "./heldByTime.ts"
import { type SnapshotHead, viewAge } from "./Holdings.ts"
import { makeAsker } from "./makeAsker.ts"
import { makeLanes } from "./makeLanes.ts"
import type { OfficialStatus } from "./OfficialStatus.ts"
import { Peers } from "./Peers.ts"
import { Proofs } from "./Proofs.ts"
import { type Digest, isSameDigest } from "./StatusDigest.ts"
import { wasAway } from "./wasAway.ts"

/** What came of asking everyone. */
export interface CaughtUp {
  /** Nodes that answered. */
  readonly answered: number
  /** Targets that have another status now, or their first one; where proofs are required, whose register has moved. */
  readonly changed: number
}

/** How long a node that starts waits at most for what others know, before it answers and proposes. */
export const SnapshotWait = Context.Reference<Duration.Input>("effect-geodns/status/SnapshotWait", {
  defaultValue: () => "2 seconds"
})

/**
 * Takes over what other nodes of ours hold for official, so that a node that was away, or missed a decision, catches up:
 * it asks at its start, whenever the bus is connected again, and when it notices that it did not run for a while, and compares with every
 * node about once a minute. It
 * answers the same questions of others.
 *
 * What is taken is ordered as decisions are: nothing replaces what was decided later. Where {@link Proofs} are required it is
 * certificates that are compared and taken, and nothing else.
 */
export class Snapshots extends Context.Service<Snapshots, {
  /** Asks everyone now. */
  readonly catchUp: Effect.Effect<CaughtUp>
  /** Whether decisions reach this node: the bus is connected, and a monitor of ours was heard in the last minutes. */
  readonly isFollowing: Effect.Effect<boolean>
}>()("effect-geodns/status/Snapshots") {
  /** Waits for the first answers, {@link SnapshotWait} at most. Without a connection, or slower than that, it goes on. */
  static readonly layer: Layer.Layer<Snapshots, never, Bus | Conditions | Config | NodeIdentity | OfficialStatus> =
    Layer
      .effect(
        Snapshots,
        Effect.gen(function*() {
          const bus = yield* Bus
          const clock = yield* Clock.Clock
          const conditions = yield* Conditions
          const config = yield* Config
          const identity = yield* NodeIdentity
          const proofs = yield* Proofs
          const held = yield* proofs.isRequired ? heldByProof(proofs) : heldByTime

          const peers = new Peers({ isMember: proofs.isMember })
          const answers = yield* makeAnswers(Subject.Status, answerRate)
          const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
          const single = yield* Semaphore.make(1)
          const started = yield* Deferred.make<void>()

          const headOf = (digest: Digest): SnapshotHead => ({
            NodeID: identity.id,
            NodeRole: identity.role,
            Count: digest.count,
            Hash: digest.hash
          })

          const answer = Effect.fnUntraced(function*(question: StatusQuestion, reply: string) {
            if (!(yield* answers.mayGoTo(reply)) || !(yield* answers.mayBeGiven)) return
            const ours = yield* held.digest(viewAge)
            const head = headOf(ours)
            const isPage = question.To === identity.id
              && (question.From > 0 || !isSameDigest(ours, { count: question.Count, hash: question.Hash }))
            const text = isPage ? yield* held.page(head, question.From) : JSON.stringify({ ...head, Entries: [] })
            answers.spend(text.length)
            yield* bus.publish(reply, text)
            yield* Metric.update(isPage ? pages : summaries, 1)
          })

          const asker = yield* makeAsker({ headOf, held, peers })

          const guarded = <E, R>(what: string, effect: Effect.Effect<unknown, E, R>) =>
            Effect.catchCause(
              Effect.asVoid(effect),
              (cause) => Effect.logError(`catching up: ${what} failed`, cause)
            )

          const reportTrouble = Effect.catch((error: BusError) =>
            error.reason._tag === "Disconnected" ? Effect.void : Effect.logWarning(error.message)
          )

          const lanes = yield* makeLanes({
            standing: (node) => peers.standing(node),
            ask: (node) =>
              guarded(
                "asking a node",
                Effect.flatMap(held.digest(0), (digest) =>
                  peers.isWorthAsking(node, digest, now())
                    ? reportTrouble(Effect.asVoid(asker.takeFrom(node)))
                    : Effect.void)
              )
          })

          const onMessage = (question: StatusQuestion, { reply }: BusMessage) =>
            Effect.gen(function*() {
              const { Count, Hash, NodeID, NodeRole, To, Type } = question
              if (Type === "ask") {
                if (reply !== undefined && (To === undefined || To === identity.id)) yield* answer(question, reply)
                return
              }
              if (NodeID === identity.id) return
              const theirs = { count: Count, hash: Hash }
              peers.heard(NodeID, NodeRole, theirs, now())
              if (lanes.isWaiting(NodeID) || !held.isComparable(theirs)) return
              if (peers.isWorthAsking(NodeID, yield* held.digest(viewAge), now())) yield* lanes.join(NodeID)
            })

          const catchUp: Effect.Effect<CaughtUp> = Effect.gen(function*() {
            const found = yield* asker.everyone
            for (const { Count, Hash, NodeID, NodeRole } of found) {
              if (NodeID !== identity.id) peers.heard(NodeID, NodeRole, { count: Count, hash: Hash }, now())
            }
            const nodes = new Set(found.map(({ NodeID }) => NodeID))
            nodes.delete(identity.id)
            const answered = nodes.size
            for (const { Count, Hash, NodeID } of found) {
              if (!held.isComparable({ count: Count, hash: Hash })) nodes.delete(NodeID)
            }
            let changed = 0
            let whole = 0
            for (let asked = 0; asked < maxAsked && whole < maxWhole; asked++) {
              // Again each time: what one gave may be all that the next one has.
              const [node] = peers.worthAsking(nodes, yield* held.digest(0), now())
              if (node === undefined) break
              nodes.delete(node)
              const taken = yield* asker.takeFrom(node)
              changed += taken.changed
              if (taken.isWhole) whole++
            }
            // Those before were invented, or are gone: the others get their try.
            if (whole < maxWhole) {
              for (const node of peers.worthAsking(nodes, yield* held.digest(0), now())) yield* lanes.join(node)
            }
            return { answered, changed }
          }).pipe(
            Effect.catch((error) =>
              Effect.as(
                error.reason._tag === "Disconnected" ? Effect.void : Effect.logWarning(error.message),
                { answered: 0, changed: 0 }
              )
            ),
            single.withPermit,
            Effect.withSpan("Snapshots.catchUp")
          )

          /** Asks everyone, and some more times while nobody is there yet. */
          const catchUpSoon = catchUp.pipe(
            Effect.ensuring(Deferred.succeed(started, undefined)),
            Effect.repeat({
              until: ({ answered }) => answered > 0,
              schedule: Schedule.spaced("10 seconds").pipe(Schedule.upTo({ times: 3 }))
            })
          )

          const tell = Effect.gen(function*() {
            if (!(yield* bus.connected)) return
            const head = headOf(yield* held.digest(0))
            yield* Effect.provideService(Messages.send(Subject.Status, { Type: "digest", ...head, From: 0 }), Bus, bus)
          })

          const report = Effect.gen(function*() {
            const found = peers.disagreements(yield* held.digest(viewAge), now())
            yield* Metric.update(disagreements, found.reduce((sum, { targets }) => sum + targets, 0))
            const [first, ...others] = found.filter(({ since }) => now() - since >= disagreementTime)
            if (first === undefined) return yield* conditions.clear("status:disagreement")
            yield* conditions.raise("status:disagreement", held.describe(first, others.length))
          })

          /** Not all nodes at once. */
          const soon = Effect.flatMap(Random.nextBetween(1_000, 3_000), Effect.sleep)

          yield* Messages.receive(Subject.Status, onMessage).pipe(
            Effect.tapError((error) => Effect.logWarning(error.message)),
            Effect.retry(Schedule.spaced("2 seconds")),
            Effect.provideService(Bus, bus),
            Effect.forkScoped({ startImmediately: true })
          )
          yield* bus.connection.pipe(
            Stream.switchMap((connected) =>
              Stream.fromEffect(connected ? guarded("asking everyone", catchUpSoon) : Effect.void)
            ),
            Stream.runDrain,
            Effect.forkScoped({ startImmediately: true })
          )
          // What others decided while our documents or rosters did not know it was not taken: now it may be.
          yield* Stream.merge(config.changes, proofs.changes).pipe(
            Stream.tap(() => Effect.sync(() => peers.lookAgain())),
            Stream.switchMap(() => Stream.fromEffect(Effect.andThen(soon, guarded("asking everyone", catchUp)))),
            Stream.runDrain,
            Effect.forkScoped({ startImmediately: true })
          )
          yield* Effect.flatMap(Random.nextBetween(5_000, 15_000), Effect.sleep).pipe(
            Effect.andThen(
              guarded("telling what we have", tell).pipe(
                Effect.andThen(Effect.flatMap(Random.nextBetween(60_000, 90_000), Effect.sleep)),
                Effect.forever
              )
            ),
            Effect.forkScoped
          )
          // A connection may outlive that we were stopped, and all that was said meanwhile be lost.
          const clocks = Effect.sync(() => ({ wall: clock.currentTimeMillisUnsafe(), monotonic: now() }))
          yield* clocks.pipe(
            Effect.tap(Effect.sleep(awayEvery)),
            Effect.zip(clocks),
            Effect.flatMap(([before, after]) =>
              wasAway(before, after, awayEvery)
                ? Effect.andThen(soon, guarded("asking everyone", catchUp))
                : Effect.void
            ),
            Effect.forever,
            Effect.forkScoped
          )
          yield* guarded("looking who disagrees", report).pipe(
            Effect.andThen(Effect.sleep("15 seconds")),
            Effect.forever,
            Effect.forkScoped
          )
          yield* Deferred.await(started).pipe(Effect.timeoutOption(yield* SnapshotWait))

          return Snapshots.of({
            catchUp,
            isFollowing: Effect.map(bus.connected, (connected) => connected && peers.hasMonitor(now()))
          })
        })
      )
}

/** What all answers together may cost the network: a full table of 30,000 targets is some 12 MB. */
const answerRate = { perSecond: 2 * 1024 * 1024, most: 24 * 1024 * 1024 }

/** Nodes with different things to say that are heard out in one round, and that are asked for that. */
const maxWhole = 3
const maxAsked = 6

/** How often we look whether we were away, in milliseconds. */
const awayEvery = 2_000

/** Milliseconds after which a disagreement is for people to know. */
const disagreementTime = 3 * 60_000

const answered = Metric.counter("geodns_snapshot_answers_total", {
  description: "Questions about the official status that this node answered",
  incremental: true
})

const pages = Metric.withAttributes(answered, { kind: "page" })
const summaries = Metric.withAttributes(answered, { kind: "summary" })

const disagreements = Metric.gauge("geodns_status_disagreements", {
  description: "Targets on which other nodes hold something else for official although they were asked"
})
