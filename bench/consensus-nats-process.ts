/**
 * A monitor of the benchmark `consensus-nats`: the services of the role without the checks. What it sees of the targets is told from
 * outside: `{ up, at }` says that all of them turn at that time. It proposes each then, and answers `{ doneAt }` when all are decided.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import { Bus } from "../src/bus/Bus.ts"
import { Membership } from "../src/cluster/Membership.ts"
import { Config } from "../src/config/Config.ts"
import { Consensus } from "../src/consensus/Consensus.ts"
import { CertificateFile } from "../src/consensus/sealed/CertificateFile.ts"
import { joinSeals } from "../src/consensus/sealed/joinSeals.ts"
import type { Roster } from "../src/consensus/sealed/Roster.ts"
import { RosterSource } from "../src/consensus/sealed/RosterSource.ts"
import { layerRequired } from "../src/consensus/sealed/Sealing.ts"
import { Signer } from "../src/consensus/sealed/Signer.ts"
import type { Target } from "../src/domain/Target.ts"
import { AppendFiles } from "../src/node/AppendFiles.ts"
import { Conditions } from "../src/node/Conditions.ts"
import { DurableFiles } from "../src/node/DurableFiles.ts"
import { NodeIdentity } from "../src/node/NodeIdentity.ts"
import { KnownTargets } from "../src/status/KnownTargets.ts"
import { Observer } from "../src/status/Observer.ts"
import { OfficialStatus } from "../src/status/OfficialStatus.ts"
import { numbers } from "./random.ts"

/** All targets turn. */
export interface Turn {
  readonly up: boolean
  /** Milliseconds since the epoch, a moment ahead so that all monitors know it before. */
  readonly at: number
}

export interface Monitor {
  readonly id: string
  readonly url: string
  /** Of its own. */
  readonly folder: string
  readonly targets: number
  /** Sealed: the roster, and the file of its key. Missing: mode `open`. */
  readonly sealed?: { readonly roster: Roster; readonly keyFile: string }
}

const targetOf = (i: number): Target => ({
  checkType: "endpoint",
  check: "wss",
  member: `Member ${i % 40}`,
  domain: `rpc-${i}.bench.example`,
  endpoint: `wss://rpc-${i}.bench.example/network`,
  ipv6: false
})

const { folder, id, sealed, targets: count, url }: Monitor = JSON.parse(readFileSync(process.argv[2]!, "utf8"))

/** Each monitor sees them turn in an order of its own. */
const targets = (() => {
  const random = numbers(Number(id.replace(/\D/g, "")))
  return Array.from({ length: count }, (_, i) => ({ target: targetOf(i), place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ target }) => target)
})()

const turns: Array<Turn> = []
/** What is seen of a target at a time, as all monitors see the same. */
const isUp = (at: number) => turns.findLast((turn) => turn.at <= at)?.up ?? true

const observer = Layer.succeed(Observer, {
  observe: (target, freshFor) =>
    Effect.sync(() => {
      const now = Date.now()
      const turned = turns.findLast((turn) => turn.at <= now)?.at ?? now
      const at = now - turned <= freshFor ? turned : now
      const up = isUp(at)
      return Option.some({ target, up, error: up ? "" : "connection refused", data: null, at, latency: 1 })
    })
})

const sealing = sealed === undefined ? Layer.empty : layerRequired.pipe(
  Layer.provide([CertificateFile.layer, RosterSource.layerMemory(sealed.roster, {}), Signer.layerFile(sealed.keyFile)])
)

const services = Consensus.layer.pipe(
  Layer.provideMerge(Membership.layer),
  Layer.provide(joinSeals),
  Layer.provide([
    sealing,
    Bus.layerNats({ servers: [url], name: id }),
    Config.layerMemory(),
    observer,
    // It has no documents.
    Layer.succeed(KnownTargets, () => () => true)
  ]),
  Layer.provideMerge(OfficialStatus.layer),
  Layer.provide([
    DurableFiles.layer(folder),
    AppendFiles.layer(folder),
    NodeIdentity.layer({ id, role: "IBPMonitor" })
  ]),
  Layer.provide(Conditions.layer)
)

const monitor = Effect.gen(function*() {
  const consensus = yield* Consensus
  const membership = yield* Membership
  const official = yield* OfficialStatus
  const told = yield* Queue.unbounded<Turn>()
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const onMessage = (turn: Turn) => {
        turns.push(turn)
        Queue.offerUnsafe(told, turn)
      }
      return process.on("message", onMessage)
    }),
    () => Effect.sync(() => process.removeAllListeners("message"))
  )
  const changes = yield* official.subscribe
  yield* membership.changes.pipe(
    Stream.takeUntil((nodes) => nodes.filter(({ role }) => role === "IBPMonitor").length >= 4),
    Stream.runDrain
  )
  process.send!("ready")
  let decided = 0
  yield* Stream.runForEach(changes, () =>
    Effect.sync(() => {
      if (++decided % count === 0) process.send!({ doneAt: Date.now() })
    })).pipe(Effect.forkScoped({ startImmediately: true }))
  yield* Queue.take(told).pipe(
    Effect.tap(({ at }) => Effect.sleep(Math.max(0, at - Date.now()))),
    Effect.flatMap(({ up }) =>
      Effect.forEach(
        targets,
        (target) =>
          Effect.flatMap(official.get(target), (known) =>
            // As a monitor does: what is decided meanwhile is not proposed again.
            known?.up === up
              ? Effect.void
              : consensus.propose({ target, up, error: up ? "" : "connection refused", data: null })),
        { discard: true }
      )
    ),
    Effect.forever
  )
})

process.on("disconnect", () => process.exit())
await Effect.runPromise(
  monitor.pipe(
    Effect.scoped,
    Effect.provide(services),
    Effect.provideService(References.MinimumLogLevel, "Error")
  )
)
