import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import type { Decision } from "../../src/status/Decision.ts"
import type { ChaosArguments, Said, Told } from "./chaos.ts"

const program = fileURLToPath(new URL("./chaos.child.ts", import.meta.url))

/** How many answers one start of a process has counted, as far as can be known. */
export interface Counted {
  readonly atLeast: number
  readonly atMost: number
}

/** A process of the chaos, over its starts. */
export class ChaosProcess {
  readonly id: string
  /** Of each start that has ended. */
  readonly counted: Array<Counted> = []
  private readonly options: Omit<ChaosArguments, "start">
  private child: ChildProcess | undefined
  private starts = 0
  private said: Array<{ readonly at: number; readonly counting: number }> = []
  /** Decisions that were not official in it for a second yet: it hears them again after a kill. */
  private readonly pending = new Map<string, Decision>()
  /** The last decision of each target, as other nodes tell it to one that starts. */
  private readonly newest = new Map<string, Decision>()
  private waiting: Array<Decision> = []

  constructor(options: Omit<ChaosArguments, "start">) {
    this.id = options.id
    this.options = options
  }

  async start(): Promise<void> {
    const child = fork(program, [JSON.stringify({ ...this.options, start: ++this.starts })], {
      stdio: ["ignore", "ignore", "inherit", "ipc"]
    })
    this.said = []
    const ready = new Promise<void>((done, fail) => {
      child.once("exit", (code) => fail(new Error(`${this.id} ended with ${code} before it was ready`)))
      child.on("message", (message: Said) => {
        if ("counting" in message) this.said.push({ at: performance.now(), counting: message.counting })
        else if ("taken" in message) { for (const id of message.taken) this.pending.delete(id) }
        else if ("ready" in message) done()
      })
    })
    await ready
    this.child = child
    const again = [...this.pending.values(), ...this.newest.values()].sort((a, b) => a.decidedAt - b.decidedAt)
    this.send({ decisions: again })
  }

  /** A decision comes from the bus; `deliver` hands over all that have come. */
  decide(decision: Decision): void {
    this.pending.set(decision.id, decision)
    this.newest.set(decision.target.member, decision)
    this.waiting.push(decision)
  }

  /** A copy of a decision that is long over. */
  repeat(decision: Decision): void {
    this.waiting.push(decision)
  }

  deliver(): void {
    if (this.child === undefined || this.waiting.length === 0) return
    this.send({ decisions: this.waiting })
    this.waiting = []
  }

  /** kill -9. What it said a second before was counted for good by then, but for the answers of that very moment. */
  async kill(): Promise<void> {
    const { child } = this
    if (child === undefined) return
    this.child = undefined
    const killed = performance.now()
    child.kill("SIGKILL")
    await once(child, "close")
    const before = this.said.filter(({ at }) => at <= killed - 1_000).at(-2)
    this.counted.push({ atLeast: before?.counting ?? 0, atMost: this.said.at(-1)?.counting ?? 0 })
  }

  /** Lets it stop to count, and gives how much it has counted since it started. */
  async stop(): Promise<void> {
    const counted = new Promise<number>((done) =>
      this.child?.on("message", (message: Said) => "counted" in message && done(message.counted))
    )
    this.send({ stop: true })
    const exactly = await counted
    this.counted.push({ atLeast: exactly, atMost: exactly })
  }

  /** Ends it as an operator does; gives its exit code. */
  async end(): Promise<number | null> {
    const { child } = this
    if (child === undefined) return null
    this.child = undefined
    const closed = once(child, "close")
    child.send({ end: true } satisfies Told)
    const [code] = await closed
    return code
  }

  /** Whatever has become of it. */
  destroy(): void {
    this.child?.kill("SIGKILL")
  }

  private send(message: Told): void {
    this.child?.send(message)
  }
}
