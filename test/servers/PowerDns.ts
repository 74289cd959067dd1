import { type ChildProcess, spawn } from "node:child_process"
import { createSocket } from "node:dgram"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { binaryOf } from "./Server.ts"

/** A private pdns_server on the loopback interface, in a temporary folder of its own. */
export interface PowerDns extends AsyncDisposable {
  /** For UDP and TCP. */
  readonly port: number
  /** What it wrote so far, the last 64 KiB. */
  readonly log: () => string
  /** Kills it and removes its folder. */
  readonly dispose: () => Promise<void>
}

/** A port of 127.0.0.1 that was free a moment ago, for UDP and TCP. */
const freePort = async (): Promise<number> => {
  while (true) {
    const tcp = createServer()
    const port = await new Promise<number>((done, fail) =>
      tcp.once("error", fail).listen(0, "127.0.0.1", () => done((tcp.address() as { port: number }).port))
    )
    const udp = createSocket("udp4")
    const isFree = await new Promise<boolean>((done) =>
      udp.once("error", () => done(false)).bind(port, "127.0.0.1", () => done(true))
    )
    udp.close()
    await new Promise((done) => tcp.close(done))
    if (isFree) return port
  }
}

/** Whether something answers questions there. */
const answers = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = createSocket("udp4")
    const timer = setTimeout(() => end(false), 250)
    const end = (found: boolean) => {
      clearTimeout(timer)
      socket.close()
      done(found)
    }
    socket.on("error", () => end(false))
    socket.on("message", () => end(true))
    // `. SOA`
    const question = Buffer.from("0001000000010000000000000000060001", "hex")
    socket.connect(port, "127.0.0.1", () => socket.send(question))
  })

/**
 * Starts a pdns_server with this configuration and waits until it answers. Its backend must be there already: PowerDNS
 * asks it for the zones first, and ends when it does not answer. `arguments` are more settings, as `--cache-ttl=0`.
 */
export const startPowerDns = async (
  options: { readonly conf: string; readonly arguments?: ReadonlyArray<string> }
): Promise<PowerDns> => {
  const folder = await mkdtemp(join(tmpdir(), "geodns-pdns-"))
  const port = await freePort()
  await writeFile(join(folder, "pdns.conf"), options.conf)
  let log = ""
  const child: ChildProcess = spawn(binaryOf("pdns_server"), [
    `--config-dir=${folder}`,
    `--socket-dir=${folder}`,
    "--local-address=127.0.0.1",
    `--local-port=${port}`,
    "--guardian=no",
    "--daemon=no",
    "--write-pid=no",
    "--security-poll-suffix=",
    ...options.arguments ?? []
  ], { stdio: ["ignore", "pipe", "pipe"] })
  const ended = new Promise<void>((done) => child.once("exit", () => done()))
  child.stdout?.on("data", (chunk) => log = (log + chunk).slice(-65_536))
  child.stderr?.on("data", (chunk) => log = (log + chunk).slice(-65_536))
  // A test run that ends early leaves no server behind.
  const onExit = () => void child.kill("SIGKILL")
  process.on("exit", onExit)
  const dispose = async (): Promise<void> => {
    process.off("exit", onExit)
    child.kill("SIGKILL")
    if (child.exitCode === null && child.signalCode === null) await ended
    await rm(folder, { recursive: true, force: true })
  }
  const deadline = performance.now() + 15_000
  while (!await answers(port)) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
      await dispose()
      throw new Error(`PowerDNS did not start:\n${log}`)
    }
    await sleep(20)
  }
  return { port, log: () => log, dispose, [Symbol.asyncDispose]: dispose }
}
