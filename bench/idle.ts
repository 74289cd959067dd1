import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { dirname, join, resolve } from "node:path"
import { Bus } from "../src/bus/Bus.ts"
import { Membership } from "../src/cluster/Membership.ts"
import type { Target } from "../src/domain/Target.ts"
import type { NodeRole } from "../src/domain/wire/Cluster.ts"
import { Conditions } from "../src/node/Conditions.ts"
import { DurableFiles } from "../src/node/DurableFiles.ts"
import { NodeIdentity } from "../src/node/NodeIdentity.ts"
import { OfficialStatus } from "../src/status/OfficialStatus.ts"
import { residentMiB, startProgram } from "../test/cli/geodns.ts"
import { makeNetwork, type Node, waitForStatus } from "../test/cli/network.ts"
import { freePort, natsServer } from "../test/servers/NatsServer.ts"
import { isInstalled, nats } from "../test/servers/Server.ts"
import { atMost, type Benchmark } from "./measure.ts"
import { unitFlags } from "./unitFlags.ts"

const members = 40
const services = 50
const day = 86_400
const peers: Readonly<Record<string, NodeRole>> = {
  "monitor-2": "IBPMonitor",
  "monitor-3": "IBPMonitor",
  "dns-1": "IBPDns",
  "collator-1": "IBPCollator"
}

const root = resolve(import.meta.dirname, "..")

const host = (service: number) => `rpc${service}.demo.example`
const urlOf = (service: number, port: number) => `ws://${host(service)}:${port}/${service}`
const addressOf = (member: number) => `127.0.40.${member + 1}`
const range = (length: number) => Array.from({ length }, (_, i) => i)

/** Members that all serve all services. */
const membersDocument = Object.fromEntries(
  range(members).map((i) => [`Member${i}`, {
    Details: { Name: `Member ${i}` },
    Membership: { MemberLevel: 3 },
    Service: { Active: 1, ServiceIPv4: addressOf(i) },
    ServiceAssignments: { Demo: range(services).map((k) => `Service${k}`) },
    Location: { Region: "Europe", Latitude: i, Longitude: i }
  }])
)
const servicesDocument = (port: number) =>
  Object.fromEntries(
    range(services).map((k) => [`Service${k}`, {
      Configuration: { Name: `Service${k}`, ServiceType: "RPC", Active: 1, LevelRequired: 1 },
      Resources: { nodes: 1, cores: 4, memory: 16, disk: 512, bandwidth: 1000 },
      Providers: { Demo: { RpcUrls: [urlOf(k, port)] } }
    }])
  )

/** Every member says that it is well. */
const serveMembers = (port: number) =>
  Effect.forEach(range(members), (i) =>
    Effect.acquireRelease(
      Effect.promise(() =>
        new Promise<ReturnType<typeof createServer>>((done, fail) => {
          const server = createServer((_, response) => response.end("well\n")).once("error", fail)
          server.listen(port, addressOf(i), () => done(server))
        })
      ),
      (server) => Effect.sync(() => server.close().closeAllConnections())
    ), { discard: true })

/** The file of the official status as a monitor leaves it that ran before: every target is up. */
const writeOfficial = (node: Node, port: number) =>
  Effect.gen(function*() {
    mkdirSync(node.directory, { recursive: true })
    const official = yield* OfficialStatus
    for (const i of range(members)) {
      for (const k of range(services)) {
        const endpoint = urlOf(k, port)
        const target: Target = {
          checkType: "endpoint",
          check: "http",
          member: `Member ${i}`,
          domain: host(k),
          endpoint,
          ipv6: false
        }
        const votes = { "monitor-1": true, "monitor-2": true, "monitor-3": true }
        const decision = { id: `${i}-${k}`, target, up: true, error: "", data: null, decidedBy: "monitor-2", votes }
        yield* official.apply({ ...decision, decidedAt: Date.now() })
      }
    }
  }).pipe(
    Effect.provide(OfficialStatus.layer.pipe(
      Layer.provide([DurableFiles.layer(node.directory), Conditions.layerMemory]),
      Layer.fresh
    ))
  )

/** Somebody who is there, and says so. */
const peer = (id: string, role: NodeRole, url: string) =>
  Layer.build(
    Membership.layer.pipe(
      Layer.provide([
        Bus.layerNats({ servers: [url], name: id }),
        NodeIdentity.layerMemory({ id, role }),
        Conditions.layerMemory
      ]),
      Layer.fresh
    )
  )

/** Seconds of a core that a process took so far: all its threads, in user and system mode. */
const cpuSeconds = (pid: number): number => {
  // The name of the process, in brackets, may have spaces in it.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\) /s, "").split(" ")
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** A monitor in a network of five, checking every target every `interval` seconds. */
const measure = Effect.fnUntraced(function*(options: {
  readonly interval: number
  readonly settle: number
  readonly seconds: number
}) {
  const broker = yield* natsServer()
  const port = yield* Effect.promise(() => freePort(addressOf(0)))
  yield* serveMembers(port)
  const [monitor] = yield* makeNetwork({
    nats: broker.url,
    memberPort: port,
    nodes: { "monitor-1": "monitor" },
    change: (local, _, directory) => {
      local.Checks[0].minimumInterval = options.interval
      local.System.ConfigReloadTime = 300
      writeFileSync(join(directory, "MembersConfig.json"), JSON.stringify(membersDocument))
      writeFileSync(join(directory, "ServicesConfig.json"), JSON.stringify(servicesDocument(port)))
    }
  })
  yield* writeOfficial(monitor!, port)
  for (const [id, role] of Object.entries(peers)) yield* peer(id, role, broker.url)
  const [first, ...rest] = [
    ...unitFlags(),
    join(root, "dist/cli/main.js"),
    "monitor",
    "--config",
    join(dirname(monitor!.directory), "monitor-1.json")
  ]
  const { pid } = yield* startProgram(first!, rest)
  yield* waitForStatus(
    monitor!,
    "knows all targets and peers",
    ({ nodes, targets }) =>
      targets.up === members * services && nodes.items.filter(({ id }) => id in peers).length === 4
  )
  yield* Effect.sleep(options.settle * 1000)
  const [cpu, at] = [cpuSeconds(pid), performance.now()]
  yield* Effect.sleep(options.seconds * 1000)
  return {
    cpu: (cpuSeconds(pid) - cpu) / (performance.now() - at) * 100_000,
    memory: residentMiB(pid)
  }
}, Effect.scoped)

/**
 * Percent of a core and resident memory of a monitor process, started as `deploy/` does, that knows 2,000 targets (40 members with 50 services, all
 * officially up) and four peers on a real nats-server, when it is idle: every target is planned and none is due, for each
 * is checked once a day. Everything else goes on: heartbeats, exchange with peers, reloads, files, metrics. For
 * comparison the same monitor at work, with each target checked every minute (33 checks a second).
 */
export const run: Benchmark = async ({ smoke }) => {
  if (!isInstalled(nats)) {
    console.error("idle: no nats-server (npm run servers, as root): not measured")
    return [{ name: "idle-cpu", value: 0, unit: "%", goal: 1, ok: false }]
  }
  const period = smoke ? { settle: 3, seconds: 5 } : { settle: 20, seconds: 40 }
  const idle = await Effect.runPromise(measure({ ...period, interval: day }))
  const measures = [atMost("idle-cpu", idle.cpu, "%", 1), atMost("idle-memory", idle.memory, "MB", 150)]
  if (smoke) return measures
  const atWork = await Effect.runPromise(measure({ ...period, interval: 60 }))
  return [
    ...measures,
    atMost("minutely-cpu", atWork.cpu, "%", 15),
    atMost("minutely-memory", atWork.memory, "MB", 150)
  ]
}
