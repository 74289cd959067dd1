import { assert, it } from "@effect/vitest"
import { Effect, Metric, Stream } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Bus } from "../../src/bus/Bus.ts"
import * as Messages from "../../src/bus/Messages.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { natsServer } from "../servers/NatsServer.ts"
import { describeWith, nats } from "../servers/Server.ts"
import { counted } from "./counted.ts"
import { eventually, natsBus, until } from "./natsClients.ts"

/** By name: an answer to an inbox has the name of its question. */
const subjects = [
  ...new Map((Object.values(Subject) as ReadonlyArray<Subject.Subject<unknown>>).map((s) => [s.name, s])).values()
]
const perSubject = 100_000

const texts = [
  "",
  "null",
  "[]",
  "{}",
  "0",
  '"text"',
  '{"ID":',
  "x".repeat(200),
  "[".repeat(100) + "]".repeat(100),
  '{"__proto__":{"ID":1}}',
  '{"ID":7,"ProposalID":{},"sender":[],"startDate":1}',
  '{"type":"join","sender":{"NodeID":""}}'
]
const garbage = [
  ...texts.map((text) => Buffer.from(text)),
  Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28]),
  Buffer.alloc(64)
]

const heapUsed = (): number => {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

describeWith(nats, "garbage on NATS", () => {
  it.live(
    "from a stranger, 100,000 messages on every subject: counted, in flat memory, and the rest goes on",
    () =>
      Effect.gen(function*() {
        const server = yield* natsServer()
        const { connect } = yield* Effect.promise(() => import("@nats-io/transport-node"))
        const stranger = yield* Effect.acquireRelease(
          Effect.promise(() => connect({ servers: server.url })),
          (client) => Effect.promise(() => client.close())
        )
        const bus = yield* natsBus({ servers: [server.url] })
        const changes: Array<boolean> = []
        yield* bus.connection.pipe(
          Stream.runForEach((connected) => Effect.sync(() => changes.push(connected))),
          Effect.forkScoped
        )
        yield* until(bus, true)
        let good = 0
        for (const subject of subjects) {
          yield* Messages.receive(subject, () => Effect.sync(() => good++)).pipe(Effect.provideService(Bus, bus))
        }
        const seen = Effect.map(
          Effect.all([counted("geodns_bus_garbage_total"), counted("geodns_bus_dropped_total")]),
          ([garbage, dropped]) => garbage + dropped
        )
        const flood = Effect.fnUntraced(function*(count: number) {
          const expected = (yield* seen) + good + count * subjects.length
          for (let i = 0; i < count; i++) {
            for (const { name } of subjects) stranger.publish(name.replace(">", "any"), garbage[i % garbage.length])
            // As fast as the broker takes it, which is faster than we read.
            if (i % 500 === 499) yield* Effect.promise(() => stranger.flush())
          }
          yield* eventually("all seen", Effect.map(seen, (now) => now + good === expected))
        })
        yield* flood(5_000)
        const before = heapUsed()
        const began = performance.now()
        yield* flood(perSubject)
        const seconds = (performance.now() - began) / 1000
        const grown = (heapUsed() - before) / 1024 / 1024
        console.info(
          `${perSubject * subjects.length} garbage messages on ${subjects.length} subjects in ${seconds.toFixed(1)} s: `
            + `heap ${grown >= 0 ? "+" : ""}${grown.toFixed(1)} MiB, dropped ${yield* counted(
              "geodns_bus_dropped_total"
            )}`
        )
        assert.isBelow(grown, 20)
        // An answer to a ping that is far behind in the flood is no lost connection.
        assert.deepStrictEqual(changes.filter((connected) => !connected).length, changes[0] ? 0 : 1)
        const taken = good
        stranger.publish(Subject.Cast.name, '{"ProposalID":"p","NodeID":"n","Agree":true}')
        yield* eventually("a good one", Effect.sync(() => good === taken + 1))
      }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())),
    180_000
  )
})
