import { Effect, Layer, Queue, Redacted, Schedule } from "effect"
import { Config } from "../../src/config/Config.ts"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { OutageLog } from "../../src/status/OutageLog.ts"
import * as Store from "../../src/store/Store.ts"
import { Usage } from "../../src/usage/Usage.ts"
import { type ChaosArguments, hitOf, minimumOffline, type Said, type Told } from "./chaos.ts"

/**
 * Counts answers and takes decisions, and brings both into MariaDB by the layers that a node is made of, until it is told
 * to end or is killed.
 */
const { database, folder, id, port, start }: ChaosArguments = JSON.parse(process.argv[2]!)

/** Until it is in the hands of the system: kill -9 must not take what was said. */
const say = (message: Said) =>
  Effect.callback<void>((resume) => void process.send!(message, undefined, undefined, () => resume(Effect.void)))

const program = Effect.gen(function*() {
  const usage = yield* Usage
  const official = yield* OfficialStatus
  yield* OutageLog
  const inbox = yield* Queue.unbounded<Told>()
  process.on("message", (message) => Queue.offerUnsafe(inbox, message as Told))
  yield* say({ ready: true })

  let counted = 0
  let isCounting = true
  yield* Effect.gen(function*() {
    while (isCounting) {
      yield* say({ counting: counted + 25 })
      for (let i = 0; i < 25 && isCounting; i++) usage.record(hitOf(start, counted++))
      yield* Effect.sleep("5 millis")
    }
  }).pipe(Effect.forkScoped)

  while (true) {
    const message = yield* Queue.take(inbox)
    if ("end" in message) return
    if ("stop" in message) {
      isCounting = false
      // When the database is back, everything gets there.
      yield* Effect.retry(usage.flush, Schedule.spaced("200 millis"))
      yield* say({ counted })
      continue
    }
    for (const decision of message.decisions) yield* official.apply(decision)
    yield* say({ taken: message.decisions.map((it) => it.id) }).pipe(Effect.delay("1 second"), Effect.forkScoped)
  }
})

const members = Array.from({ length: 12 }, (_, i) => [`Member ${i}`, {
  Details: { Name: `Member ${i}` },
  Membership: { MemberLevel: 1 },
  Service: { Active: 1 as const, ServiceIPv4: "192.0.2.1" },
  ServiceAssignments: {},
  Location: { Latitude: 1, Longitude: 1 }
}])

const stores = Store.layerMysql({
  host: "127.0.0.1",
  port,
  database,
  username: "root",
  password: Redacted.make(""),
  maxConnections: 3,
  // Shorter than what a server hangs for.
  statementTimeout: "1500 millis",
  connectTimeout: "1500 millis"
})

await program.pipe(
  Effect.scoped,
  Effect.provide(
    Layer.merge(Usage.layerStoringWith({ flushEvery: "300 millis" }), OutageLog.layer).pipe(
      Layer.provideMerge(OfficialStatus.layer),
      Layer.provide(stores),
      Layer.provide([
        AppendFiles.layer(folder),
        DurableFiles.layer(folder),
        NodeIdentity.layer({ id, role: "IBPCollator" }),
        Config.layerMemory({
          local: { System: { MinimumOfflineTime: minimumOffline } },
          members: Object.fromEntries(members)
        })
      ]),
      Layer.provide(Conditions.layer)
    )
  ),
  Effect.runPromise
)
process.disconnect()
