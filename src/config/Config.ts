import * as Clock from "effect/Clock"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as PubSub from "effect/PubSub"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { type DocumentKey, documentKeys } from "../domain/documents/Local.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { allProblems } from "./allProblems.ts"
import type { ConfigError } from "./ConfigError.ts"
import { makeSnapshot, takeReadings } from "./Copies.ts"
import { diffInSlices, isChange } from "./diff.ts"
import { Documents } from "./Documents.ts"
import { inSlices } from "./inSlices.ts"
import { writeLastGood } from "./LastGood.ts"
import { encodeMemoryDocuments, memoryLocal, minimalDocuments, type RawDocuments } from "./memoryConfig.ts"
import type { MemoryDocuments } from "./MemoryDocuments.ts"
import { describeProblem, type DocumentName, hasErrors, isError, type Problem, summarise } from "./Problem.ts"
import { type Before, type LocalReading, readDocuments, type Readings, remember, valuesOf } from "./readDocuments.ts"
import type { ConfigChange, Snapshot } from "./Snapshot.ts"
import { type Start, start } from "./start.ts"
import type { LocalPart } from "./usedSettings.ts"

/** What a reload found. */
export interface ReloadReport {
  /** The version in use after it. */
  readonly version: number
  readonly changed: boolean
  /** Problems of the documents that could not be taken; the last good copies of those stay. */
  readonly problems: ReadonlyArray<string>
}

/** What a role wants of its configuration. */
export interface ConfigOptions {
  /** Documents without which the role makes no sense: without any good copy of one of them, the start fails. */
  readonly required?: ReadonlyArray<DocumentKey> | undefined
  /**
   * Parts of the local document that the role makes use of: a variable that is not set, or a secret that cannot be read,
   * is an error there, as far as the part is switched on. In other parts it is a warning, and the value counts as
   * missing. None when it is left out.
   */
  readonly uses?: ReadonlyArray<LocalPart> | undefined
}

/**
 * The configuration of this node: the local document and the six shared ones.
 *
 * A bad document never costs anything that runs: it is reported, and the last good copy of that document stays.
 */
export class Config extends Context.Service<Config, {
  readonly current: Effect.Effect<Snapshot>
  /**
   * Every new version from now on, each with its diff. A reader that is slow gets versions in between as one change:
   * `before` is always the version that it saw last, at first the one that was current when it began.
   */
  readonly changes: Stream.Stream<ConfigChange>
  /** Reads everything again now. */
  readonly reload: Effect.Effect<ReloadReport>
}>()("effect-geodns/config/Config") {
  /**
   * Reads the local document at `path` (a path or URL) and the documents that it names, again every `ConfigReloadTime`
   * seconds, and as soon as one that is a file has changed. Fails when the local document is missing or invalid, or when
   * there is no good copy, new or on the disk, of a required document.
   *
   * Every setting may also be given by the environment (`GEODNS_NATS_URL` for `Nats.Url`), whose values win: it is read
   * through the `ConfigProvider` of the fiber that builds the layer.
   */
  static readonly layer = (
    options: ConfigOptions & { readonly path: string }
  ): Layer.Layer<Config, ConfigError, Documents | DurableFiles | Conditions> => Layer.effect(Config, make(options))

  /** The same without a local document: all settings come from the `ConfigProvider`, by the names of their variables. */
  static readonly layerConfig = (
    options: ConfigOptions = {}
  ): Layer.Layer<Config, ConfigError, Documents | DurableFiles | Conditions> =>
    Layer.effect(Config, make({ ...options, path: undefined }))

  /**
   * The same over documents in memory, given as JSON values in the shape of the files. What is missing is minimal: an
   * empty document, or a local one that names all six.
   *
   * To change documents while everything runs, let the test write new ones and reload:
   *
   * ```ts
   * yield* setDocuments({ members: { … } }) // the other documents stay
   * const { changed, problems } = yield* Config.use((config) => config.reload)
   * ```
   *
   * For broken text or failing reads use `MemoryDocuments` with `memoryLocal` and `memoryLocation(key)`.
   */
  static readonly layerMemory = (
    documents: RawDocuments = {},
    options: ConfigOptions = {}
  ): Layer.Layer<Config | MemoryDocuments, ConfigError> =>
    Config.layer({ ...options, path: memoryLocal }).pipe(
      Layer.provideMerge(Documents.layerMemory(encodeMemoryDocuments({ ...minimalDocuments, ...documents }))),
      Layer.provide([DurableFiles.layerMemory, Conditions.layerMemory])
    )
}

interface State extends Pick<Start, "snapshot" | "copies" | "saved"> {
  readonly readings: Before
  /** The warnings of each document as they were logged last. */
  readonly logged: ReadonlyMap<DocumentName, string>
}

/** Seconds. */
const shortestReload = 1

const versionInUse = Metric.gauge("geodns_config_version", { description: "Version of the configuration in use" })
const reloads = Metric.counter("geodns_config_reloads_total", {
  description: "Times that the configuration was read again",
  incremental: true
})
const problemCount = Metric.gauge("geodns_config_problems", {
  description: "Errors and warnings of each configuration document"
})

const make = Effect.fnUntraced(function*(options: ConfigOptions & { readonly path: string | undefined }) {
  const provider = yield* ConfigProvider.ConfigProvider
  const files = yield* DurableFiles
  const conditions = yield* Conditions
  const documents = yield* Documents
  const lock = yield* Semaphore.make(1)
  const first = yield* start(options, options.required ?? [], files)
  const state = yield* Ref.make<State>({
    snapshot: first.snapshot,
    copies: first.copies,
    saved: first.saved,
    readings: remember({}, first.local, first.shared),
    logged: new Map()
  })
  const versions = yield* PubSub.sliding<Snapshot>({ capacity: 16, replay: 1 })
  yield* PubSub.publish(versions, first.snapshot)
  const watched = yield* PubSub.sliding<ReadonlyArray<string>>({ capacity: 1, replay: 1 })
  yield* PubSub.publish(watched, locationsOf(first.local, first.shared))

  // All readers ask for the same one, and large documents take a while to compare. Snapshots of one version say the same.
  let latest: ConfigChange | undefined
  const diffOf = (from: Snapshot, to: Snapshot): Effect.Effect<ConfigChange> =>
    Effect.suspend(() =>
      latest?.before.version === from.version && latest.after === to
        ? Effect.succeed(latest)
        : Effect.map(inSlices(diffInSlices(from, to)), (change) => latest = change)
    )

  const raiseOrClear = (condition: string, problems: ReadonlyArray<Problem>, inUse: string) =>
    hasErrors(problems)
      ? conditions.raise(condition, `${summarise(problems.filter(isError), 3)}. In use: ${inUse}.`)
      : conditions.clear(condition)

  /** Says what is wrong, and what is well again: conditions, log and metrics. */
  const report = Effect.fnUntraced(function*(local: LocalReading, shared: Readings) {
    const { copies, logged, snapshot } = yield* Ref.get(state)
    yield* raiseOrClear("config:local", local.problems, "what it said before")
    for (const key of documentKeys) {
      const copy = copies[key]
      const inUse = copy === undefined
        ? "an empty document, as there is no good copy"
        : `the copy of ${new Date(copy.loadedAt).toISOString()}`
      yield* raiseOrClear(`config:${key}`, shared[key].problems, inUse)
    }
    const known = valuesOf({ ...copies, local: { value: snapshot.local } })
    const now = new Map<DocumentName, string>()
    for (const [document, problems] of allProblems({ ...shared, local }, known)) {
      yield* Metric.update(Metric.withAttributes(problemCount, { document }), problems.length)
      const warnings = problems.filter((problem) => !isError(problem))
      if (warnings.length === 0) continue
      const summary = summarise(warnings, 3)
      now.set(document, summary)
      if (logged.get(document) !== summary) {
        yield* Effect.annotateLogs(Effect.logWarning(summary), { document, warnings: warnings.length })
      }
    }
    yield* Metric.update(versionInUse, snapshot.version)
    yield* Ref.update(state, (state) => ({ ...state, logged: now }))
  })

  /** Keeps on the disk what is not yet there. What fails is tried again with the next reload. */
  const save = Effect.gen(function*() {
    const { copies, saved } = yield* Ref.get(state)
    const failures: Array<string> = []
    for (const key of documentKeys) {
      const copy = copies[key]
      if (copy === undefined || copy.text === saved[key]) continue
      const { loadedAt, location, text } = copy
      yield* Effect.yieldNow
      const written = yield* Effect.result(writeLastGood(files, key, { location, loadedAt, text }))
      if (Result.isFailure(written)) failures.push(written.failure.message)
      else yield* Ref.update(state, (state) => ({ ...state, saved: { ...state.saved, [key]: text } }))
    }
    yield* failures[0] === undefined
      ? conditions.clear("config:disk")
      : conditions.raise("config:disk", `the last good documents are not kept for the next start: ${failures[0]}`)
  })

  const reload = Effect.fn("Config.reload")(function*(): Effect.fn.Return<ReloadReport> {
    const before = yield* Ref.get(state)
    const { local, shared } = yield* readDocuments(
      options,
      before.readings,
      valuesOf({ ...before.copies, local: { value: before.snapshot.local } })
    ).pipe(
      Effect.provideService(Documents, documents),
      Effect.provideService(ConfigProvider.ConfigProvider, provider)
    )
    const now = yield* Clock.currentTimeMillis
    const copies = takeReadings(before.copies, shared, now)
    const { local: old } = before.snapshot
    const settings = local.value === undefined || Equal.equals(old, local.value) ? old : local.value
    const next = yield* makeSnapshot(before.snapshot, settings, copies, shared, now)
    yield* Effect.yieldNow
    const changed = isChange(yield* diffOf(before.snapshot, next))
    const snapshot = changed ? next : { ...before.snapshot, documents: next.documents }
    yield* Effect.uninterruptible(Effect.gen(function*() {
      yield* Ref.set(state, { ...before, snapshot, copies, readings: remember(before.readings, local, shared) })
      if (changed) yield* PubSub.publish(versions, snapshot)
      yield* PubSub.publish(watched, locationsOf(local, shared))
    }))
    if (changed) yield* Effect.annotateLogs(Effect.logInfo("configuration changed"), { version: snapshot.version })
    yield* Metric.update(reloads, 1)
    // Each of these takes a while where documents are large: others have their turn before each.
    yield* Effect.yieldNow
    yield* report(local, shared)
    yield* Effect.yieldNow
    yield* save
    const errors = [local, ...documentKeys.map((key) => shared[key])].flatMap(({ problems }) =>
      problems.filter(isError)
    )
    return { version: snapshot.version, changed, problems: errors.map(describeProblem) }
  }, lock.withPermit)

  yield* report(first.local, first.shared)
  yield* save
  const reloading = Stream.runForEach(() =>
    Effect.catchCause(reload(), (cause) => Effect.logError("the configuration could not be reloaded", cause))
  )
  yield* Stream.fromPubSub(versions).pipe(
    Stream.map(({ local }) => Math.max(shortestReload, local.System.ConfigReloadTime)),
    Stream.changes,
    Stream.switchMap((seconds) => Stream.drop(Stream.tick(Duration.seconds(seconds)), 1)),
    reloading,
    Effect.forkScoped({ startImmediately: true })
  )
  yield* Stream.fromPubSub(watched).pipe(
    Stream.changesWith((a, b) => a.join("\n") === b.join("\n")),
    Stream.switchMap((locations) => documents.watch(locations)),
    reloading,
    Effect.forkScoped({ startImmediately: true })
  )

  return Config.of({
    current: Effect.map(Ref.get(state), ({ snapshot }) => snapshot),
    changes: Stream.fromPubSub(versions).pipe(
      Stream.mapAccumEffect((): Snapshot | undefined => undefined, (seen, snapshot) =>
        Effect.map(
          seen === undefined ? Effect.succeed([]) : Effect.map(diffOf(seen, snapshot), Array.of),
          (changes) => [snapshot, changes] as const
        ))
    ),
    reload: Effect.suspend(reload)
  })
})

/** All that was read: what is a file among it is watched. */
const locationsOf = (
  local: LocalReading,
  shared: Readings
): ReadonlyArray<string> => [local.location, ...local.files, ...documentKeys.map((key) => shared[key].location)]
