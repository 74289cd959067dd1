import * as Result from "effect/Result"
import { createContext, Script } from "node:vm"

/**
 * Whether a text matches. `"too slow"` when that could not be found out in the time, `"starved"` when this process did
 * not have the processor to find out.
 */
export type Matcher = (text: string) => boolean | "too slow" | "starved"

const longest = 500

/** Milliseconds that one match may take: nothing may hold up the event loop for longer. */
const budget = 20

/** How often a match is tried that was stopped without having had the processor for its time. */
const tries = 5

/**
 * A pattern of an operator that is run against what a member sends. A pattern that can take exponential time (a repeated
 * group that repeats inside) is refused; what else takes too long is stopped.
 */
export const makeMatcher = (pattern: string): Result.Result<Matcher, string> => {
  if (pattern.length > longest) return Result.fail(`a pattern has at most ${longest} characters`)
  if (repeatsARepetition(pattern)) {
    return Result.fail("the pattern repeats a group that repeats inside, which can take for ever: write it flat")
  }
  let regex: RegExp
  try {
    regex = new RegExp(pattern, "u")
  } catch (error) {
    return Result.fail((error as SyntaxError).message)
  }
  // Only a script can be stopped in the middle of a match
  const sandbox = createContext(Object.assign(Object.create(null), { regex, text: "" }))
  const script = new Script("regex.test(text)")
  return Result.succeed((text) => {
    sandbox["text"] = text
    try {
      for (let i = 0; i < tries; i++) {
        const before = processorTime()
        try {
          return script.runInContext(sandbox, { timeout: budget }) === true
        } catch (error) {
          // Anything but a timeout: the match ran out of memory for its steps
          const isTimeout = (error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT"
          if (!isTimeout || processorTime() - before >= budget / 2) return "too slow"
        }
      }
      return "starved"
    } finally {
      sandbox["text"] = ""
    }
  })
}

/** Milliseconds of processor time that this process has had. */
const processorTime = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

const repeatsARepetition = (pattern: string): boolean => {
  /** For each open group: does it hold an unbounded repetition. */
  const open: Array<boolean> = [false]
  let closed = false
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!
    const wasClosed = closed
    closed = false
    if (char === "\\") i++
    else if (char === "[") {
      while (i < pattern.length && pattern[i] !== "]") i += pattern[i] === "\\" ? 2 : 1
    } else if (char === "(") {
      open.push(false)
      // `(?` is no repetition
      if (pattern[i + 1] === "?") i++
    } else if (char === ")") {
      const repeats = open.pop() ?? false
      if (open.length === 0) open.push(false)
      if (repeats) open[open.length - 1] = true
      closed = repeats
    } else if (char === "*" || char === "+" || (char === "{" && /^\{\d+,\}/.test(pattern.slice(i)))) {
      if (wasClosed) return true
      open[open.length - 1] = true
    }
  }
  return false
}
