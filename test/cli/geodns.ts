import { Effect, Option, Schedule } from "effect"
import type { Duration, Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

const root = resolve(import.meta.dirname, "../..")
const main = join(root, "src/cli/main.ts")
/** Compiled once and not by every process: a third of what a start costs. */
const compileCache = join(root, "node_modules/.cache/node-compile-cache")

/** What is waited for takes milliseconds; a busy machine gets this long. */
const patience: Duration.Input = "90 seconds"

/** A folder that goes with the scope. */
export const temporaryFolder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-cli-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

/** Looks again and again until there is something, for a while. */
export const eventually = <A, E, R>(
  what: string,
  look: Effect.Effect<Option.Option<A>, E, R>,
  within: Duration.Input = patience
): Effect.Effect<A, E, R> =>
  look.pipe(
    Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: Option.isSome }),
    Effect.timeoutOption(within),
    Effect.map(Option.flatten),
    Effect.flatMap(Option.match({
      onNone: () => Effect.die(new Error(`waited in vain: ${what}`)),
      onSome: Effect.succeed
    }))
  )

/** The memory of a process that is resident, in MiB. */
export const residentMiB = (pid: number): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024

/** How a process ended. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A `geodns` that runs. */
export interface Geodns {
  readonly pid: number
  /** Waits until its standard output matches. */
  readonly says: (pattern: RegExp, within?: Duration.Input) => Effect.Effect<RegExpExecArray>
  /** Waits until its log, on standard error, matches. */
  readonly logs: (pattern: RegExp) => Effect.Effect<RegExpExecArray>
  /** Nobody reads its standard output from now on. */
  readonly closeOutput: Effect.Effect<void>
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<void>
  /** Waits until it has ended and everything that it wrote is read. */
  readonly ended: Effect.Effect<Ended>
}

const running = (child: ChildProcess): Geodns => {
  let stdout = ""
  let stderr = ""
  let end: Ended | undefined
  const look = new Set<() => void>()
  const changed = () => look.forEach((f) => f())
  child.stdout!.setEncoding("utf8").on("data", (text) => {
    stdout += text
    changed()
  })
  child.stderr!.setEncoding("utf8").on("data", (text) => {
    stderr += text
    changed()
  })
  child.on("close", (code, signal) => {
    end = { code, signal, stdout, stderr }
    changed()
  })
  /** Waits for something that changes with its output or its end, and gives up soon when it has ended without. */
  const wait = <A>(what: string, get: () => A | undefined, within: Duration.Input = patience): Effect.Effect<A> =>
    Effect.callback<A>((resume) => {
      const report = (problem: string) =>
        resume(Effect.die(new Error(`${problem}: ${what}\nstandard output:\n${stdout}\nlog:\n${stderr}`)))
      const attempt = () => {
        const value = get()
        if (value !== undefined) resume(Effect.succeed(value))
        else if (end !== undefined) report(`ended with ${end.code ?? end.signal} before`)
      }
      look.add(attempt)
      attempt()
      return Effect.sync(() => look.delete(attempt))
    }).pipe(Effect.timeoutOrElse({
      duration: within,
      orElse: () => Effect.die(new Error(`waited in vain: ${what}\nstandard output:\n${stdout}\nlog:\n${stderr}`))
    }))
  return {
    pid: child.pid!,
    says: (pattern, within) => wait(`it says ${pattern}`, () => pattern.exec(stdout) ?? undefined, within),
    logs: (pattern) => wait(`it logs ${pattern}`, () => pattern.exec(stderr) ?? undefined),
    closeOutput: Effect.sync(() => void child.stdout!.destroy()),
    kill: (signal) => Effect.sync(() => void child.kill(signal)),
    ended: wait("it ends", () => end)
  }
}

/** Starts a program of ours with these arguments. When the scope closes and it still runs, it is killed. */
export const startProgram = (
  program: string,
  args: ReadonlyArray<string>,
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {}
): Effect.Effect<Geodns, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(process.execPath, [program, ...args], {
        cwd: options.cwd,
        env: { ...process.env, NO_COLOR: "1", NODE_COMPILE_CACHE: compileCache, ...options.env },
        stdio: ["ignore", "pipe", "pipe"]
      })
      return { child, geodns: running(child) }
    }),
    ({ child, geodns }) =>
      child.exitCode === null && child.signalCode === null
        ? Effect.andThen(geodns.kill("SIGKILL"), geodns.ended)
        : Effect.void
  ).pipe(Effect.map(({ geodns }) => geodns))

/** Starts `geodns` with these arguments. When the scope closes and it still runs, it is killed. */
export const start = (
  args: ReadonlyArray<string>,
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {}
): Effect.Effect<Geodns, never, Scope.Scope> => startProgram(main, args, options)

/** Runs `geodns` with these arguments to its end. */
export const run = (...args: ReadonlyArray<string>): Effect.Effect<Ended> =>
  Effect.scoped(Effect.flatMap(start(args), ({ ended }) => ended))

/** The lines that hold something. */
export const lines = (text: string): ReadonlyArray<string> => text.split("\n").filter((line) => line.trim() !== "")
