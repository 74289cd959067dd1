import { createHash } from "node:crypto"
import { type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import type { Decision, Official } from "./Decision.ts"
import type { OfficialResults } from "./MonitorResults.ts"

/** Milliseconds that the clock of a monitor may be ahead before its times count as none. */
const ahead = 5_000

/** Who decided what was read from the results of a monitor. */
export const resultsSource = (host: string): string => `results:${host}`.slice(0, 256)

const decisionOf = (source: string, target: Target, up: boolean, error: string, decidedAt: number): Decision => ({
  // The results name no proposals; an id must not stand for two decisions.
  id: `results-${
    createHash("sha256").update(JSON.stringify([source, targetKey(target), up, decidedAt])).digest("hex").slice(0, 32)
  }`,
  target,
  up,
  error,
  data: null,
  decidedAt,
  decidedBy: source,
  votes: {}
})

/**
 * What there is to be taken from the results of a monitor, received at `now`. Nothing that was decided later, as far as
 * times tell, is replaced; a result without a time that can be counts only where nothing is known, or what is known came
 * from the same monitor.
 */
export function* fromResults(
  { host, onlyDown, results }: OfficialResults,
  official: ReadonlyMap<TargetKey, Official>,
  isKnown: (target: Target) => boolean,
  now: number
): Generator<Decision> {
  const source = resultsSource(host)
  for (const [key, { at, error, target, up }] of results) {
    const before = official.get(key)
    if (before?.up === up || !isKnown(target)) continue
    if (at !== undefined && at <= now + ahead) {
      const decidedAt = Math.min(at, now)
      if (before === undefined || decidedAt > before.decidedAt) yield decisionOf(source, target, up, error, decidedAt)
    } else if (before === undefined || before.decidedBy === source) yield decisionOf(source, target, up, error, now)
  }
  if (!onlyDown) return
  // What the same monitor told to be down, and tells no more, is up.
  for (const [key, { decidedBy, target, up }] of official) {
    if (!up && decidedBy === source && !results.has(key) && isKnown(target)) {
      yield decisionOf(source, target, true, "", now)
    }
  }
}
