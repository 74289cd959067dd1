import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Membership } from "../cluster/Membership.ts"
import { Config } from "../config/Config.ts"
import { Consensus } from "../consensus/Consensus.ts"
import { isOverrideRecord } from "../domain/Override.ts"
import { type TargetKey, targetKey } from "../domain/Target.ts"
import { Monitor } from "../monitor/Monitor.ts"
import { Conditions } from "../node/Conditions.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import type { Official } from "../status/Decision.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { OutageLog } from "../status/OutageLog.ts"
import { Overrides } from "../status/Overrides.ts"
import { Proofs } from "../status/Proofs.ts"
import { Shadow } from "../status/Shadow.ts"
import { OutageStore } from "../store/OutageStore.ts"
import type { StatusDocument } from "./StatusDocument.ts"
import { addOutage, noOutages, summarize } from "./summarize.ts"

/** Everything but `at`, which stands first. */
const withoutTime = (json: string): string => json.slice(json.indexOf(","))

const changesOf = (json: Effect.Effect<string>): Stream.Stream<string> =>
  Stream.suspend(() => {
    let last: string | undefined
    let silent = 0
    return Stream.tick("1 second").pipe(
      Stream.mapEffect(() => json),
      Stream.filter((now) => {
        const content = withoutTime(now)
        if (content === last && ++silent < 10) return false
        last = content
        silent = 0
        return true
      })
    )
  })

const day = 24 * 60 * 60 * 1000

/**
 * What this node knows of the whole, at most a second old: however many people look, it is gathered once a second.
 */
export class Status extends Context.Service<Status, {
  readonly document: Effect.Effect<StatusDocument>
  /** The same as JSON. */
  readonly json: Effect.Effect<string>
  /**
   * The JSON now and whenever something in it changes, looked at once a second; at least every ten seconds, so that ages stay
   * right. It is pulled: a slow reader misses what was in between.
   */
  readonly changes: Stream.Stream<string>
}>()("effect-geodns/http/Status") {
  /** Outages are in it where this node keeps them: with an `OutageLog` and an `OutageStore`. */
  static readonly layer: Layer.Layer<
    Status,
    never,
    NodeIdentity | Config | Conditions | Membership | OfficialStatus | Consensus
  > = Layer.effect(
    Status,
    Effect.gen(function*() {
      const node = yield* NodeIdentity
      const config = yield* Config
      const conditions = yield* Conditions
      const membership = yield* Membership
      const status = yield* OfficialStatus
      const consensus = yield* Consensus
      const log = yield* Effect.serviceOption(OutageLog)
      const store = yield* Effect.serviceOption(OutageStore)
      const overrides = yield* Effect.serviceOption(Overrides)
      const shadow = yield* Effect.serviceOption(Shadow)
      const monitor = yield* Effect.serviceOption(Monitor)
      const proofs = yield* Proofs

      const recentOutages = Effect.fnUntraced(function*(now: number) {
        if (Option.isNone(store)) return { recent: noOutages }
        return yield* store.value.find({ from: now - day, open: false }).pipe(
          Stream.filter(({ target }) => !isOverrideRecord(target)),
          Stream.runFold(() => noOutages, addOutage),
          Effect.timeout("2 seconds"),
          Effect.match({
            onSuccess: (recent) => ({ recent }),
            onFailure: (error) => ({
              recent: noOutages,
              problem: error._tag === "TimeoutError"
                ? "The store did not answer within 2 s"
                : `The store could not be read (${error.reason._tag}); /health says more`
            })
          })
        )
      })

      /** Targets whose proof is of an epoch that is retired. Where consensus keeps certificates, a step may be proved anew. */
      const retiredOf = Effect.fnUntraced(function*(officials: Iterable<Official>, minEpoch: number) {
        if (minEpoch <= 1) return new Set<TargetKey>()
        const certificates = proofs.isRequired
          ? yield* proofs.certificates
          : Array.from(officials, ({ proof }) => proof?.certificate).filter((one) => one !== undefined)
        return new Set(certificates.flatMap(({ T: target, epoch }) => epoch < minEpoch ? [targetKey(target)] : []))
      })

      const gather = Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const state = yield* consensus.state
        const officials = yield* status.all
        const document = summarize({
          now,
          node,
          config: yield* config.current,
          conditions: yield* conditions.current,
          nodes: yield* membership.nodes,
          consensus: state,
          electorate: state.electorate,
          officials: officials.values(),
          retired: yield* retiredOf(officials.values(), state.minEpoch ?? 1),
          proposals: yield* consensus.proposals,
          ...Option.isSome(overrides)
            && { overrides: { all: yield* overrides.value.list, active: yield* overrides.value.active } },
          ...Option.isSome(monitor) && {
            held: yield* monitor.value.held,
            latencies: yield* monitor.value.latencies,
            self: yield* monitor.value.self
          },
          ...Option.isSome(shadow) && { shadow: yield* shadow.value.comparison },
          ...Option.isSome(log) && { outages: { open: yield* log.value.open, ...yield* recentOutages(now) } }
        })
        return { document, json: JSON.stringify(document) }
      })
      const current = yield* Effect.cachedWithTTL(gather, "1 second")

      const json = Effect.map(current, ({ json }) => json)

      return Status.of({ document: Effect.map(current, ({ document }) => document), json, changes: changesOf(json) })
    })
  )

  /** Always the same document. */
  static readonly layerMemory = (document: StatusDocument): Layer.Layer<Status> =>
    Layer.succeed(
      Status,
      Status.of({
        document: Effect.succeed(document),
        json: Effect.sync(() => JSON.stringify(document)),
        changes: changesOf(Effect.sync(() => JSON.stringify(document)))
      })
    )
}
