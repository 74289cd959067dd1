import * as Effect from "effect/Effect"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import * as tls from "node:tls"
import { getHeapStatistics } from "node:v8"
import { Worker } from "node:worker_threads"
import type { PlannedTarget } from "../src/monitor/PlannedTarget.ts"
import { runInTime } from "../src/monitor/Prober.ts"
import { Probes } from "../src/monitor/Probes.ts"
import { type Look, targetAt } from "../test/monitor/probes/looks.ts"
import { stateRoot } from "../test/monitor/probes/peers.ts"
import { atMost, type Benchmark, type Measure } from "./measure.ts"

const plain = "http://rpc.demo.example/"
const secure = "https://rpc.demo.example/"
const kusama = [{ name: "Kusama", stateRoot }]
const moonlight = [{ name: "420420418", stateRoot: "" }]

/** Each probe with what we want: milliseconds of one processor, and KB allocated, per run. */
const looks: Readonly<Record<string, { readonly look: Look; readonly millis: number; readonly kilobytes: number }>> = {
  tcp: { look: { probe: "tcp" }, millis: 0.6, kilobytes: 60 },
  http: { look: { probe: "http", url: plain }, millis: 1.5, kilobytes: 150 },
  https: { look: { probe: "http", url: secure }, millis: 8, kilobytes: 300 },
  ssl: { look: { probe: "ssl" }, millis: 7, kilobytes: 300 },
  wss: { look: { probe: "wss", url: plain, networks: kusama }, millis: 3, kilobytes: 400 },
  "wss with TLS": { look: { probe: "wss", url: secure, networks: kusama }, millis: 12, kilobytes: 600 },
  ethrpc: { look: { probe: "ethrpc", url: plain, networks: moonlight }, millis: 4, kilobytes: 500 },
  dns: { look: { probe: "dns" }, millis: 1, kilobytes: 100 },
  heartbeat: { look: { probe: "heartbeat" }, millis: 0.05, kilobytes: 10 }
}

const total = (): number => (process.threadCpuUsage().user + process.threadCpuUsage().system) / 1_000

/** Bytes that were taken from the heap: what it grew by between collections. Somewhat less than all. */
const allocatedBy = async (work: () => Promise<void>): Promise<number> => {
  let sum = 0
  let last = getHeapStatistics().used_heap_size
  const timer = setInterval(() => {
    const now = getHeapStatistics().used_heap_size
    if (now > last) sum += now - last
    last = now
  }, 1)
  await work()
  clearInterval(timer)
  const now = getHeapStatistics().used_heap_size
  return sum + Math.max(0, now - last)
}

const concurrency = 8

const runAll = (planned: PlannedTarget, runs: number): Promise<void> =>
  Effect.runPromise(
    Effect.forEach(Array.from({ length: runs }), () =>
      Effect.flatMap(runInTime(planned), ({ error, up }) =>
        // Nobody reports to `heartbeat`: it has no opinion yet
        up === false ? Effect.die(new Error(error)) : Effect.void), { concurrency, discard: true })
  )

/** Every probe against a good peer on loopback in another thread: what a run costs this one. `ping` is another program's cost. */
export const run: Benchmark = async ({ smoke }) => {
  const trusted = tls.getCACertificates("default")
  tls.setDefaultCACertificates([...trusted, readFileSync("test/fixtures/tls/authority.pem", "utf8")])
  const worker = new Worker(new URL("./probe-servers.ts", import.meta.url))
  try {
    const [ports] = await once(worker, "message") as [Readonly<Record<string, number>>]
    const probes = await Effect.runPromise(Effect.provide(Probes, Probes.layer))
    const measures: Array<Measure> = []
    for (const [name, { kilobytes, look, millis }] of Object.entries(looks)) {
      const at = { address: "127.0.1.7", port: ports[name] ?? 443 }
      const planned = await Effect.runPromise(
        Effect.provideService(targetAt(at, { ...look, timeout: 20_000 }), Probes, probes)
      )
      const runs = (smoke ? 200 : 3_000) * (name === "heartbeat" ? 20 : 1)
      await runAll(planned, runs / 4)
      let best = Infinity
      let least = Infinity
      for (let round = 0; round < 3; round++) {
        const before = total()
        const allocated = await allocatedBy(() => runAll(planned, runs / 4))
        best = Math.min(best, (total() - before) / (runs / 4))
        least = Math.min(least, allocated / (runs / 4) / 1024)
      }
      measures.push(atMost(`probe: ${name}, processor`, best, "ms", millis))
      measures.push(atMost(`probe: ${name}, allocated`, least, "KB", kilobytes))
    }
    return measures
  } finally {
    await worker.terminate()
    tls.setDefaultCACertificates(trusted)
  }
}
