import * as Effect from "effect/Effect"
import { type ChildProcess, spawn } from "node:child_process"

/** Bytes of what a process prints that are kept. */
const maxOutput = 65_536

/** The part of its time that a process gets on top of it to end when it is asked to. */
const grace = 0.05

/** What came of a process. */
export interface Ended {
  readonly output: string
  readonly errors: string
  /** Undefined when it could be started; else why it could not. */
  readonly failed: NodeJS.ErrnoException | undefined
}

/**
 * Runs a program to its end, at most so many milliseconds: then it is interrupted, so that it may print what it has, and
 * soon killed. Given up, it is killed at once. It gets no input, no secrets of ours, and prints plain English.
 */
export const runProgram = (program: string, args: ReadonlyArray<string>, within: number): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const child: ChildProcess = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH: process.env["PATH"], LC_ALL: "C" }
    })
    let [output, errors] = ["", ""]
    child.stdout!.on("data", (chunk: Buffer) => void (output += chunk.toString().slice(0, maxOutput - output.length)))
    child.stderr!.on("data", (chunk: Buffer) => void (errors += chunk.toString().slice(0, maxOutput - errors.length)))
    const interrupt = setTimeout(() => child.kill("SIGINT"), within)
    const kill = setTimeout(() => child.kill("SIGKILL"), within * (1 + grace))
    const settle = (failed?: NodeJS.ErrnoException): void => {
      clearTimeout(interrupt)
      clearTimeout(kill)
      resume(Effect.succeed({ output, errors, failed }))
    }
    child.on("error", settle)
    child.on("close", () => settle())
    return Effect.sync(() => {
      clearTimeout(interrupt)
      clearTimeout(kill)
      child.kill("SIGKILL")
      child.stdout!.destroy()
      child.stderr!.destroy()
    })
  })
