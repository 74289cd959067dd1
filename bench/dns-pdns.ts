import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { pdnsConf } from "../src/dns/pdns/pdnsConf.ts"
import { startPowerDns } from "../test/servers/PowerDns.ts"
import { isInstalled, pdns } from "../test/servers/Server.ts"
import { findGenerator, type Load, questions } from "./dns-embedded.ts"
import { atLeast, type Benchmark } from "./measure.ts"

/** What we want, as a share of what PowerDNS reaches with a backend that always says the same. */
const goal = 85

/** A backend in a process of its own, and a PowerDNS that asks it as our configuration says. */
const start = async (mode: "constant" | "geodns", folder: string) => {
  const socket = join(folder, `${mode}.sock`)
  const script = join(import.meta.dirname, "dns-pdns-backend.ts")
  const child = spawn(process.execPath, [script, mode, socket], { stdio: ["pipe", "pipe", "inherit"] })
  await Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`the ${mode} backend ended with ${code}`)))
  ])
  const server = await startPowerDns({ conf: pdnsConf({ socket, http: undefined })! })
  return {
    port: server.port,
    stop: async () => {
      await server.dispose()
      child.stdin.end()
    }
  }
}

/**
 * Questions per second over UDP through PowerDNS, its caches off, over a Unix socket: with ours behind it (10,000 client
 * subnets, 50 names, 30 members, usage counted), and with a backend that always says the same. Both are loaded in turns by the
 * same generator; other work on the machine only slows: the best of the rounds counts.
 */
export const run: Benchmark = async ({ smoke }) => {
  if (!isInstalled(pdns)) {
    return [{ name: "pdns-share (PowerDNS is not installed)", value: 0, unit: "%", goal, ok: false }]
  }
  const generate = findGenerator()
  const folder = mkdtempSync(join(tmpdir(), "geodns-bench-"))
  const file = join(folder, "questions")
  writeFileSync(file, questions())
  const servers: Array<Awaited<ReturnType<typeof start>>> = []
  try {
    for (const mode of ["constant", "geodns"] as const) servers.push(await start(mode, folder))
    const best = [0, 0]
    const load: Load = smoke ? { runs: 1 } : { seconds: 4 }
    for (const { port } of servers) generate(port, file, { runs: 1 })
    for (let round = 0; round < (smoke ? 1 : 4); round++) {
      servers.forEach(({ port }, i) => {
        best[i] = Math.max(best[i]!, generate(port, file, load))
      })
    }
    const [constant = 0, ours = 0] = best
    return [
      atLeast("pdns-constant", constant, "questions/s", Math.floor(constant)),
      atLeast("pdns-questions", ours, "questions/s", Math.floor(constant * goal / 100)),
      atLeast("pdns-share", ours / constant * 100, "%", goal)
    ]
  } finally {
    for (const { stop } of servers) await stop()
    rmSync(folder, { recursive: true })
  }
}
