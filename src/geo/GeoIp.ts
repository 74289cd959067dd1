import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { FileChanges } from "../config/FileChanges.ts"
import { fingerprintOf } from "../config/fileDocument.ts"
import { Conditions } from "../node/Conditions.ts"
import { type GeoEntry, writeDatabase } from "./GeoEntry.ts"
import { GeoFiles, type Listing } from "./GeoFiles.ts"
import type { GeoKind } from "./GeoKind.ts"
import { GeoLookup } from "./GeoLookup.ts"
import type { Examined } from "./Miss.ts"
import { type MmdbFile, openMmdb } from "./MmdbFile.ts"
import type { BadNetwork } from "./MmdbWriter.ts"
import { openDatabase } from "./openDatabase.ts"

/** Degrees. */
export interface Location {
  readonly latitude: number
  readonly longitude: number
}

/** What is known of an address. Unknown is said, never (0, 0). */
export interface Place {
  readonly location: Location | undefined
  /** ISO code, `??` when unknown. */
  readonly country: string
  /** `Unknown` when unknown. */
  readonly countryName: string
  /** As `AS13335`, `""` when unknown. */
  readonly asn: string
  /** The name of the network, `""` when unknown. */
  readonly network: string
  /**
   * The longest prefix among the database leaves used (misses included), capped at 24 bits for IPv4 and 56 for IPv6: all
   * addresses under it are in this place, or, where a leaf is longer than the cap, those under that leaf. It is
   * longer where a leaf holds private addresses too: none of those are under it. 0 when no database was used: nothing is
   * known then, and an answer that is tailored all the same needs the cap itself.
   */
  readonly prefix: number
}

/** One database file in use. */
export interface GeoDatabase {
  readonly file: string
  /** `City`, `Country` or `ASN`. */
  readonly kind: GeoKind
  /** Milliseconds since the epoch, from the file's metadata. */
  readonly builtAt: number
}

/** Which databases, and how closely they are watched. */
export interface GeoIpOptions {
  /** The directory of the `*.mmdb` files; `""` means that none is configured. */
  readonly directory: string
  /** Between two looks at the directory: 2 seconds when missing. A change counts once two looks agree on it. */
  readonly watchEvery?: Duration.Input
}

/** Where addresses are, from MaxMind-format files. Any subset of them works; what is missing is a condition. */
export class GeoIp extends Context.Service<GeoIp, {
  /**
   * Synchronous, for the hot path. Malformed, private and missing addresses are unknown places. It answers from the
   * databases of the moment: it may be kept, and follows a change of files.
   */
  readonly locate: (address: string) => Place
  /** The same with what is not known and why, for people. Slower. */
  readonly examine: (address: string) => Examined
  /** The databases in use at the moment. */
  readonly databases: ReadonlyArray<GeoDatabase>
}>()("effect-geodns/geo/GeoIp") {
  /**
   * Reads the `*.mmdb` files of a directory, and again those that change. Their kind is in their metadata, so any name will
   * do; of two of a kind the newer is used. Files are opened in threads: lookups go on meanwhile, from what was there
   * before. Missing kinds (condition `geoip`) and files that are broken or gone (`geoip:<file>`) are never fatal.
   */
  static readonly layer = (directory: string): Layer.Layer<GeoIp, never, Conditions> => GeoIp.layerWith({ directory })

  /** The same, with other options than usual. */
  static readonly layerWith = (options: GeoIpOptions): Layer.Layer<GeoIp, never, Conditions> =>
    Layer.effect(GeoIp, make(options))

  /** The same over databases that are written from the entries, in memory. */
  static readonly layerMemory = (entries: ReadonlyArray<GeoEntry> = []): Layer.Layer<GeoIp, BadNetwork> =>
    Layer.effect(
      GeoIp,
      Effect.gen(function*() {
        const files: Array<readonly [string, MmdbFile]> = []
        for (const kind of ["City", "Country", "ASN"] as const) {
          const bytes = yield* Effect.fromResult(writeDatabase(kind, entries, 0))
          const opened = openMmdb(bytes)
          if (Result.isSuccess(opened) && opened.success !== undefined) files.push([`memory:${kind}`, opened.success])
        }
        const lookup = new GeoLookup(files.map(([, file]) => file))
        return GeoIp.of({
          locate: (address) => lookup.locate(address),
          examine: (address) => lookup.examine(address),
          databases: databasesOf(files)
        })
      })
    )
}

/** Databases that are opened at once: each takes a processor for a while. */
const threads = 2

const make = Effect.fnUntraced(function*({ directory, watchEvery = "2 seconds" }: GeoIpOptions) {
  const conditions = yield* Conditions
  const changes = new FileChanges()
  const files = new GeoFiles()
  let lookup = new GeoLookup([])
  let databases: ReadonlyArray<GeoDatabase> = []
  let raised: ReadonlySet<string> = new Set()

  const report = Effect.fnUntraced(function*(where: string) {
    const wrong = new Map<string, string>()
    for (const [name, problem] of files.problems) wrong.set(`geoip:${name}`, `${join(directory, name)} ${problem}`)
    const missing = missingKinds(databases.map(({ kind }) => kind))
    if (missing !== "") wrong.set("geoip", `${missing} (${where}). Put MaxMind-format files there.`)
    yield* Effect.forEach(raised, (name) => wrong.has(name) ? Effect.void : conditions.clear(name), { discard: true })
    raised = new Set(wrong.keys())
    yield* Effect.forEach(wrong, ([name, detail]) => conditions.raise(name, detail), { discard: true })
  })

  const load = Effect.fnUntraced(function*({ files: listing, fingerprint, where }: Found) {
    changes.read(directory, fingerprint)
    const opened = yield* Effect.forEach(
      files.toOpen(listing),
      (name) => Effect.map(Effect.result(openDatabase(join(directory, name))), (result) => [name, result] as const),
      { concurrency: threads }
    )
    files.take(listing, new Map(opened))
    const { serving } = files
    lookup = new GeoLookup(serving.map(([, file]) => file))
    databases = databasesOf(serving.map(([name, file]) => [join(directory, name), file]))
    yield* report(where)
    yield* Effect.logInfo("GeoIP databases opened").pipe(
      Effect.annotateLogs({ files: databases.map(({ file, kind }) => `${kind}: ${file}`).join(", ") || "none" })
    )
  })

  yield* Effect.flatMap(look(directory), load)
  if (directory !== "") {
    yield* Effect.sleep(watchEvery).pipe(
      Effect.andThen(look(directory)),
      Effect.flatMap((found) => changes.look(directory, found.fingerprint) ? load(found) : Effect.void),
      Effect.catchCause((cause) => Effect.logError("the GeoIP databases could not be looked at", cause)),
      Effect.forever,
      Effect.forkScoped
    )
  }
  return GeoIp.of({
    locate: (address) => lookup.locate(address),
    examine: (address) => lookup.examine(address),
    get databases() {
      return databases
    }
  })
})

const databasesOf = (files: ReadonlyArray<readonly [string, MmdbFile]>): ReadonlyArray<GeoDatabase> =>
  files.map(([file, { builtAt, kind }]) => ({ file, kind, builtAt }))

/** What is missing and what that costs; `""` when nothing that counts is. A City database has the countries too. */
const missingKinds = (present: ReadonlyArray<GeoKind>): string => {
  const costs = [
    ...(present.includes("City")
      ? []
      : ["no city database, so clients are spread over all members instead of going to the nearest"]),
    ...(present.includes("City") || present.includes("Country")
      ? []
      : ["no country database, so usage has no countries"]),
    ...(present.includes("ASN") ? [] : ["no ASN database, so usage has no networks"])
  ]
  return costs.join("; ")
}

/** How many files of a directory are looked at. */
const maxFiles = 64

/** What is in a directory. */
interface Found {
  readonly files: Listing
  /** What tells all of it from what was there before. */
  readonly fingerprint: string
  /** Where that was looked for, or why it could not be. */
  readonly where: string
}

const look = Effect.fnUntraced(function*(directory: string): Effect.fn.Return<Found> {
  const nothing = (where: string): Found => ({ files: new Map(), fingerprint: where, where })
  if (directory === "") return nothing("Maxmind.MaxmindDBPath names no directory")
  const names = yield* Effect.result(Effect.tryPromise({
    try: () => readdir(directory),
    catch: (cause) =>
      Predicate.hasProperty(cause, "code") && cause.code === "ENOENT"
        ? `the folder ${directory} does not exist`
        : cause instanceof Error
        ? cause.message
        : String(cause)
  }))
  if (Result.isFailure(names)) return nothing(names.failure)
  const files = new Map<string, string>()
  // Names that begin with a dot are those of files that are being written.
  for (const name of names.success.filter((name) => /^[^.].*\.mmdb$/.test(name)).sort().slice(0, maxFiles)) {
    const fingerprint = yield* fingerprintOf(join(directory, name))
    if (fingerprint !== undefined && fingerprint !== "none") files.set(name, fingerprint)
  }
  return { files, fingerprint: JSON.stringify([...files]), where: `in ${directory}` }
})
