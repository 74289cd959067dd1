import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { binaryOf } from "./Server.ts"

/** A private nats-server on the loopback interface, in a temporary folder of its own. */
export interface NatsServer extends AsyncDisposable {
  readonly port: number
  /** `nats://<host>:<port>`, the same after every restart. */
  readonly url: string
  /** Where its configuration is; removed by `dispose`. */
  readonly folder: string
  /** What it wrote so far, the last 64 KiB. */
  readonly log: () => string
  /** SIGTERM: it says good-bye to its clients. */
  readonly stop: () => Promise<void>
  /** SIGKILL: it just goes. A paused one can be killed too. */
  readonly kill: () => Promise<void>
  /** Starts it again on the same port, after `stop` or `kill`, with another configuration if one is given. */
  readonly restart: (config?: string) => Promise<void>
  /** SIGSTOP: connections stay open and nothing moves. */
  readonly pause: () => void
  /** SIGCONT. */
  readonly resume: () => void
  /** Kills it and removes its folder. */
  readonly dispose: () => Promise<void>
}

/** A port of the loopback interface that was free a moment ago. */
export const freePort = (host = "127.0.0.1"): Promise<number> =>
  new Promise((done, fail) => {
    const server = createServer().once("error", fail).listen(0, host, () => {
      const address = server.address()
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** Whether a server that speaks NATS accepts connections. */
const greets = (host: string, port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect(port, host)
    const end = (found: boolean) => {
      socket.destroy()
      done(found)
    }
    socket.setTimeout(500, () => end(false))
    socket.once("error", () => end(false))
    // With `handshake_first` it says nothing before TLS.
    socket.once("connect", () => setTimeout(end, 50, true))
    socket.once("data", (data) => end(String(data).startsWith("INFO")))
  })

const running = (child: ChildProcess | undefined): child is ChildProcess =>
  child !== undefined && child.exitCode === null && child.signalCode === null

/**
 * Starts a nats-server and waits until it accepts connections. `config` is the text of a nats-server configuration
 * (authorization, TLS, max_payload …) without the port; files that it names must be absolute paths. `host` is another
 * loopback address than 127.0.0.1.
 */
export const startNatsServer = async (
  options: { readonly config?: string; readonly host?: string } = {}
): Promise<NatsServer> => {
  const host = options.host ?? "127.0.0.1"
  const folder = await mkdtemp(join(tmpdir(), "geodns-nats-"))
  const file = join(folder, "nats.conf")
  const port = await freePort(host)
  let child: ChildProcess | undefined
  let log = ""
  // A test run that ends early leaves no server behind.
  const onExit = () => void child?.kill("SIGKILL")
  process.on("exit", onExit)

  const start = async (): Promise<void> => {
    const started = spawn(binaryOf("nats-server"), ["-a", host, "-p", `${port}`, "-c", file], {
      stdio: ["ignore", "ignore", "pipe"]
    })
    child = started
    started.stderr.on("data", (chunk) => log = (log + chunk).slice(-65_536))
    const deadline = performance.now() + 10_000
    while (!await greets(host, port)) {
      if (!running(started) || performance.now() > deadline) throw new Error(`nats-server did not start:\n${log}`)
      await sleep(10)
    }
  }

  const end = async (signal: "SIGTERM" | "SIGKILL"): Promise<void> => {
    const ending = child
    if (!running(ending)) return
    const ended = new Promise<void>((done) => ending.once("exit", () => done()))
    ending.kill(signal)
    await ended
  }

  const dispose = async (): Promise<void> => {
    process.off("exit", onExit)
    await end("SIGKILL")
    await rm(folder, { recursive: true, force: true })
  }

  try {
    await writeFile(file, options.config ?? "")
    await start()
  } catch (cause) {
    await dispose()
    throw cause
  }
  return {
    port,
    url: `nats://${host}:${port}`,
    folder,
    log: () => log,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
    restart: async (config) => {
      if (config !== undefined) await writeFile(file, config)
      await start()
    },
    pause: () => void child?.kill("SIGSTOP"),
    resume: () => void child?.kill("SIGCONT"),
    dispose,
    [Symbol.asyncDispose]: dispose
  }
}

/** The same until the scope closes. */
export const natsServer = (
  options: Parameters<typeof startNatsServer>[0] = {}
): Effect.Effect<NatsServer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => startNatsServer(options)),
    (server) => Effect.promise(server.dispose)
  )
