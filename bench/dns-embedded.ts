import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { names, subnets } from "./dns-world.ts"
import { atLeast, type Benchmark } from "./measure.ts"

/** What we want, as a share of what the bare echo reaches. */
const goal = 60

const script = (name: string): string => join(import.meta.dirname, name)

/** One A question (every tenth is AAAA) from each of the 10,000 subnets, with its length before it. */
export const questions = (): Buffer =>
  Buffer.concat(subnets.map(([a, b, c], i) => {
    const labels = names[i % names.length]!.split(".")
    const message = Buffer.concat([
      Buffer.from("000000000001000000000001", "hex"),
      ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
      Buffer.from([0, 0, i % 10 === 9 ? 28 : 1, 0, 1]),
      Buffer.from("00002904d000000000000b0008000700011800", "hex"),
      Buffer.from([a, b, c])
    ])
    return Buffer.concat([Buffer.from([message.length >> 8, message.length & 255]), message])
  }))

/** A server in a process of its own: its port, and how to stop it. */
const start = async (mode: "echo" | "pipeline") => {
  const child = spawn(process.execPath, [script("dns-server.ts"), mode], { stdio: ["pipe", "pipe", "inherit"] })
  const [line] = await Promise.race([
    once(createInterface(child.stdout), "line"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`the ${mode} server ended with ${code}`)))
  ]) as [string]
  return { port: Number(line), stop: () => child.stdin.end() }
}

/** How much load: the file so many times, or for so many seconds. */
export type Load = { readonly runs: number } | { readonly seconds: number }

/** Sends load to a port; gives answers per second. */
export type Generator = (port: number, file: string, load: Load) => number

const output = (command: string, parameters: ReadonlyArray<string>): string =>
  spawnSync(command, parameters, { encoding: "utf8" }).stdout ?? ""

const dnsperf: Generator = (port, file, load) => {
  const amount = "runs" in load ? ["-n", `${load.runs}`] : ["-l", `${load.seconds}`]
  const printed = output("dnsperf", ["-s", "127.0.0.1", "-p", `${port}`, "-B", "-d", file, "-t", "1", ...amount])
  return Number(/Queries per second:\s+([\d.]+)/.exec(printed)?.[1])
}

const sender: Generator = (port, file, load) => {
  const amount = "runs" in load ? [`${load.runs}`, "0"] : ["0", `${load.seconds}`]
  return Number(output(process.execPath, [script("dns-sender.ts"), `${port}`, file, ...amount]))
}

const hasDnsperf = (): boolean => spawnSync("dnsperf", ["-h"]).error === undefined

const mayInstall = (): boolean =>
  process.getuid?.() === 0 && (process.env.CI !== undefined || process.env.INSTALL_SERVERS === "1")

const install = (): void => {
  const apt = () => spawnSync("apt-get", ["install", "-y", "--no-install-recommends", "dnsperf"]).status === 0
  if (!apt() && spawnSync("apt-get", ["update"]).status === 0) apt()
}

/** `dnsperf` from the PATH, or from apt where that is welcome, else our own. It says which. */
export const findGenerator = (): Generator => {
  if (!hasDnsperf() && mayInstall()) install()
  const found = hasDnsperf()
  console.error(
    found
      ? "dns: load by dnsperf"
      : "dns: no dnsperf (apt-get install dnsperf): load by our own sender, which is slower"
  )
  return found ? dnsperf : sender
}

/**
 * Questions per second over UDP through the whole server, and through a bare echo with the same codec, both in processes
 * of their own and loaded in turns by the same generator: 10,000 client subnets, 50 names, 30 members, usage counted.
 * Other work on the machine only slows: the best of the rounds counts.
 */
export const run: Benchmark = async ({ smoke }) => {
  const generate = findGenerator()
  const folder = mkdtempSync(join(tmpdir(), "geodns-bench-"))
  const file = join(folder, "questions")
  writeFileSync(file, questions())
  const servers = await Promise.all([start("echo"), start("pipeline")])
  try {
    const best = [0, 0]
    const load: Load = smoke ? { runs: 1 } : { seconds: 3 }
    for (const { port } of servers) generate(port, file, { runs: smoke ? 1 : 5 })
    for (let round = 0; round < (smoke ? 1 : 3); round++) {
      servers.forEach(({ port }, i) => {
        best[i] = Math.max(best[i]!, generate(port, file, load))
      })
    }
    const [echo = 0, pipeline = 0] = best
    return [
      atLeast("dns-echo", echo, "questions/s", Math.floor(echo)),
      atLeast("dns-questions", pipeline, "questions/s", Math.floor(echo * goal / 100)),
      atLeast("dns-share", pipeline / echo * 100, "%", goal)
    ]
  } finally {
    for (const { stop } of servers) stop()
    rmSync(folder, { recursive: true })
  }
}
