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

/** What a word is that is the whole name of something: it means that alone. */
const meaningOf = (word: string, checks: ReadonlySet<string>): ((target: Target) => boolean) | undefined => {
  if (checks.has(word)) return ({ check }) => check.toLowerCase() === word
  if (word === "site" || word === "domain" || word === "endpoint") return ({ checkType }) => checkType === word
  if (word === "ipv4" || word === "ipv6") return ({ ipv6 }) => ipv6 === (word === "ipv6")
  return undefined
}

const holds = ({ domain, endpoint, member }: Target, word: string): boolean =>
  [member, domain, endpoint].some((text) => text.toLowerCase().includes(word))

const isNamed = ({ domain, endpoint, member }: Target, word: string, read: (text: string) => string): boolean =>
  [member, domain, endpoint].some((text) => read(text) === read(word))

const asWritten = (text: string): string => text
const inAnyCase = (text: string): string => text.toLowerCase()

/**
 * The targets that all of these words are about. The name or type of a check, `ipv4` and `ipv6` mean just that; every other word
 * is part of a member's name, a domain or a URL. All in any case. Where a word is the whole name of a member, a whole domain or a
 * whole URL, those that have it go before others.
 */
export const targetsAbout = (
  targets: Iterable<PlannedTarget>,
  words: ReadonlyArray<string>
): ReadonlyArray<PlannedTarget> => {
  const all = [...targets]
  const checks = new Set(all.map(({ target }) => target.check.toLowerCase()))
  const wanted = words.map((word) => word.trim()).filter((word) => word !== "")
  const tests = wanted.map((word) => {
    const lower = word.toLowerCase()
    return meaningOf(lower, checks) ?? ((target: Target) => holds(target, lower))
  })
  let found = all.filter(({ target }) => tests.every((test) => test(target)))
  for (const word of wanted) {
    if (meaningOf(word.toLowerCase(), checks) !== undefined) continue
    for (const read of [asWritten, inAnyCase]) {
      const named = found.filter(({ target }) => isNamed(target, word, read))
      if (named.length === 0) continue
      found = named
      break
    }
  }
  return found
}

/** The words that `targetsAbout` finds a target by. The type is among them where it takes that to tell two checks apart. */
export const wordsOf = (target: Target, targets: Iterable<PlannedTarget>): ReadonlyArray<string> => {
  const name = target.check.toLowerCase()
  let isTwice = false
  for (const { target: other } of targets) {
    isTwice ||= other.check.toLowerCase() === name && other.checkType !== target.checkType
  }
  const place = target.endpoint === "" ? target.domain : target.endpoint
  return [
    target.check,
    ...isTwice ? [target.checkType] : [],
    target.member,
    ...place === "" ? [] : [place],
    target.ipv6 ? "ipv6" : "ipv4"
  ]
}
