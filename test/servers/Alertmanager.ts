import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { freePort } from "./NatsServer.ts"
import { binaryOf } from "./Server.ts"

/** An alert as the v2 API gives it. */
export interface GettableAlert {
  readonly fingerprint: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL: string
  readonly status: { readonly state: string }
}

/** A private Alertmanager on the loopback interface, in a temporary folder of its own. */
export interface Alertmanager extends AsyncDisposable {
  /** The same after every restart. */
  readonly url: string
  /** What it knows and is not over. */
  readonly alerts: () => Promise<ReadonlyArray<GettableAlert>>
  readonly kill: () => Promise<void>
  /** Starts it again at the same port; its state is on the disk. */
  readonly restart: () => Promise<void>
}

/** Starts an Alertmanager and waits until it answers. `config` is its configuration. */
export const startAlertmanager = async (
  config = "route: { receiver: none }\nreceivers: [{ name: none }]\n"
): Promise<Alertmanager> => {
  const folder = await mkdtemp(join(tmpdir(), "geodns-alertmanager-"))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const file = join(folder, "alertmanager.yml")
  await writeFile(file, config)
  let child: ChildProcess | undefined
  let log = ""
  const kill = async (): Promise<void> => {
    const ending = child
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
    const ended = new Promise<void>((done) => ending.once("exit", () => done()))
    ending.kill("SIGKILL")
    await ended
  }
  const start = async (): Promise<void> => {
    const started = spawn(binaryOf("prometheus-alertmanager"), [
      `--config.file=${file}`,
      `--storage.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--cluster.listen-address="
    ], { stdio: ["ignore", "ignore", "pipe"] })
    child = started
    started.stderr.on("data", (chunk) => log = (log + chunk).slice(-65_536))
    const deadline = performance.now() + 20_000
    while (!await fetch(`${url}/-/ready`).then((answer) => answer.ok, () => false)) {
      if (started.exitCode !== null || performance.now() > deadline) {
        throw new Error(`Alertmanager did not start:\n${log}`)
      }
      await sleep(20)
    }
  }
  // A test run that ends early leaves no server behind.
  const onExit = () => void child?.kill("SIGKILL")
  process.on("exit", onExit)
  const dispose = async (): Promise<void> => {
    process.off("exit", onExit)
    await kill()
    await rm(folder, { recursive: true, force: true })
  }
  try {
    await start()
  } catch (cause) {
    await dispose()
    throw cause
  }
  return {
    url,
    alerts: async () => await (await fetch(`${url}/api/v2/alerts`)).json() as ReadonlyArray<GettableAlert>,
    kill,
    restart: start,
    [Symbol.asyncDispose]: dispose
  }
}
