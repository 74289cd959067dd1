import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Config } from "../config/Config.ts"
import type { Local } from "../domain/documents/Local.ts"
import { Conditions } from "../node/Conditions.ts"
import { GeoIpSource } from "./GeoIpSource.ts"
import { updateDatabases, type UpdateLimits, type UpdateReport, type UpdateSettings } from "./updateDatabases.ts"
import { NoAccount, UpdateError } from "./UpdateError.ts"
import * as Plan from "./UpdatePlan.ts"

/** Who asks the provider for what, as a local document says; why nobody does otherwise. */
export const updateSettings = (local: Local): Result.Result<UpdateSettings, UpdateError> => {
  const { AccountID, LicenseKey } = local.Maxmind
  const missing = [
    ...(AccountID === "" ? ["Maxmind.AccountID"] : []),
    ...(Redacted.value(LicenseKey) === "" ? ["Maxmind.LicenseKey"] : [])
  ]
  return missing.length > 0
    ? Result.fail(new UpdateError({ edition: "", reason: new NoAccount({ missing }) }))
    : Result.succeed({ ...local.GeoDNS.GeoIp, account: AccountID, key: LicenseKey })
}

/** Half an account is a slip of the pen; none is the choice to bring the files by other means. */
const isHalf = ({ Maxmind }: Local): boolean =>
  (Maxmind.AccountID === "") !== (Redacted.value(Maxmind.LicenseKey) === "")

/** Which databases are kept up to date. */
export interface GeoIpUpdaterOptions {
  readonly directory: string
  readonly limits?: UpdateLimits
}

/** Keeps the databases of a directory up to date, where the local document has an account of the provider. */
export class GeoIpUpdater extends Context.Service<GeoIpUpdater, {
  /** Asks for all editions now, whatever the schedule says. Fails without an account, and when none could be asked for. */
  readonly update: Effect.Effect<UpdateReport, UpdateError>
}>()("effect-geodns/geo/GeoIpUpdater") {
  /**
   * Asks at the start and every `GeoDNS.GeoIp.Interval`, and when account or settings change. What fails is the condition
   * `geoip:update:<edition>`, and is tried again later and later. Whoever reads the files finds out by itself that they
   * are new ones.
   */
  static readonly layer = (directory: string): Layer.Layer<GeoIpUpdater, never, Conditions | Config> =>
    GeoIpUpdater.layerWith({ directory }).pipe(Layer.provide(GeoIpSource.layer))

  /** The same, with a provider of one's own. */
  static readonly layerWith = (
    options: GeoIpUpdaterOptions
  ): Layer.Layer<GeoIpUpdater, never, Conditions | Config | GeoIpSource> => Layer.effect(GeoIpUpdater, make(options))

  /** Never asks anybody. */
  static readonly layerMemory: Layer.Layer<GeoIpUpdater> = Layer.succeed(
    GeoIpUpdater,
    GeoIpUpdater.of({ update: Effect.succeed({ editions: [], state: Plan.noState }) })
  )
}

/** What is waited at most before the first question, when all files are there: nodes do not all ask together. Milliseconds. */
const startSpread = 60_000

/** How long another process may take, or a directory that cannot be written is left alone. Milliseconds. */
const busyPause = 600_000

const shortestPause = 1_000

const make = Effect.fnUntraced(function*({ directory, limits = {} }: GeoIpUpdaterOptions) {
  const conditions = yield* Conditions
  const config = yield* Config
  const source = yield* GeoIpSource
  /** When each edition is asked for next. */
  let due: ReadonlyMap<string, number> = new Map()
  let raised: ReadonlySet<string> = new Set()

  const report = Effect.fnUntraced(function*(wrong: ReadonlyMap<string, string>, judged: (name: string) => boolean) {
    for (const name of raised) if (judged(name) && !wrong.has(name)) yield* conditions.clear(name)
    raised = new Set([...[...raised].filter((name) => !judged(name)), ...wrong.keys()])
    for (const [name, detail] of wrong) yield* conditions.raise(name, detail)
  })

  const round = Effect.fnUntraced(function*(settings: UpdateSettings, all: boolean, forgive: boolean) {
    const done = yield* updateDatabases({
      directory,
      settings,
      limits,
      forgive,
      isDue: (edition, state, now) =>
        all || (due.get(edition) ?? (state.failures === 0 || forgive ? now : state.retryAt)) <= now
    }).pipe(Effect.provideService(GeoIpSource, source))
    const { local } = yield* config.current
    const interval = local.GeoDNS.GeoIp.Interval * 1_000
    const now = yield* Clock.currentTimeMillis
    const next = new Map<string, number>()
    for (const edition of settings.Editions) {
      next.set(edition, Plan.dueAt(Plan.editionState(done.state, edition), interval, now, yield* Random.next))
    }
    due = next
    const wrong = new Map<string, string>()
    for (const { edition, outcome } of done.editions) {
      if (outcome === "updated") {
        yield* Effect.annotateLogs(Effect.logInfo("GeoIP database updated"), { edition })
      }
      if (typeof outcome !== "string") wrong.set(conditionOf(edition), outcome.message)
    }
    const asked = new Set(done.editions.map(({ edition }) => conditionOf(edition)))
    const wanted = new Set(settings.Editions.map(conditionOf))
    yield* report(wrong, (name) => asked.has(name) || !wanted.has(name))
    return done
  })

  /** One turn of the schedule. Gives the milliseconds until the next, undefined when only new settings bring one. */
  const turn = Effect.fnUntraced(function*(forgive: boolean): Effect.fn.Return<number | undefined> {
    const { local } = yield* config.current
    const settings = updateSettings(local)
    if (Result.isFailure(settings)) {
      yield* report(new Map(isHalf(local) ? [["geoip:update", settings.failure.message]] : []), () => true)
      return undefined
    }
    const done = yield* Effect.result(round(settings.success, false, forgive))
    if (Result.isFailure(done)) {
      const { message, reason } = done.failure
      // The other process does the work, and says what is wrong.
      yield* report(
        new Map(reason._tag === "Busy" ? [] : [["geoip:update", message]]),
        (name) => name === "geoip:update"
      )
      return busyPause * (1 + (yield* Random.next))
    }
    const now = yield* Clock.currentTimeMillis
    return due.size === 0 ? undefined : Math.max(shortestPause, Math.min(...due.values()) - now)
  })

  const wake = yield* Queue.sliding<void>(1)
  yield* config.changes.pipe(
    Stream.filter(({ sections }) => sections.includes("Maxmind") || sections.includes("GeoDNS.GeoIp")),
    Stream.runForEach(() => Queue.offer(wake, undefined)),
    Effect.forkScoped({ startImmediately: true })
  )
  yield* Effect.gen(function*() {
    const { Editions } = (yield* config.current).local.GeoDNS.GeoIp
    const isComplete = Editions.every((edition) => existsSync(join(directory, Plan.fileOf(edition))))
    let pause: number | undefined = isComplete ? startSpread * (yield* Random.next) : 0
    while (true) {
      const woken: boolean = pause === undefined
        ? yield* Effect.as(Queue.take(wake), true)
        : yield* Effect.map(Effect.timeoutOption(Queue.take(wake), pause), ({ _tag }) => _tag === "Some")
      // New settings: what was waited for may not be what is wanted any more.
      if (woken) due = new Map()
      pause = yield* turn(woken).pipe(
        Effect.catchCause((cause) =>
          Effect.as(Effect.logError("the GeoIP databases could not be updated", cause), busyPause)
        )
      )
    }
  }).pipe(Effect.forkScoped)

  return GeoIpUpdater.of({
    update: config.current.pipe(
      Effect.flatMap(({ local }) => Effect.fromResult(updateSettings(local))),
      Effect.flatMap((settings) => round(settings, true, false))
    )
  })
})

const conditionOf = (edition: string): string => `geoip:update:${edition}`
