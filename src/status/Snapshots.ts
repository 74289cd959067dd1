import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { makeAnswers } from "../bus/Answers.ts"
import { Bus, type BusError, type BusMessage } from "../bus/Bus.ts"
import { messageCodec } from "../bus/MessageCodec.ts"
import * as Messages from "../bus/Messages.ts"
import { Config } from "../config/Config.ts"
import type { StatusAnswer, StatusQuestion } from "../domain/wire/Snapshot.ts"
import * as Subject from "../domain/wire/Subject.ts"
import { Conditions } from "../node/Conditions.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { heldByProof } from "./heldByProof.ts"
import { heldByTime } from "./heldByTime.ts"
import { type SnapshotHead, type Tally, viewAge } from "./Holdings.ts"
import { KnownTargets } from "./KnownTargets.ts"
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
          const known = yield* KnownTargets
          const proofs = yield* Proofs
          const held = yield* proofs.isRequired ? heldByProof(proofs) : heldByTime

          const peers = new Peers()
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

          const jobs = yield* Queue.dropping<string>(maxJobs)
          const waiting = new Set<string>()

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
              if (waiting.has(NodeID) || !held.isComparable(theirs)) return
              if (!peers.isWorthAsking(NodeID, yield* held.digest(viewAge), now())) return
              if (Queue.offerUnsafe(jobs, NodeID)) waiting.add(NodeID)
            })

          const ask = Effect.fnUntraced(
            function*(
              about: Pick<StatusQuestion, "From"> & { readonly To?: string },
              max: number,
              wait: Duration.Input
            ) {
              // A digest that is right at the first page spares all of them.
              const head = headOf(yield* held.digest(about.From === 0 ? 0 : viewAge))
              const question = encode({ Type: "ask", ...head, ...about })
              if (Result.isFailure(question)) return []
              const messages = yield* bus.askAll(Subject.Status.name, question.success, { wait, max })
              return messages.flatMap(({ data }) => {
                const answer = decode(data)
                return Result.isSuccess(answer) ? [answer.success] : []
              })
            }
          )

          /** One page of a node; undefined when it does not come. */
          const page = (node: string, from: number): Effect.Effect<StatusAnswer | undefined, BusError> =>
            Effect.map(
              ask({ To: node, From: from }, 1, "1 second"),
              (answers) => answers.find(({ NodeID, From }) => NodeID === node && From === from)
            ).pipe(Effect.repeat({ until: (answer) => answer !== undefined, times: 2 }))

          /** Takes what a node has and we have not, page by page. */
          const takeFrom = Effect.fnUntraced(function*(node: string) {
            const isKnown = known(yield* config.current)
            const tally: Tally = { changed: 0, different: [] }
            let from: number | undefined = 0
            let seen = 0
            while (from !== undefined) {
              const answer: StatusAnswer | undefined = yield* page(node, from)
              if (answer === undefined) {
                peers.asked(node, now())
                return tally.changed
              }
              peers.heard(node, answer.NodeRole, { count: answer.Count, hash: answer.Hash }, now())
              for (const entry of answer.Entries) {
                if (++seen % held.slice === 0) yield* Effect.yieldNow
                yield* held.take(entry, isKnown, tally)
              }
              const next: number | undefined = answer.Next
              from = next !== undefined && next > from && next <= maxEntries ? next : undefined
            }
            peers.settle(node, yield* held.digest(0), tally.different, now())
            return tally.changed
          })

          const reportTrouble = Effect.catch((error: BusError) =>
            error.reason._tag === "Disconnected" ? Effect.succeed(0) : Effect.as(Effect.logWarning(error.message), 0)
          )

          const catchUp: Effect.Effect<CaughtUp> = Effect.gen(function*() {
            const found = yield* ask({ From: 0 }, maxAnswers, "750 millis")
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
            for (let asked = 0; asked < maxAsked; asked++) {
              // Again each time: what one gave may be all that the next one has.
              const [node] = peers.worthAsking(nodes, yield* held.digest(0))
              if (node === undefined) break
              nodes.delete(node)
              changed += yield* takeFrom(node)
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

          const guarded = <E, R>(what: string, effect: Effect.Effect<unknown, E, R>) =>
            Effect.catchCause(
              Effect.asVoid(effect),
              (cause) => Effect.logError(`catching up: ${what} failed`, cause)
            )

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
          // What others decided while our documents did not know it was not taken: now it may be.
          yield* config.changes.pipe(
            Stream.tap(() => Effect.sync(() => peers.lookAgain())),
            Stream.switchMap(() => Stream.fromEffect(Effect.andThen(soon, guarded("asking everyone", catchUp)))),
            Stream.runDrain,
            Effect.forkScoped({ startImmediately: true })
          )
          yield* Queue.take(jobs).pipe(
            // Nodes that just decided something differ for a moment.
            Effect.tap(soon),
            Effect.flatMap((node) => {
              waiting.delete(node)
              return guarded(
                "asking a node",
                Effect.flatMap(held.digest(0), (digest) =>
                  peers.isWorthAsking(node, digest, now())
                    ? single.withPermit(reportTrouble(takeFrom(node)))
                    : Effect.void)
              )
            }),
            Effect.forever,
            Effect.forkScoped
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

const { encode } = messageCodec(Subject.Status)
const { decode } = messageCodec(Subject.StatusReply)

/** What all answers together may cost the network: a full table of 30,000 targets is some 12 MB. */
const answerRate = { perSecond: 2 * 1024 * 1024, most: 24 * 1024 * 1024 }

/** Answers to a question to everyone. */
const maxAnswers = 256

/** Nodes with different things to say that are asked in one round. */
const maxAsked = 3

/** Nodes that wait to be asked. */
const maxJobs = 256

/** Entries of one node; a table holds no more. */
const maxEntries = 65_536

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
