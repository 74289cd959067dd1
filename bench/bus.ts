import type { NatsConnection } from "@nats-io/transport-node"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Bus } from "../src/bus/Bus.ts"
import * as Messages from "../src/bus/Messages.ts"
import type { Vote } from "../src/domain/wire/Consensus.ts"
import * as Subject from "../src/domain/wire/Subject.ts"
import { startNatsServer } from "../test/servers/NatsServer.ts"
import { isInstalled, nats } from "../test/servers/Server.ts"
import { atLeast, atMost, type Benchmark, type Measure } from "./measure.ts"

/** Messages sent before the receiver must have seen them: less than an inbox holds, so that none is dropped. */
const block = 4_000

const vote = (i: number): Vote => ({
  ProposalID: "6f1c2b0e-6f0a-4b77-9a59-0d5c1f3c8a11",
  SenderNodeID: "MONITOR-EU-1",
  NodeID: "MONITOR-EU-1",
  Agree: i % 2 === 0,
  Timestamp: 1_776_000_000_000 + i
})

interface Pair {
  /** Votes per second, encoded, sent, received and decoded. */
  readonly votes: (blocks: number) => Promise<number>
  /** Milliseconds of the median question. */
  readonly question: (count: number) => Promise<number>
}

const median = (times: Array<number>): number => times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN

/** The same bytes as the wire has. */
const plainVote = (i: number) => {
  const { Timestamp, ...rest } = vote(i)
  return { ...rest, Timestamp: new Date(Timestamp).toISOString() }
}

/** The NATS client as it comes, with `JSON.stringify` and `JSON.parse`. */
const bare = async (a: NatsConnection, b: NatsConnection): Promise<Pair> => {
  let seen = 0
  let onSeen = () => {}
  b.subscribe("bench.bare", {
    callback: (_, message) => {
      if (message.json<Vote>().ProposalID !== "" && ++seen % block === 0) onSeen()
    }
  })
  b.subscribe("bench.bare.ask", { callback: (_, message) => void message.respond(message.data) })
  await b.flush()
  return {
    votes: async (blocks) => {
      const began = performance.now()
      for (let k = 0; k < blocks; k++) {
        const all = new Promise<void>((done) => onSeen = done)
        for (let i = 0; i < block; i++) a.publish("bench.bare", JSON.stringify(plainVote(i)))
        await all
      }
      return blocks * block / (performance.now() - began) * 1000
    },
    question: async (count) => {
      const times: Array<number> = []
      for (let i = 0; i < count; i++) {
        const began = performance.now()
        await a.request("bench.bare.ask", "?", { timeout: 5_000 })
        times.push(performance.now() - began)
      }
      return median(times)
    }
  }
}

/** The same through our Bus, with the schemas of the wire. */
const through = Effect.fnUntraced(function*(a: Bus["Service"], b: Bus["Service"]) {
  let seen = 0
  let onSeen = () => {}
  yield* Messages.receive(Subject.Cast, () => {
    if (++seen % block === 0) onSeen()
    return Effect.void
  }).pipe(Effect.provideService(Bus, b))
  const questions = yield* b.subscribe("bench.bus.ask")
  yield* questions.pipe(
    Stream.runForEach(({ data, reply }) => reply === undefined ? Effect.void : b.publish(reply, data)),
    Effect.forkScoped
  )
  const sendBlock = Effect.gen(function*() {
    for (let i = 0; i < block; i++) yield* Messages.send(Subject.Cast, vote(i))
  }).pipe(Effect.provideService(Bus, a))
  const pair: Pair = {
    votes: async (blocks) => {
      const began = performance.now()
      for (let k = 0; k < blocks; k++) {
        const all = new Promise<void>((done) => onSeen = done)
        await Effect.runPromise(sendBlock)
        await all
      }
      return blocks * block / (performance.now() - began) * 1000
    },
    question: async (count) => {
      const times: Array<number> = []
      for (let i = 0; i < count; i++) {
        const began = performance.now()
        await Effect.runPromise(a.askAll("bench.bus.ask", "?", { wait: "5 seconds", max: 1 }))
        times.push(performance.now() - began)
      }
      return median(times)
    }
  }
  return pair
})

const measure = (url: string, smoke: boolean): Effect.Effect<ReadonlyArray<Measure>> =>
  Effect.scoped(Effect.gen(function*() {
    const client = Effect.map(
      Layer.build(Bus.layerNats({ servers: [url], name: "bench" })),
      (context) => Context.get(context, Bus)
    )
    const [a, b] = yield* Effect.all([client, client])
    for (const bus of [a, b]) yield* bus.connection.pipe(Stream.filter((connected) => connected), Stream.runHead)
    const ours = yield* Effect.orDie(through(a, b))
    const { connect } = yield* Effect.promise(() => import("@nats-io/transport-node"))
    const bareClient = Effect.acquireRelease(
      Effect.promise(() => connect({ servers: url, noEcho: true })),
      (connection) => Effect.promise(() => connection.close())
    )
    const [bareA, bareB] = yield* Effect.all([bareClient, bareClient])
    const theirs = yield* Effect.promise(() => bare(bareA, bareB))
    // In many short turns, and the best of each: other work on the machine only slows, and must not hit one side only.
    const best = { theirs: 0, ours: 0, theirsAsk: Infinity, oursAsk: Infinity }
    for (let round = 0; round < (smoke ? 2 : 16); round++) {
      const [blocks, asks] = smoke ? [3, 100] : [8, 500]
      best.theirs = Math.max(best.theirs, yield* Effect.promise(() => theirs.votes(blocks)))
      best.ours = Math.max(best.ours, yield* Effect.promise(() => ours.votes(blocks)))
      best.theirsAsk = Math.min(best.theirsAsk, yield* Effect.promise(() => theirs.question(asks)))
      best.oursAsk = Math.min(best.oursAsk, yield* Effect.promise(() => ours.question(asks)))
    }
    return [
      atLeast("bus-bare-votes", best.theirs, "votes/s", Math.floor(best.theirs)),
      atLeast("bus-votes", best.ours, "votes/s", Math.floor(best.theirs * share / 100)),
      atLeast("bus-share", best.ours / best.theirs * 100, "%", share),
      atMost("bus-bare-question", best.theirsAsk, "ms", 1),
      atMost("bus-question", best.oursAsk, "ms", Math.max(1, best.theirsAsk * 3))
    ]
  }))

/** What our Bus, its schemas and its bounds leave of the bare client's speed, in percent. */
const share = 60

/**
 * Votes per second and the median question over a real nats-server, through our Bus and through the bare client, in one
 * process and in turns.
 */
export const run: Benchmark = async ({ smoke }) => {
  if (!isInstalled(nats)) {
    console.error("bus: no nats-server (npm run servers, as root): not measured")
    return [{ name: "bus-share", value: 0, unit: "%", goal: share, ok: false }]
  }
  await using server = await startNatsServer()
  return await Effect.runPromise(measure(server.url, smoke))
}
