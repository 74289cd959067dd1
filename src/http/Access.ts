import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Config } from "../config/Config.ts"
import type { Local } from "../domain/documents/Local.ts"
import { Conditions } from "../node/Conditions.ts"
import { clientOf } from "./ClientAddress.ts"
import { judge, pathOf, type RefusalReason, type Rules, type Verdict } from "./judge.ts"
import { type Keys, makeKeys } from "./Keys.ts"
import { type Rate, TokenBuckets } from "./TokenBuckets.ts"

/** The settings of the local document whose `AuthKeys` open an address. */
export type ApiName = "DnsApi" | "MonitorApi" | "CollatorApi" | "MgmtApi"

/** What {@link Access} says of a request. A refused one may say after how many milliseconds to come again. */
export type Admission = Verdict & { readonly retryAfter?: number }

/** Who may ask one HTTP server for what, and how often. */
export class Access extends Context.Service<Access, {
  readonly admit: (request: HttpServerRequest) => Effect.Effect<Admission>
}>()("effect-geodns/http/Access") {
  /**
   * As the configuration says, also after a reload: `GeoDNS.Public` is read without a key, everything else with a key of the
   * `apis` of this address or of `MgmtApi`; writing always needs one of `MgmtApi`. Requests of one client are limited as
   * `GeoDNS.Http.RateLimit` says (`/live` is not), wrong keys to ten and then one in six seconds. Keys that open nothing are the
   * condition `http:keys`.
   */
  static readonly layer = (options: {
    readonly apis: ReadonlyArray<ApiName>
  }): Layer.Layer<Access, never, Config | Conditions> => Layer.effect(Access, make(options.apis))

  /** Everything may be read by everybody, as often as they like, and nothing written: for tests and programs without keys. */
  static readonly layerReadOnly: Layer.Layer<Access> = Layer.succeed(Access, {
    admit: ({ method }) =>
      Effect.succeed<Admission>(
        method === "GET" || method === "HEAD"
          ? { _tag: "Admitted", caller: undefined }
          : {
            _tag: "Refused",
            reason: "no-keys-configured",
            status: 403,
            error: "Nobody may write here: this server has no keys"
          }
      )
  })
}

/** Clients that are remembered, for requests and for wrong keys each. */
const clients = 10_000

/** How often a client may be wrong about a key. */
const wrongKeys: Rate = { perSecond: 1 / 6, burst: 10 }

/** Milliseconds. */
const logEvery = 60_000

const apiNames: ReadonlyArray<ApiName> = ["DnsApi", "MonitorApi", "CollatorApi", "MgmtApi"]

const keysOf = (local: Local, api: ApiName): Keys => makeKeys(local[api].AuthKeys, `${api}.AuthKeys`)

const rulesOf = (local: Local, apis: ReadonlyArray<ApiName>): Rules => ({
  publicRoutes: local.GeoDNS.Public,
  readers: apis.filter((api) => api !== "MgmtApi").map((api) => keysOf(local, api)),
  writers: keysOf(local, "MgmtApi")
})

const make = Effect.fnUntraced(function*(apis: ReadonlyArray<ApiName>) {
  const config = yield* Config
  const conditions = yield* Conditions
  const clock = yield* Clock.Clock
  const requests = new TokenBuckets(clients)
  const failures = new TokenBuckets(clients)
  let known: { readonly local: Local; readonly rules: Rules } | undefined
  let wrong = 0
  let logged = Number.NEGATIVE_INFINITY

  /** The rules of the configuration in use. A new document takes effect with the next request. */
  const rules = Effect.fnUntraced(function*(local: Local) {
    if (known?.local === local) return known.rules
    const rules = rulesOf(local, apis)
    known = { local, rules }
    // Of all APIs: the servers of one process say the same.
    const problems = apiNames.flatMap((api) => keysOf(local, api).problems)
    yield* problems.length === 0
      ? conditions.clear("http:keys")
      : conditions.raise("http:keys", `keys that open nothing: ${problems.slice(0, 5).join("; ")}`)
    return rules
  })

  const sayWrong = Effect.fnUntraced(function*(client: string, path: string, now: number) {
    wrong++
    if (now - logged < logEvery) return
    const times = wrong
    logged = now
    wrong = 0
    yield* Effect.logWarning(
      `${times} HTTP ${times === 1 ? "request" : "requests"} showed a wrong key since this was last said`
    ).pipe(
      Effect.annotateLogs({ client, path: path.slice(0, 100) })
    )
  })

  const refuse = (reason: RefusalReason, retryAfter: number, error: string): Admission => ({
    _tag: "Refused",
    reason,
    status: 429,
    error,
    retryAfter
  })

  const decide = Effect.fnUntraced(function*(request: HttpServerRequest) {
    const { local } = yield* config.current
    const now = clock.currentTimeMillisUnsafe()
    const path = pathOf(request.url)
    const client = clientOf(
      Option.getOrElse(request.remoteAddress, () => ""),
      request.headers["x-forwarded-for"]
    )
    const { Burst, PerSecond } = local.GeoDNS.Http.RateLimit
    const wait = PerSecond === 0 || path === "/live"
      ? 0
      : requests.take(client, now, { perSecond: PerSecond, burst: Burst })
    if (wait > 0) return refuse("rate", wait, `Too many requests: ${PerSecond} per second are allowed`)
    const verdict: Admission = judge(request, yield* rules(local))
    if (verdict._tag === "Admitted" && verdict.caller === undefined) return verdict
    // Before the key counts: who may not try may not know that a guess was right.
    const barred = failures.wait(client, now, wrongKeys)
    if (barred > 0) return refuse("attempts", barred, "Too many wrong keys: wait before the next one")
    if (verdict._tag === "Refused" && verdict.reason === "wrong-key") {
      failures.take(client, now, wrongKeys)
      yield* sayWrong(client, path, now)
    }
    return verdict
  })

  yield* rules((yield* config.current).local)
  yield* config.changes.pipe(
    Stream.runForEach(({ after }) => rules(after.local)),
    Effect.forkScoped({ startImmediately: true })
  )
  return Access.of({
    admit: (request) =>
      Effect.tap(decide(request), (admission) =>
        admission._tag === "Refused"
          ? Metric.update(Metric.withAttributes(refused, { reason: admission.reason }), 1)
          : Effect.void)
  })
})

const refused = Metric.counter("geodns_http_refused_total", {
  description: "HTTP requests that were refused, by reason",
  incremental: true
})
