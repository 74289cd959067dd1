import { connect, type NatsConnection } from "@nats-io/transport-node"
import * as Effect from "effect/Effect"
import { type ChildProcess, fork } from "node:child_process"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { newKeyFile } from "../src/consensus/sealed/keyFile.ts"
import type { Roster } from "../src/consensus/sealed/Roster.ts"
import { startNatsServer } from "../test/servers/NatsServer.ts"
import { isInstalled, nats } from "../test/servers/Server.ts"
import type { Monitor, Turn } from "./consensus-nats-process.ts"
import { atMost, type Benchmark, type Measure } from "./measure.ts"

/** Seconds, and messages for each decision of five monitors that all see it at once. */
const goals = { open: { seconds: 2, messages: 40 }, sealed: { seconds: 4, messages: 40 } }

const ids = ["monitor-1", "monitor-2", "monitor-3", "monitor-4", "monitor-5"]

/** The next message of a process that passes. */
const next = <A>(child: ChildProcess, what: string, get: (message: any) => A | undefined): Promise<A> =>
  new Promise((done, fail) => {
    const end = (result: () => void) => {
      clearTimeout(timer)
      child.off("message", onMessage).off("exit", onExit)
      result()
    }
    const onMessage = (message: unknown) => {
      const found = get(message)
      if (found !== undefined) end(() => done(found))
    }
    const onExit = () => end(() => fail(new Error(`a monitor ended before ${what}`)))
    const timer = setTimeout(() => end(() => fail(new Error(`waited in vain: ${what}`))), 60_000)
    child.on("message", onMessage).on("exit", onExit)
  })

/** A roster of all, and the files of their keys. */
const makeRoster = async (folder: string): Promise<Roster> => ({
  cluster: "bench",
  epoch: 1,
  minEpoch: 1,
  members: await Promise.all(ids.map(async (id) => {
    const { publicKey } = await Effect.runPromise(newKeyFile(join(folder, `${id}.key`)))
    return { id, key: publicKey, role: "IBPMonitor", ipv6: false }
  }))
})

const count = (client: NatsConnection) => {
  let messages = 0
  for (const subject of ["consensus.>", "geodns.>"]) client.subscribe(subject, { callback: () => void messages++ })
  return {
    /** All since the last call, once none came for a while. */
    take: async (): Promise<number> => {
      for (let before = -1; before !== messages;) {
        before = messages
        await new Promise((done) => setTimeout(done, 500))
      }
      const taken = messages
      messages = 0
      return taken
    }
  }
}

const median = (values: Array<number>): number => values.sort((a, b) => a - b)[values.length >> 1]!

/** What is played. `warmUp`: rounds before those that count. */
interface Size {
  readonly targets: number
  readonly warmUp: number
  readonly rounds: number
}

/** The median seconds until all is decided everywhere, and messages for each decision. */
const measure = async (mode: "open" | "sealed", { rounds, targets, warmUp }: Size) => {
  await using server = await startNatsServer()
  const folder = await mkdtemp(join(tmpdir(), "geodns-consensus-"))
  const client = await connect({ servers: server.url })
  const children: Array<ChildProcess> = []
  try {
    const roster = mode === "open" ? undefined : await makeRoster(folder)
    for (const id of ids) {
      await mkdir(join(folder, id))
      const monitor: Monitor = {
        id,
        url: server.url,
        folder: join(folder, id),
        targets,
        ...roster !== undefined && { sealed: { roster, keyFile: join(folder, `${id}.key`) } }
      }
      await writeFile(join(folder, `${id}.json`), JSON.stringify(monitor))
      children.push(fork(fileURLToPath(new URL("./consensus-nats-process.ts", import.meta.url)), [
        join(folder, `${id}.json`)
      ]))
    }
    const all = <A>(what: string, get: (message: any) => A | undefined) =>
      Promise.all(children.map((child) => next(child, what, get)))
    await all("it knows the others", (message) => message === "ready" || undefined)
    const counted = count(client)
    await client.flush()
    await counted.take()
    const [seconds, messages]: [Array<number>, Array<number>] = [[], []]
    // Up for the first time; and once down and up again, which is not counted either: no code has run yet.
    for (let round = -warmUp; round < 2 * rounds; round++) {
      const turn: Turn = { up: round % 2 !== 0, at: Date.now() + 300 }
      const done = all("all is decided", ({ doneAt }) => doneAt as number | undefined)
      for (const child of children) child.send(turn)
      const doneAt = Math.max(...await done)
      const sent = await counted.take()
      if (round < 0 || turn.up) continue
      seconds.push((doneAt - turn.at) / 1_000)
      messages.push(sent / targets)
    }
    return { seconds: median(seconds), messages: median(messages) }
  } finally {
    await client.close()
    for (const child of children) child.kill("SIGKILL")
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/**
 * Five monitor processes on one nats-server see 1,000 targets fail at the same moment, and each proposes all of them: seconds until
 * the last of the five knows all of them decided, and messages for each decision (without those that say it once more after 10 s).
 * The monitors are the services of the role, with real files and keys, and are told what they see instead of probing.
 */
export const run: Benchmark = async ({ smoke }) => {
  const measures: Array<Measure> = []
  for (const mode of ["open", "sealed"] as const) {
    const goal = goals[mode]
    if (!isInstalled(nats)) {
      console.error("consensus-nats: no nats-server (npm run servers, as root): not measured")
      measures.push({ name: `consensus-nats: ${mode}`, value: 0, unit: "s", goal: goal.seconds, ok: false })
      continue
    }
    const { messages, seconds } = await measure(
      mode,
      smoke ? { targets: 50, warmUp: 1, rounds: 1 } : { targets: 1_000, warmUp: 3, rounds: 5 }
    )
    measures.push(
      atMost(`consensus-nats: ${mode}`, seconds, "s", goal.seconds),
      atMost(`consensus-nats: ${mode}, messages`, messages, "each", goal.messages)
    )
  }
  return measures
}
