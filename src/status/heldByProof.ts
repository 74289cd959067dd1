import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { describeTarget, type TargetKey, targetKey } from "../domain/Target.ts"
import { Certificate } from "../domain/wire/Seal.ts"
import { maxSnapshotError } from "../domain/wire/Snapshot.ts"
import type { Official } from "./Decision.ts"
import { type Holdings, viewAge } from "./Holdings.ts"
import { OfficialStatus } from "./OfficialStatus.ts"
import type { ProofsShape } from "./Proofs.ts"
import { taken } from "./snapshotMetrics.ts"
import { pageOf, writeProof } from "./snapshotPages.ts"

interface View {
  readonly at: number
  readonly certificates: ReadonlyArray<Certificate>
  readonly officials: ReadonlyMap<TargetKey, Official>
}

/** All of an entry that counts: the certificate. What else stands there is the word of who sent it. */
const decode = Schema.decodeUnknownOption(Schema.Struct({
  Certificate,
  ErrorText: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(maxSnapshotError)))
}))

/** The digits of the hash of registers. Who orders by time has another one, and no certificates. */
const hashDigits = 32

/** The registers and their certificates: nothing is believed, all is verified. */
export const heldByProof = Effect.fnUntraced(function*(proofs: ProofsShape) {
  const clock = yield* Clock.Clock
  const official = yield* OfficialStatus
  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)
  let view: View | undefined

  const look = Effect.gen(function*() {
    if (view !== undefined && now() - view.at <= viewAge) return view
    view = { at: now(), certificates: yield* proofs.certificates, officials: yield* official.all }
    return view
  })

  const holdings: Holdings = {
    digest: () => proofs.digest,
    isComparable: ({ hash }) => hash.length === hashDigits,
    page: (head, from) =>
      Effect.map(look, ({ certificates, officials }) =>
        pageOf(head, certificates.length, from, (i) => {
          const certificate = certificates[i]!
          return writeProof(certificate, officials.get(targetKey(certificate.T)))
        })),
    // To decode a certificate and to verify it takes a while, and there may be 64 votes in each.
    slice: 4,
    take: Effect.fnUntraced(function*(entry, isKnown, tally) {
      const read = Option.getOrUndefined(decode(entry))
      if (read === undefined) return yield* Metric.update(without, 1)
      const { Certificate: certificate, ErrorText: error = "" } = read
      const { T: target, seq } = certificate
      if (!isKnown(target)) return
      const mine = yield* proofs.certificateOf(target)
      // Who is behind sees so by our digest.
      if (mine !== undefined && seq <= mine.seq) return
      switch (yield* proofs.offer(certificate, { error, from: tally.from })) {
        case "taken":
          tally.changed++
          return yield* Metric.update(taken, 1)
        case "refused":
          tally.different.push(target)
          return yield* Metric.update(refused, 1)
        case "unchecked":
          tally.unchecked++
          return yield* Metric.update(unchecked, 1)
      }
    }),
    describe: ({ example, node, targets }, others) =>
      `${node} shows certificates for ${targets} ${targets === 1 ? "target" : "targets"}, as ${
        describeTarget(example)
      }, that prove nothing by our roster${others === 0 ? "" : `; so do ${others} more nodes`}. ` +
      "One of the two has not got the newest roster, its certificates are of an epoch that is retired, or it lies: compare geodns roster show on both"
  }
  return holdings
})

const unproven = Metric.counter("geodns_snapshot_unproven_total", {
  description:
    "Statuses of others that were not taken because no certificate came with them, or one that proves nothing",
  incremental: true
})
const without = Metric.withAttributes(unproven, { reason: "no-certificate" })
const refused = Metric.withAttributes(unproven, { reason: "refused" })
const unchecked = Metric.withAttributes(unproven, { reason: "unchecked" })
