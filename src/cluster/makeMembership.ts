import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Bus, type BusError } from "../bus/Bus.ts"
import * as Messages from "../bus/Messages.ts"
import type { ClusterMessage } from "../domain/wire/Cluster.ts"
import * as Subject from "../domain/wire/Subject.ts"
import { Conditions } from "../node/Conditions.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { clockProblems } from "./clockProblems.ts"
import { ClockSkew } from "./ClockSkew.ts"
import { JoinSeals } from "./JoinSeals.ts"
import type { Membership } from "./Membership.ts"
import { activeFor, NodeTable } from "./NodeTable.ts"

/** Where this node says that it listens; nothing depends on it. */
export interface Announcement {
  readonly address?: string
  readonly port?: number
  /** A shadow counts itself in no electorate: nobody else does. */
  readonly isShadow?: boolean
}

const refused = Metric.counter("geodns_nodes_refused_total", {
  description: "Messages of nodes that were not taken up because too many are known",
  incremental: true
})

const forged = Metric.counter("geodns_nodes_forged_total", {
  description: "Announcements that claim a member of the roster and are not signed by it, by reason",
  incremental: true
})

/** Nodes in whose name somebody announced itself, and that were logged. */
const maxForged = 256

/** Three times half a second apart, then every 90 seconds. */
const announcing = Schedule.spaced("500 millis").pipe(
  Schedule.upTo({ times: 2 }),
  Schedule.concat(Schedule.spaced("90 seconds"))
)

/** Milliseconds from an announcement to the next one that answers somebody. */
const answerEvery = 5_000

/** Starts of other nodes with our id that are remembered. */
const maxTwins = 16

/** Milliseconds that the bus has to connect at the start before that is a condition. */
const connectsWithin = 2_000

/** A loop goes on after a defect in one round of it. */
const guarded = <R>(round: Effect.Effect<unknown, never, R>): Effect.Effect<void, never, R> =>
  Effect.catchCause(Effect.asVoid(round), (cause) => Effect.logError("membership: a round failed", cause))

/** Membership over the bus in context. */
export const makeMembership = Effect.fnUntraced(function*(
  announcement: Announcement
): Effect.fn.Return<Membership["Service"], BusError, NodeIdentity | Bus | Conditions | Scope.Scope> {
  const identity = yield* NodeIdentity
  const bus = yield* Bus
  const conditions = yield* Conditions
  const clock = yield* Clock.Clock
  const seals = yield* JoinSeals
  const table = new NodeTable(announcement.isShadow === true ? { ...identity, role: "" } : identity)
  // Only the newest news counts: readers then ask for the nodes themselves.
  const news = yield* PubSub.sliding<void>({ capacity: 1, replay: 1 })
  yield* PubSub.publish(news, undefined)
  const answers = yield* Queue.dropping<void>(1)

  /** Liveness is measured on the monotonic clock: setting the time of day ages nobody. */
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  const clocks = new ClockSkew()
  const skews = () =>
    clocks.measured((id) => id !== identity.id && table.has(id), clock.currentTimeMillisUnsafe(), now())
  const tellOfClocks = Effect.suspend(() => {
    const { others, own } = clockProblems(skews())
    return Effect.andThen(
      own === undefined ? conditions.clear("clock") : conditions.raise("clock", own),
      others === undefined ? conditions.clear("clock:others") : conditions.raise("clock:others", others)
    )
  })

  let told = table.version
  const tell = Effect.suspend(() => {
    if (table.version === told) return Effect.void
    told = table.version
    return PubSub.publish(news, undefined)
  })

  let announcedAt = Number.NEGATIVE_INFINITY
  const announce = Effect.suspend(() => {
    announcedAt = now()
    const join = seals.seal({
      type: "join",
      sender: {
        NodeID: identity.id,
        PublicAddress: "",
        ListenAddress: announcement.address ?? "",
        ListenPort: announcement.port === undefined ? "" : String(announcement.port),
        NodeRole: identity.role,
        LastHeard: clock.currentTimeMillisUnsafe(),
        Boot: identity.boot
      },
      members: []
    })
    return Messages.send(Subject.Cluster, join)
  }).pipe(
    // The condition `bus` tells of a lost connection.
    Effect.catchReason("BusError", "Disconnected", () => Effect.void),
    Effect.catch((error) => Effect.logWarning(error.message)),
    Effect.provideService(Bus, bus)
  )
  const announceSoon = Effect.sync(() => Queue.offerUnsafe(answers, undefined))
  const answer = Queue.take(answers).pipe(
    Effect.andThen(Effect.suspend(() => Effect.sleep(Math.max(0, announcedAt + answerEvery - now())))),
    // Who asked while we waited hears this one too.
    Effect.andThen(Queue.poll(answers)),
    Effect.andThen(announce)
  )

  let clashUntil: number | undefined
  /** Starts of others with our id that heard of us, the newest last. */
  const answeredTwins = new Set<string>()
  /** Once for each start: two that answer each other for ever help nobody. */
  const answerTwin = (boot: string) =>
    Effect.suspend(() => {
      if (answeredTwins.has(boot)) return Effect.void
      answeredTwins.add(boot)
      if (answeredTwins.size > maxTwins) answeredTwins.delete(answeredTwins.keys().next().value!)
      return announceSoon
    })
  const clash = (detail: string) =>
    Effect.suspend(() => {
      clashUntil = now() + activeFor
      return conditions.raise("node-id", `${detail}: give every node a Nats.NodeID of its own`)
    })

  const impostors = new Set<string>()
  const refuseForged = (sender: string, reason: string) =>
    Effect.suspend(() => {
      const count = Metric.update(Metric.withAttributes(forged, { reason }), 1)
      if (impostors.has(sender) || impostors.size >= maxForged) return count
      impostors.add(sender)
      return Effect.andThen(
        count,
        Effect.annotateLogs(
          Effect.logWarning("an announcement claims a member of the roster and is not signed by it: it does not count"),
          { sender, reason }
        )
      )
    })

  const take = (message: ClusterMessage) =>
    Effect.suspend(() => {
      const { sender, type } = message
      if (type !== "join") return Effect.void
      const verdict = seals.judge(message, clock.currentTimeMillisUnsafe())
      if (verdict._tag === "Refused") return refuseForged(sender.NodeID, verdict.reason)
      const address = (sender.PublicAddress || sender.ListenAddress || "an unknown address").slice(0, 255)
      const joined = table.join(sender, now(), verdict._tag === "Sealed" ? verdict.epoch : undefined)
      clocks.heard(sender.NodeID, sender.LastHeard, clock.currentTimeMillisUnsafe(), now())
      switch (joined) {
        case "own":
        case "known":
          return Effect.void
        case "new":
        case "changed":
          return Effect.andThen(tell, announceSoon)
        case "shared-id":
          return Effect.all([
            tell,
            announceSoon,
            clash(`two nodes with the id ${sender.NodeID} announce themselves in turns, one from ${address}`)
          ])
        case "own-id":
          return Effect.andThen(
            answerTwin(sender.Boot?.slice(0, 64) ?? ""),
            clash(`another node announces itself with this node's id ${sender.NodeID}, from ${address}`)
          )
        case "refused":
          return Metric.update(refused, 1)
      }
    })

  const began = now()
  let everConnected = false
  const tellOfBus = Effect.gen(function*() {
    const connected = yield* bus.connected
    const problem = yield* bus.problem
    everConnected ||= connected
    if (connected) return yield* problem === undefined ? conditions.clear("bus") : conditions.raise("bus", problem)
    // A client that is about to connect for the first time is no news.
    if (!everConnected && now() - began < connectsWithin) return
    yield* conditions.raise(
      "bus",
      `the bus is not connected${
        problem === undefined ? "" : ` (${problem})`
      }: this node hears no other and takes part `
        + "in no decision. It keeps checking and answering by what was decided last. Look at the broker and the network"
    )
  })

  const watchConnection = Stream.runForEach(
    Stream.zipWithPrevious(bus.connection),
    ([before, connected]) =>
      Effect.andThen(
        tellOfBus,
        // Others may not have heard our first announcements, or have forgotten us meanwhile.
        connected && Option.isSome(before) ? announceSoon : Effect.void
      )
  )

  const sweep = Effect.suspend(() => {
    table.advance(now())
    const clashOver = clashUntil !== undefined && now() >= clashUntil
    if (clashOver) {
      clashUntil = undefined
      answeredTwins.clear()
    }
    return Effect.all(
      [tell, tellOfBus, tellOfClocks, clashOver ? conditions.clear("node-id") : Effect.void],
      { discard: true }
    )
  })

  const nodes = Effect.sync(() => {
    const monotonic = now()
    const wall = clock.currentTimeMillisUnsafe()
    const measured = skews()
    return table.nodes(monotonic).map((node) => {
      const skew = measured.get(node.id)
      return { ...node, lastHeard: wall - (monotonic - node.lastHeard), ...skew !== undefined && { skew } }
    })
  })

  yield* Messages.receive(Subject.Cluster, take)
  yield* Effect.forkScoped(watchConnection)
  yield* Effect.forkScoped(Stream.runForEach(seals.changes, () => announceSoon), { startImmediately: true })
  yield* Effect.forkScoped(Effect.delay(tellOfBus, connectsWithin))
  yield* Effect.forkScoped(Effect.repeat(guarded(announce), announcing))
  yield* Effect.forkScoped(Effect.forever(guarded(answer)))
  yield* Effect.forkScoped(Effect.repeat(guarded(sweep), Schedule.spaced("5 seconds")))

  return {
    electorate: Effect.sync(() => table.electorate(now())),
    nodes,
    heard: (nodeId, on, sentAt) =>
      Effect.suspend(() => {
        const taken = table.heard(nodeId, on, now())
        if (taken && sentAt !== undefined) clocks.heard(nodeId, sentAt, clock.currentTimeMillisUnsafe(), now())
        return taken ? tell : Metric.update(refused, 1)
      }),
    changes: Stream.mapEffect(Stream.fromPubSub(news), () => nodes)
  }
})
