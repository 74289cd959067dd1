import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Membership } from "../cluster/Membership.ts"
import { Config } from "../config/Config.ts"
import { Consensus } from "../consensus/Consensus.ts"
import { Conditions } from "../node/Conditions.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { OutageLog } from "../status/OutageLog.ts"
import { OutageStore } from "../store/OutageStore.ts"
import type { StatusDocument } from "./StatusDocument.ts"
import { addOutage, noOutages, summarize } from "./summarize.ts"

const day = 24 * 60 * 60 * 1000

/**
 * What this node knows of the whole, at most a second old: however many people look, it is gathered once a second.
 */
export class Status extends Context.Service<Status, {
  readonly document: Effect.Effect<StatusDocument>
  /** The same as JSON. */
  readonly json: Effect.Effect<string>
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

      const recentOutages = Effect.fnUntraced(function*(now: number) {
        if (Option.isNone(store)) return { recent: noOutages }
        return yield* store.value.find({ from: now - day, open: false }).pipe(
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

      const gather = Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const document = summarize({
          now,
          node,
          config: yield* config.current,
          conditions: yield* conditions.current,
          nodes: yield* membership.nodes,
          electorate: yield* membership.electorate,
          officials: (yield* status.all).values(),
          proposals: yield* consensus.proposals,
          ...Option.isSome(log) && { outages: { open: yield* log.value.open, ...yield* recentOutages(now) } }
        })
        return { document, json: JSON.stringify(document) }
      })
      const current = yield* Effect.cachedWithTTL(gather, "1 second")

      return Status.of({
        document: Effect.map(current, ({ document }) => document),
        json: Effect.map(current, ({ json }) => json)
      })
    })
  )

  /** Always the same document. */
  static readonly layerMemory = (document: StatusDocument): Layer.Layer<Status> =>
    Layer.succeed(
      Status,
      Status.of({ document: Effect.succeed(document), json: Effect.sync(() => JSON.stringify(document)) })
    )
}
