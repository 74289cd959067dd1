import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { ask } from "../src/dns/DnsClient.ts"
import { atMost, type Benchmark } from "./measure.ts"

const root = resolve(import.meta.dirname, "..")
const name = "polkadot.dotters.example"

const freePort = (): Promise<number> =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** An operator's folder: the example documents, with ports of our own. */
const writeDocuments = async (dnsPort: number): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "geodns-start-"))
  await cp(join(root, "test/fixtures/config"), folder, { recursive: true })
  const path = join(folder, "local.json")
  const local = JSON.parse(await readFile(path, "utf8"))
  for (const api of ["DnsApi", "MonitorApi", "CollatorApi"]) local[api].ListenPort = "0"
  // The members are documentation addresses: no probe may leave this machine.
  for (const check of local.Checks) check.Enabled = 0
  local.GeoDNS = { Dns: { Listen: `127.0.0.1:${dnsPort}` } }
  await writeFile(path, JSON.stringify(local))
  return folder
}

/** Milliseconds from the start of the process to the first answer with an address of a member. */
const startOnce = async (members: ReadonlySet<string>): Promise<number> => {
  const port = await freePort()
  const folder = await writeDocuments(port)
  const began = performance.now()
  const child = spawn(process.execPath, [
    join(root, "dist/cli/main.js"),
    "standalone",
    "--config",
    join(folder, "local.json")
  ], {
    stdio: ["ignore", "ignore", "pipe"]
  })
  let log = ""
  child.stderr.on("data", (chunk) => log = (log + chunk).slice(-4000))
  const ended = new Promise<void>((done) => child.once("exit", () => done()))
  try {
    while (performance.now() - began < 30_000 && child.exitCode === null) {
      const answer = await Effect.runPromise(
        Effect.option(
          ask({ server: "127.0.0.1", port, name, type: "A", subnet: "203.0.113.0/24", timeout: "100 millis" })
        )
      )
      if (answer._tag === "Some" && answer.value.answers.some(({ data }) => members.has(data))) {
        return performance.now() - began
      }
      await new Promise((done) => setTimeout(done, 5))
    }
    throw new Error(`standalone gave no right answer within 30 s:\n${log}`)
  } finally {
    child.kill("SIGTERM")
    await ended
    await rm(folder, { recursive: true, force: true })
  }
}

/** From process start of `standalone` to its first right DNS answer, the median of some runs. */
export const run: Benchmark = async ({ smoke }) => {
  const documents = JSON.parse(await readFile(join(root, "test/fixtures/config/members_professional.json"), "utf8"))
  const members = new Set<string>(
    Object.values<any>(documents).map((member) => member.Service.ServiceIPv4).filter((address) => address !== "")
  )
  const times: Array<number> = []
  for (let i = 0; i < (smoke ? 1 : 5); i++) times.push(await startOnce(members))
  times.sort((a, b) => a - b)
  return [atMost("start", times[Math.floor(times.length / 2)]!, "ms", 1500)]
}
