import { parseArgs } from "node:util"
import type { Benchmark } from "./measure.ts"

const benchmarks: Record<string, () => Promise<{ readonly run: Benchmark }>> = {
  ballot: () => import("./ballot.ts"),
  seal: () => import("./seal.ts"),
  simulate: () => import("./simulate.ts"),
  "consensus-nats": () => import("./consensus-nats.ts"),
  bus: () => import("./bus.ts"),
  geoip: () => import("./geoip.ts"),
  steering: () => import("./steering.ts"),
  reload: () => import("./reload.ts"),
  "usage-record": () => import("./usage-record.ts"),
  "usage-memory": () => import("./usage-memory.ts"),
  "dns-embedded": () => import("./dns-embedded.ts"),
  "dns-pdns": () => import("./dns-pdns.ts"),
  "usage-flush": () => import("./usage-flush.ts"),
  "outage-write": () => import("./outage-write.ts"),
  "outage-read": () => import("./outage-read.ts"),
  alerts: () => import("./alerts.ts"),
  failover: () => import("./failover.ts"),
  probe: () => import("./probe.ts"),
  idle: () => import("./idle.ts"),
  start: () => import("./start.ts"),
  monitor: () => import("./monitor.ts")
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false }, smoke: { type: "boolean", default: false } }
})
const unknown = positionals.filter((name) => benchmarks[name] === undefined)
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(", ")}; there are: ${Object.keys(benchmarks).join(", ")}`)
  process.exit(2)
}
for (const name of positionals.length > 0 ? positionals : Object.keys(benchmarks)) {
  const { run } = await benchmarks[name]!()
  for (const measure of await run({ smoke: values.smoke })) {
    console.log(
      values.json
        ? JSON.stringify(measure)
        : `${measure.ok ? "ok  " : "MISS"} ${
          measure.name.padEnd(32)
        } ${measure.value} ${measure.unit} (goal ${measure.goal})`
    )
  }
}
