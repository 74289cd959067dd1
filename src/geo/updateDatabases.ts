import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { randomBytes } from "node:crypto"
import { open, readdir, rename, stat, unlink } from "node:fs/promises"
import { join } from "node:path"
import type { GeoIpSettings } from "../domain/documents/GeoDns.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import * as FileLock from "../node/FileLock.ts"
import { fileProblem } from "../node/fileProblem.ts"
import { formatIpv4 } from "./address.ts"
import { type Download, GeoIpSource } from "./GeoIpSource.ts"
import { type GeoKind, kindOf } from "./GeoKind.ts"
import { GeoLookup } from "./GeoLookup.ts"
import type { MmdbFile } from "./MmdbFile.ts"
import { openDatabase } from "./openDatabase.ts"
import { unpackDatabase } from "./unpackDatabase.ts"
import {
  BadChecksum,
  BadDatabase,
  Busy,
  TimedOut,
  TooLarge,
  Unreadable,
  Unwritable,
  UpdateError,
  type UpdateReason,
  UsedUp
} from "./UpdateError.ts"
import * as Plan from "./UpdatePlan.ts"

/** Who asks, and for what. */
export interface UpdateSettings extends Pick<GeoIpSettings, "DownloadsPerDay" | "Editions" | "Url"> {
  readonly account: string
  readonly key: Redacted.Redacted
}

/** How much one update may take. */
export interface UpdateLimits {
  /** Bytes of an archive: 512 MiB when missing. */
  readonly packed?: number
  /** Bytes of an archive after unpacking: 1 GiB when missing. */
  readonly unpacked?: number
  /** For one archive altogether: 30 minutes when missing. */
  readonly download?: Duration.Input
}

/** How far a download is. */
export interface Progress {
  readonly edition: string
  /** Bytes that have come, and that will come; undefined when the provider does not say. */
  readonly received: number
  readonly size: number | undefined
}

/** What became of one edition. */
export interface EditionReport {
  readonly edition: string
  /** The path of its file. */
  readonly file: string
  /** None was newer, a newer one is in place, or why not. */
  readonly outcome: "unchanged" | "updated" | UpdateError
}

/** What became of a round, and what is known after it. */
export interface UpdateReport {
  readonly editions: ReadonlyArray<EditionReport>
  readonly state: Plan.UpdateState
}

/** What a round does. */
export interface UpdateOptions {
  readonly directory: string
  readonly settings: UpdateSettings
  readonly limits?: UpdateLimits
  /** Which editions are asked for: all when missing. */
  readonly isDue?: (edition: string, state: Plan.EditionState, now: number) => boolean
  /** Failures before this round count no more. */
  readonly forgive?: boolean
  readonly progress?: (progress: Progress) => void
}

const rounds = Metric.counter("geodns_geoip_updates_total", {
  description: "Questions for newer GeoIP databases, by result",
  incremental: true
})
const downloads = Metric.gauge("geodns_geoip_downloads", {
  description: "Downloads of GeoIP databases within the last 24 hours"
})
const lastCheck = Metric.gauge("geodns_geoip_checked_timestamp_seconds", {
  description: "When the provider of GeoIP databases answered last, by edition"
})
const lastUpdate = Metric.gauge("geodns_geoip_updated_timestamp_seconds", {
  description: "When a newer GeoIP database came last, by edition"
})

/**
 * Asks the provider for newer databases, and puts those that there are in place. One failure keeps no other edition from it;
 * all of them are in the report. What was downloaded replaces the file before in one step, once it has proved good: readers
 * of either see a whole file. One process updates a directory at a time; for the others it is `Busy`.
 */
export const updateDatabases = (options: UpdateOptions): Effect.Effect<UpdateReport, UpdateError, GeoIpSource> =>
  Effect.scoped(Effect.gen(function*() {
    const { directory, settings } = options
    yield* lock(directory)
    yield* removeLeftovers(directory)
    let state = yield* readState
    if (options.forgive === true) state = Plan.forgiven(state)
    const save = Effect.suspend(() =>
      DurableFiles.use((files) => files.write(Plan.updateStateFile, Plan.encodeState(state))).pipe(
        Effect.mapError(({ message }): UpdateReason => new Unwritable({ detail: message }))
      )
    )
    const isDue = options.isDue ?? (() => true)
    const editions: Array<EditionReport> = []
    for (const edition of Plan.inTurn(state, settings.Editions)) {
      if (!isDue(edition, Plan.editionState(state, edition), yield* Clock.currentTimeMillis)) continue
      const file = join(directory, Plan.fileOf(edition))
      const result = yield* Effect.result(updateEdition(options, edition, file, () => state, (next) => {
        state = next
        return save
      }))
      const chance = yield* Random.next
      const now = yield* Clock.currentTimeMillis
      if (Result.isFailure(result)) state = Plan.failed(state, edition, now, result.failure, chance)
      // What cannot be written is told where it costs something.
      yield* Effect.ignore(save)
      const outcome = Result.isSuccess(result) ? result.success : new UpdateError({ edition, reason: result.failure })
      editions.push({ edition, file, outcome })
      yield* measure(edition, outcome, state, now)
    }
    return { editions, state }
  })).pipe(Effect.provide(DurableFiles.layer(options.directory)), Effect.withSpan("updateDatabases"))

const lock = (directory: string) =>
  FileLock.acquire(join(directory, "geoip-update.lock"), "geoip update").pipe(
    Effect.mapError((error) =>
      new UpdateError({
        edition: "",
        reason: error.reason._tag === "Held"
          ? new Busy({ detail: error.reason.holder })
          : new Unwritable({ detail: error.reason.problem })
      })
    )
  )

/**
 * A state that is missing or broken counts as none: the provider bounds what that can cost. One that cannot be read may well
 * be good, and would be overwritten: it is a failure.
 */
const readState = DurableFiles.use((files) => files.read(Plan.updateStateFile)).pipe(
  Effect.map((text) => Option.getOrElse(Option.flatMap(text, Plan.decodeState), () => Plan.noState)),
  Effect.mapError(({ message }) => new UpdateError({ edition: "", reason: new Unreadable({ detail: message }) }))
)

const measure = Effect.fnUntraced(function*(
  edition: string,
  outcome: EditionReport["outcome"],
  state: Plan.UpdateState,
  now: number
) {
  const result = typeof outcome === "string" ? outcome : "failed"
  yield* Metric.update(Metric.withAttributes(rounds, { result }), 1)
  yield* Metric.update(downloads, Plan.downloadCount(state, now))
  const { checkedAt, updatedAt } = Plan.editionState(state, edition)
  if (checkedAt !== undefined) yield* Metric.update(Metric.withAttributes(lastCheck, { edition }), checkedAt / 1000)
  if (updatedAt !== undefined) yield* Metric.update(Metric.withAttributes(lastUpdate, { edition }), updatedAt / 1000)
})

const mebibyte = 1024 * 1024

const updateEdition = Effect.fnUntraced(
  function*(
    { limits = {}, progress = () => undefined, settings }: UpdateOptions,
    edition: string,
    file: string,
    state: () => Plan.UpdateState,
    keep: (next: Plan.UpdateState) => Effect.Effect<void, UpdateReason, DurableFiles>
  ): Effect.fn.Return<"unchanged" | "updated", UpdateReason, DurableFiles | GeoIpSource> {
    const source = yield* GeoIpSource
    const download: Download = { edition, url: settings.Url, account: settings.account, key: settings.key }
    const lastModified = yield* source.lastModified(download)
    const now = yield* Clock.currentTimeMillis
    if (!Plan.isNewer(Plan.editionState(state(), edition), yield* sizeOf(file), lastModified)) {
      yield* keep(Plan.unchanged(state(), edition, now))
      return "unchanged"
    }
    const { DownloadsPerDay: perDay, Editions: editions } = settings
    const until = Plan.nextDownload(state(), edition, { perDay, editions }, now)
    if (until > now) {
      const isShare = Plan.downloadCount(state(), now) < perDay
      return yield* new UsedUp({ perDay, until, isShare })
    }
    const checksum = yield* source.checksum(download)
    yield* keep(Plan.began(state(), edition, now))
    const temporary = join(file, "..", temporaryOf(Plan.fileOf(edition)))
    const packed = limits.packed ?? 512 * mebibyte
    const size = yield* Effect.scoped(Effect.gen(function*() {
      const { body, size } = yield* source.archive(download)
      if (size !== undefined && size > packed) return yield* new TooLarge({ what: "the archive", limit: packed })
      const unpacked = yield* unpackDatabase(
        body,
        temporary,
        { packed, unpacked: limits.unpacked ?? 1024 * mebibyte },
        (received) => progress({ edition, received, size })
      )
      if (unpacked.sha256 !== checksum) return yield* new BadChecksum()
      return unpacked.size
    })).pipe(
      Effect.timeoutOrElse({
        duration: limits.download ?? "30 minutes",
        orElse: () => Effect.fail(new TimedOut({ what: "the download" }))
      }),
      Effect.tap(() => tryOut(temporary, kindOf(edition))),
      Effect.tap(() => put(temporary, file)),
      Effect.onExit(() => Effect.promise(() => unlink(temporary).catch(() => undefined)))
    )
    yield* keep(Plan.updated(state(), edition, yield* Clock.currentTimeMillis, { lastModified, size }))
    return "updated"
  }
)

const temporaryOf = (name: string): string => `.${name}.${randomBytes(6).toString("hex")}.tmp`

/** Removes downloads of processes that were killed: under the lock nobody else writes any. What stays does no harm. */
const removeLeftovers = (directory: string): Effect.Effect<void> =>
  Effect.promise(async () => {
    const names = await readdir(directory).catch(() => [])
    for (const name of names.filter((name) => /^\..+\.mmdb\.[0-9a-f]{12}\.tmp$/.test(name))) {
      await unlink(join(directory, name)).catch(() => undefined)
    }
  })

const sizeOf = (file: string): Effect.Effect<number | undefined> =>
  Effect.promise(() => stat(file).then((found) => found.isFile() ? found.size : undefined, () => undefined))

/** Networks that are looked at for one that is known. */
const maxLookups = 1_000

/** Places of the tree that are looked at on the way: in a tree without dead ends, so many lookups take no more. */
const maxPlaces = 200_000

/** Opens what came as it will be opened later, and looks addresses up in it. */
const tryOut = Effect.fnUntraced(
  function*(path: string, wanted: GeoKind | undefined): Effect.fn.Return<void, UpdateReason> {
    const opened = yield* Effect.mapError(openDatabase(path), (detail) => new BadDatabase({ detail }))
    if (opened === undefined || wanted !== undefined && opened.kind !== wanted) {
      return yield* new BadDatabase({
        detail: `it is a database of ${opened?.kind ?? "another kind"}, not of ${wanted ?? "one that is of use"}`
      })
    }
    if (!knowsSomething(opened)) {
      return yield* new BadDatabase({ detail: "no address that was looked up in it is known" })
    }
  }
)

const knowsSomething = (file: MmdbFile): boolean => {
  const lookup = new GeoLookup([file])
  let left = maxLookups
  for (const word of file.tree.ipv4Addresses(maxPlaces)) {
    const { asn, country, location } = lookup.locate(formatIpv4(word))
    if (file.kind === "ASN" ? asn !== "" : file.kind === "Country" ? country !== "??" : location !== undefined) {
      return true
    }
    if (--left === 0) return false
  }
  return false
}

/** In one step, and on the disk when it is done. */
const put = (temporary: string, file: string): Effect.Effect<void, UpdateReason> =>
  Effect.uninterruptible(Effect.tryPromise({
    try: async () => {
      await rename(temporary, file)
      const folder = await open(join(file, ".."), "r")
      try {
        await folder.sync()
      } finally {
        await folder.close()
      }
    },
    catch: (cause): UpdateReason => new Unwritable({ detail: fileProblem("write", file, cause) })
  }))
