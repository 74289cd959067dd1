import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Target } from "../domain/Target.ts"
import { monotonicMillis } from "./monotonic.ts"
import type { PlannedTarget } from "./PlannedTarget.ts"
import type { ProbeResult } from "./Probe.ts"
import { runInTime } from "./Prober.ts"
import { type ProbeStep, traced } from "./ProbeTrace.ts"

/** What one probe saw, and how it got there. Milliseconds. */
export interface Looked extends ProbeResult {
  readonly latency: number
  /** The deadline of the check. */
  readonly timeout: number
  readonly steps: ReadonlyArray<ProbeStep>
}

/** Probes one target once and keeps each step. Nobody is told. */
export const lookOnce = Effect.fn("lookOnce")(function*(planned: PlannedTarget): Effect.fn.Return<Looked> {
  const clock = yield* Clock.Clock
  const start = monotonicMillis(clock)
  const { result, steps } = yield* traced(runInTime(planned))
  return { ...result, latency: monotonicMillis(clock) - start, timeout: planned.check.timeout, steps }
})

const holds = ({ check, checkType, domain, endpoint, ipv6, member }: Target, word: string): boolean =>
  [member, domain, endpoint].some((text) => text.toLowerCase().includes(word)) ||
  [check.toLowerCase(), checkType, ipv6 ? "ipv6" : "ipv4"].includes(word)

const isNamed = ({ endpoint, member }: Target, word: string): boolean =>
  member.toLowerCase() === word || endpoint.toLowerCase() === word

/**
 * The targets that all of these words are about: parts of a member's name, a domain or a URL, or the name or type of a check,
 * `ipv4` or `ipv6`, in any case. Where a word is the whole name of a member or a whole URL, those that have it go before others.
 */
export const targetsAbout = (
  targets: Iterable<PlannedTarget>,
  words: ReadonlyArray<string>
): ReadonlyArray<PlannedTarget> => {
  const wanted = words.map((word) => word.trim().toLowerCase())
  let found = [...targets].filter(({ target }) => wanted.every((word) => holds(target, word)))
  for (const word of wanted) {
    const named = found.filter(({ target }) => isNamed(target, word))
    if (named.length > 0) found = named
  }
  return found
}
