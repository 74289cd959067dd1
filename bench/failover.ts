import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as References from "effect/References"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { Bus } from "../src/bus/Bus.ts"
import { Membership } from "../src/cluster/Membership.ts"
import { Config } from "../src/config/Config.ts"
import { Consensus } from "../src/consensus/Consensus.ts"
import { demoName } from "../src/demo/documents.ts"
import { demoMembers } from "../src/demo/places.ts"
import type { Target } from "../src/domain/Target.ts"
import { Conditions } from "../src/node/Conditions.ts"
import { DurableFiles } from "../src/node/DurableFiles.ts"
import { NodeIdentity } from "../src/node/NodeIdentity.ts"
import { KnownTargets } from "../src/status/KnownTargets.ts"
import { Observer } from "../src/status/Observer.ts"
import { OfficialStatus } from "../src/status/OfficialStatus.ts"
import { answerOf, makeNetwork, type Node, waitForAnswer, waitForStatus } from "../test/cli/network.ts"
import { natsServer } from "../test/servers/NatsServer.ts"
import { isInstalled, nats } from "../test/servers/Server.ts"
import { atMost, type Benchmark } from "./measure.ts"

const goal = 50
const fuji = demoMembers[0]!
const target: Target = { checkType: "site", check: "ping", member: fuji.name, domain: "", endpoint: "", ipv6: false }
/** Near the member that goes and comes. */
const osaka = { name: demoName, subnet: "203.0.113.0/24" }

/** A monitor with a connection of its own, which sees the target as `up` says. */
const monitor = (id: string, url: string, up: () => boolean) => {
  const observer = Layer.succeed(Observer, {
    observe: () =>
      Effect.sync(() => Option.some({ target, up: up(), error: up() ? "" : "down", data: null, at: 0, latency: 1 }))
  })
  const services = Consensus.layer.pipe(
    Layer.provideMerge(Membership.layer),
    Layer.provide([
      Bus.layerNats({ servers: [url], name: id }),
      NodeIdentity.layerMemory({ id, role: "IBPMonitor" }),
      Config.layerMemory(),
      // It has no documents.
      Layer.succeed(KnownTargets, () => () => true)
    ]),
    Layer.provide([OfficialStatus.layer, observer]),
    Layer.provide([DurableFiles.layerMemory, Conditions.layerMemory]),
    Layer.fresh
  )
  return Effect.map(Layer.build(services), (context) => Context.get(context, Consensus))
}

/** Asks, a millisecond after each answer again, until the answer is with the member, or without it. */
const askUntil = (node: Node, withIt: boolean): Effect.Effect<void> =>
  Effect.suspend(() => {
    const answer = answerOf(node, osaka.name, osaka.subnet)
    const hasChanged = (address: string | undefined) => address !== undefined && (address === fuji.address) === withIt
    return Effect.repeat(answer, { schedule: Schedule.spaced("1 millis"), until: hasChanged })
  }).pipe(Effect.timeoutOrElse({
    duration: "10 seconds",
    orElse: () => Effect.die(new Error(`the answer is still not ${withIt ? "with" : "without"} the member`))
  }))

const measure = Effect.fnUntraced(
  function*(decisions: number) {
    const broker = yield* natsServer()
    const [dns] = yield* makeNetwork({
      nats: broker.url,
      memberPort: 9,
      nodes: { "dns-1": "dns" },
      // One member that goes again and again is held by the cap on removals, and that is not what is measured.
      change: (local) => local.GeoDNS.Steering.MaxRemovedShare = 1
    })
    yield* dns!.start
    let up = true
    const monitors = yield* Effect.forEach(
      ["monitor-1", "monitor-2", "monitor-3"],
      (id) => monitor(id, broker.url, () => up)
    )
    yield* waitForStatus(
      dns!,
      "knows the monitors",
      ({ nodes }) => nodes.items.filter((node) => node.role === "IBPMonitor").length === 3
    )
    yield* waitForAnswer(dns!, osaka, "with the nearest", (address) => address === fuji.address)

    // On whichever monitor is the first.
    const decided = yield* Queue.unbounded<{ readonly up: boolean; readonly at: number }>()
    let last = ""
    for (const { subscribe } of monitors) {
      yield* Stream.runForEach(yield* subscribe, (event) =>
        Effect.suspend(() => {
          if (event._tag !== "Decided" || event.decision.id === last) return Effect.void
          last = event.decision.id
          return Queue.offer(decided, { up: event.decision.up, at: performance.now() })
        })).pipe(Effect.forkScoped({ startImmediately: true }))
    }
    const times: Array<number> = []
    // Two more at the start, which are not counted: no code has run yet.
    for (let i = -2; i < decisions; i++) {
      up = !up
      yield* monitors[0]!.propose({ target, up, error: up ? "" : "down", data: null })
      const decision = yield* Effect.timeout(Queue.take(decided), "10 seconds")
      yield* askUntil(dns!, decision.up)
      if (i >= 0) times.push(performance.now() - decision.at)
      // As in the field no decision follows closely on another, whose change would be taken together with it.
      yield* Effect.sleep("100 millis")
    }
    return times.sort((a, b) => a - b)
  },
  Effect.provideService(References.MinimumLogLevel, "Error"),
  Effect.scoped
)

/**
 * Milliseconds from a decision, on the monitor that takes it first, to the first answer of a DNS node in another process that goes by
 * it, asked by UDP again and again. Three monitors in this process, each with a connection of its own to a real
 * nats-server, propose and vote that one member is down, and up again.
 */
export const run: Benchmark = async ({ smoke }) => {
  if (!isInstalled(nats)) {
    console.error("failover: no nats-server (npm run servers, as root): not measured")
    return [{ name: "failover-p99", value: 0, unit: "ms", goal, ok: false }]
  }
  const times = await Effect.runPromise(measure(smoke ? 10 : 200))
  const percentile = (share: number) => times[Math.ceil(times.length * share) - 1]!
  return [
    atMost("failover-p50", percentile(0.5), "ms", goal),
    atMost("failover-p99", percentile(0.99), "ms", goal)
  ]
}
