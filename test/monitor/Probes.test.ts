import { afterAll, beforeAll } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { readFileSync } from "node:fs"
import * as tls from "node:tls"
import { Probes } from "../../src/monitor/Probes.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import { plannedTarget } from "./planned.ts"
import { probesConformance } from "./Probes.conformance.ts"
import { tcpServer, tlsServer } from "./servers.ts"

const before = tls.getCACertificates("default")
beforeAll(() => tls.setDefaultCACertificates([...before, readFileSync("test/fixtures/tls/authority.pem", "utf8")]))
afterAll(() => tls.setDefaultCACertificates(before))

probesConformance(
  "live",
  Layer.suspend(() => Probes.layer),
  Effect.fnUntraced(function*(_, run) {
    const url = "https://rpc.demo.example/"
    const good = yield* tlsServer("valid")
    const gone = yield* Effect.scoped(tcpServer(() => undefined))
    const silent = yield* tcpServer(() => undefined)
    return {
      good: plannedTarget({ run, url, address: good.address, port: good.port }),
      bad: plannedTarget({ run, url, address: gone.address, port: gone.port }),
      silent: plannedTarget({ run, url, address: silent.address, port: silent.port }),
      closed: silent.drained
    }
  })
)

probesConformance(
  "memory",
  Probes.layerMemory.pipe(Layer.provideMerge(ScriptedProbes.layer)),
  Effect.fnUntraced(function*(_, run) {
    const { set } = yield* ScriptedProbes
    yield* set({ member: "Bad" }, { up: false, error: "status 503" })
    yield* set({ member: "Silent" }, { up: true, latency: Infinity })
    return {
      good: plannedTarget({ run, member: "Good" }),
      bad: plannedTarget({ run, member: "Bad" }),
      silent: plannedTarget({ run, member: "Silent" }),
      closed: Effect.void
    }
  })
)
