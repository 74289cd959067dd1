import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { Config } from "../../config/Config.ts"
import { FileChanges } from "../../config/FileChanges.ts"
import { fingerprintOf } from "../../config/fileDocument.ts"
import type { ConsensusSettings } from "../../domain/documents/GeoDns.ts"
import { Conditions } from "../../node/Conditions.ts"
import { DurableFiles } from "../../node/DurableFiles.ts"
import { readRosterFile, usableRosters } from "./readRosters.ts"
import type { Roster } from "./Roster.ts"
import { formatRosterFile, parseRosterFile, type RosterFile, rostersOf, type SignedRoster } from "./rosterFile.ts"
import { describeRosterRefusal, Rosters } from "./Rosters.ts"
import { BadRoster, SealError } from "./SealError.ts"
import type { KeyRules } from "./Verifier.ts"

/** The durable file of the rosters that this node has taken. */
export const keptRosters = "rosters.json"

const condition = "consensus:roster"
const writeCondition = "consensus:rosters-file"

/** Between two looks at the file of the roster. */
const watchEvery = "5 seconds"

/** Where the roster is when it stands in the local document itself. */
const inline = "GeoDNS.Consensus.Roster"

/** The rosters that this node goes by. The epoch only rises, also over restarts. */
export class RosterSource extends Context.Service<RosterSource, {
  readonly current: () => Rosters
  /** The rosters now, and whenever there is a new one. A slow reader gets the last. */
  readonly changes: Stream.Stream<Rosters>
  /** Takes what a roster file says, if it follows what is known; why it does not is the condition `consensus:roster`. */
  readonly offer: (file: RosterFile) => Effect.Effect<void>
}>()("effect-geodns/consensus/sealed/RosterSource") {
  /**
   * The roster that `GeoDNS.Consensus` of the configuration has or names (`file`: the path of one that it names), read again
   * when it changes, and those that this node took before, in the durable file `rosters.json`. Fails when neither can be used.
   */
  static readonly layer = (
    file: (path: string) => string
  ): Layer.Layer<RosterSource, SealError, Config | DurableFiles | Conditions> =>
    Layer.effect(RosterSource, followSettings(file))

  /** Begins with these rosters, and keeps them in memory. `rules` may allow the keys of simulations. */
  static readonly layerMemory = (
    first: Roster,
    rules: KeyRules = { simulated: true }
  ): Layer.Layer<RosterSource, SealError> =>
    Layer.effect(
      RosterSource,
      Effect.gen(function*() {
        const rosters = yield* Effect.fromResult(Result.mapError(
          Rosters.from([first], rules),
          (refusal) => bad("memory", [describeRosterRefusal(refusal)])
        ))
        return RosterSource.of(yield* keeping({ rosters, files: [], operatorKey: undefined, keep: () => Effect.void }))
      })
    ).pipe(Layer.provide(Conditions.layerMemory))
}

const bad = (path: string, problems: ReadonlyArray<string>) =>
  new SealError({ reason: new BadRoster({ path, problems }) })

/** The rosters of a file that are new to who knows `known`, in order. What it repeats must be the same. */
const follow = (known: Rosters, next: ReadonlyArray<Roster>): Result.Result<Rosters, string> => {
  const last = next.at(-1)
  const news = next.filter((roster) => roster === last || roster.epoch > known.current.epoch)
  return Result.mapError(
    news.reduce<ReturnType<Rosters["add"]>>(
      (all, roster) => Result.flatMap(all, (before) => before.add(roster)),
      Result.succeed(known)
    ),
    describeRosterRefusal
  )
}

/** The service once there are rosters. `files` are those that they are from: for their signatures. */
const keeping = Effect.fnUntraced(function*(options: {
  readonly rosters: Rosters
  readonly files: ReadonlyArray<RosterFile>
  readonly operatorKey: string | undefined
  readonly keep: (text: string) => Effect.Effect<void>
}): Effect.fn.Return<RosterSource["Service"], never, Conditions | Scope.Scope> {
  const conditions = yield* Conditions
  const turn = yield* Semaphore.make(1)
  const news = yield* PubSub.sliding<Rosters>({ capacity: 1, replay: 1 })
  let current = options.rosters
  let signed: ReadonlyMap<number, SignedRoster> = new Map()

  /** Each roster with its signature, so that they can be checked again at the next start. */
  const save = Effect.suspend(() => {
    const [last, ...earlier] = current.all().map((roster) => signed.get(roster.epoch) ?? roster).reverse()
    return options.keep(formatRosterFile({ ...last!, earlier: earlier.slice(0, 255).reverse() }))
  })
  const learn = (file: RosterFile): void => {
    const { earlier = [], ...last } = file
    const all = [...signed, ...[...earlier, last].map((roster) => [roster.epoch, roster] as const)]
    signed = new Map(all.filter(([epoch, roster]) => roster === signed.get(epoch) || current.get(epoch) !== undefined))
  }

  const offer = Effect.fn("RosterSource.offer")(function*(file: RosterFile) {
    const next = rostersOf(file, options.operatorKey).pipe(Result.flatMap((rosters) => follow(current, rosters)))
    if (Result.isFailure(next)) {
      return yield* conditions.raise(
        condition,
        `the roster of epoch ${file.epoch} is not taken, that of epoch ${current.current.epoch} stays in use: ${next.failure}`
      )
    }
    yield* conditions.clear(condition)
    if (next.success === current) return
    current = next.success
    learn(file)
    yield* Effect.logInfo(`the roster of epoch ${current.current.epoch} is in use`)
    yield* save
    yield* PubSub.publish(news, current)
  }, turn.withPermit)

  for (const file of options.files) learn(file)
  yield* PubSub.publish(news, current)
  yield* save
  return { current: () => current, changes: Stream.fromPubSub(news), offer }
})

const readKept = Effect.fnUntraced(function*(operatorKey: string | undefined) {
  const files = yield* DurableFiles
  const text = yield* Effect.mapError(files.read(keptRosters), ({ message }) => message)
  if (Option.isNone(text)) return undefined
  return yield* Effect.fromResult(
    parseRosterFile(text.value).pipe(
      Result.flatMap((file) =>
        Result.map(
          Result.mapError(usableRosters(keptRosters, file, operatorKey), ({ message }) => message),
          (rosters) => ({ file, rosters })
        )
      )
    )
  )
})

/** What the settings say; `path` is where it is. */
const readSetting = ({ Roster: roster }: ConsensusSettings, file: (path: string) => string) => {
  if (typeof roster === "string") return readRosterFile(file(roster))
  return Effect.fromResult(Result.mapError(
    parseRosterFile(JSON.stringify(roster ?? null)),
    (problem) => bad(inline, [roster === undefined ? "there is none" : problem])
  ))
}

const followSettings = Effect.fnUntraced(function*(file: (path: string) => string) {
  const config = yield* Config
  const conditions = yield* Conditions
  const files = yield* DurableFiles
  const changes = new FileChanges()
  const settings = Effect.map(config.current, ({ local }) => local.GeoDNS.Consensus)
  const { OperatorKey: operatorKey } = yield* settings

  const pathNow = Effect.map(
    settings,
    ({ Roster: roster }) => typeof roster === "string" ? file(roster) : undefined
  )
  /** The fingerprint is taken before: what changes meanwhile is read again. */
  const read = Effect.gen(function*() {
    const path = yield* pathNow
    const fingerprint = path === undefined ? undefined : yield* fingerprintOf(path)
    const found = yield* readSetting(yield* settings, file)
    if (path !== undefined && fingerprint !== undefined) changes.read(path, fingerprint)
    return found
  })

  const kept = yield* Effect.result(readKept(operatorKey))
  const found = yield* Effect.result(read)
  const before = Result.isSuccess(kept) ? kept.success : undefined
  const keep = (text: string) =>
    files.write(keptRosters, text).pipe(
      Effect.andThen(conditions.clear(writeCondition)),
      Effect.catch(({ message }) =>
        conditions.raise(writeCondition, `a restart would forget which epoch is in use: ${message}`)
      )
    )
  const source = before === undefined
    ? yield* Effect.gen(function*() {
      const first = yield* Effect.fromResult(found)
      const rosters = yield* Effect.fromResult(usableRosters((yield* pathNow) ?? inline, first, operatorKey))
      return yield* keeping({ rosters, files: [first], operatorKey, keep })
    })
    : yield* keeping({ rosters: before.rosters, files: [before.file], operatorKey, keep })

  const unreadable = (error: SealError) =>
    conditions.raise(
      condition,
      `the roster of epoch ${source.current().current.epoch} stays in use: ${error.message}`
    )
  const again = Effect.matchEffect(read, { onSuccess: source.offer, onFailure: unreadable })
  if (before !== undefined) {
    yield* Result.isSuccess(found) ? source.offer(found.success) : unreadable(found.failure)
  }
  if (Result.isFailure(kept)) {
    yield* conditions.raise(
      writeCondition,
      `the rosters that this node took before are lost, and with them which epoch was in use: ${kept.failure}`
    )
  }

  const watch = Effect.gen(function*() {
    const path = yield* pathNow
    const fingerprint = path === undefined ? undefined : yield* fingerprintOf(path)
    if (path !== undefined && fingerprint !== undefined && changes.look(path, fingerprint)) yield* again
  })
  const guarded = Effect.catchCause((cause) => Effect.logError("following the roster failed", cause))
  yield* config.changes.pipe(
    Stream.filter(({ sections }) => sections.includes("GeoDNS.Consensus")),
    Stream.runForEach(() => guarded(again)),
    Effect.forkScoped({ startImmediately: true })
  )
  yield* Effect.sleep(watchEvery).pipe(Effect.andThen(guarded(watch)), Effect.forever, Effect.forkScoped)
  return RosterSource.of(source)
})
