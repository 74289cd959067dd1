import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { describeTarget } from "../domain/Target.ts"
import { type Holdings, viewAge, viewSlice } from "./Holdings.ts"
import { OfficialStatus } from "./OfficialStatus.ts"
import { clockTolerance, type OfficialEntry } from "./OfficialTable.ts"
import { taken } from "./snapshotMetrics.ts"
import { readEntry, snapshotPage } from "./snapshotPages.ts"
import { type Digest, StatusDigest } from "./StatusDigest.ts"

interface View {
  readonly at: number
  readonly entries: ReadonlyArray<OfficialEntry>
  readonly digest: Digest
}

/** The official status, ordered by the times of decisions: what others say is believed, unless a later decision is known. */
export const heldByTime = Effect.gen(function*() {
  const clock = yield* Clock.Clock
  const official = yield* OfficialStatus
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  let view: View | undefined

  /** Times that cannot be are left out. */
  const look = Effect.fnUntraced(function*(maxAge: number) {
    if (view !== undefined && now() - view.at <= maxAge) return view
    const last = clock.currentTimeMillisUnsafe() + clockTolerance
    const digest = new StatusDigest()
    const entries: Array<OfficialEntry> = []
    let seen = 0
    for (const [key, entry] of yield* official.entries) {
      if (++seen % viewSlice === 0) yield* Effect.yieldNow
      if (entry.official.decidedAt <= 0 || entry.newest.decidedAt > last) continue
      entries.push(entry)
      digest.add(key, entry.official.up)
    }
    view = { at: now(), entries, digest: digest.digest() }
    return view
  })

  const holdings: Holdings = {
    digest: (maxAge) => Effect.map(look(maxAge), ({ digest }) => digest),
    isComparable: () => true,
    page: (head, from) => Effect.map(look(viewAge), ({ entries }) => snapshotPage(head, entries, from)),
    slice: 100,
    take: Effect.fnUntraced(function*(entry, isKnown, tally) {
      const read = readEntry(entry)
      if (read === undefined || !isKnown(read.decision.target)) return
      const { decision, newest } = read
      const { target, up } = decision
      const latest = Math.max(decision.decidedAt, newest.decidedAt)
      if (latest > clock.currentTimeMillisUnsafe() + clockTolerance) return yield* Metric.update(fromTheFuture, 1)
      const before = yield* official.get(target)
      if ((yield* official.restore(decision, newest)) !== undefined) {
        tally.changed++
        yield* Metric.update(taken, 1)
        if (before !== undefined) {
          yield* Effect.logInfo(`${describeTarget(target)} is ${up ? "up" : "down"}, as other nodes say`).pipe(
            Effect.annotateLogs({
              decision: decision.id,
              ...decision.decidedBy !== "" && { by: decision.decidedBy },
              error: decision.error
            })
          )
        }
      } else if (before !== undefined && before.up !== up) tally.different.push(target)
    }),
    describe: ({ example, node, targets }, others) =>
      `${node} holds something else for official on ${targets} ${targets === 1 ? "target" : "targets"}, as ${
        describeTarget(example)
      }${others === 0 ? "" : `; so do ${others} more nodes`}. ` +
      "One of the two missed something or has a wrong clock: compare them with other nodes; the next decision on the target ends it"
  }
  return holdings
})

const fromTheFuture = Metric.counter("geodns_snapshot_future_total", {
  description: "Statuses of others that were not taken because they are from more than five minutes ahead of our clock",
  incremental: true
})
