import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { Conditions } from "../node/Conditions.ts"
import { type GeoEntry, writeDatabase } from "./GeoEntry.ts"
import { GeoLookup } from "./GeoLookup.ts"
import { type GeoKind, type MmdbFile, openMmdb } from "./MmdbFile.ts"
import type { BadNetwork } from "./MmdbWriter.ts"

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
   * addresses under it are in this place, or, where a leaf is longer than the cap, those under that leaf. 0 when no
   * database was used: nothing is known then, and an answer that is tailored all the same needs the cap itself.
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

/** Where addresses are, from MaxMind-format files. Any subset of them works; what is missing is a condition. */
export class GeoIp extends Context.Service<GeoIp, {
  /** Synchronous, for the hot path. Malformed, private and missing addresses are unknown places. */
  readonly locate: (address: string) => Place
  readonly databases: ReadonlyArray<GeoDatabase>
}>()("effect-geodns/geo/GeoIp") {
  /**
   * Reads the `*.mmdb` files of a directory once. Their kind is in their metadata, so any name will do; of two of a kind
   * the newer is used. Missing kinds (condition `geoip`) and broken files (`geoip:<file>`) are never fatal. `""` means
   * that no directory is configured.
   */
  static readonly layer = (directory: string): Layer.Layer<GeoIp, never, Conditions> =>
    Layer.effect(
      GeoIp,
      Effect.gen(function*() {
        const conditions = yield* Conditions
        const names = yield* listDatabases(directory)
        const open: Array<readonly [string, MmdbFile]> = []
        for (const name of Result.isSuccess(names) ? names.success : []) {
          const file = join(directory, name)
          const opened = yield* openDatabase(file)
          if (Result.isFailure(opened)) {
            yield* conditions.raise(
              `geoip:${name}`,
              `${file} is not used: ${opened.failure}. Replace it, or remove it, and start again.`
            )
          } else if (opened.success !== undefined) open.push([file, opened.success])
        }
        const chosen = newestOfEachKind(open)
        const missing = missingKinds(chosen.map(([, { kind }]) => kind))
        if (missing !== "") {
          const where = Result.isFailure(names) ? names.failure : `in ${directory}`
          yield* conditions.raise("geoip", `${missing} (${where}). Put MaxMind-format files there and start again.`)
        }
        const databases = databasesOf(chosen)
        yield* Effect.logInfo("GeoIP databases opened").pipe(
          Effect.annotateLogs({ files: databases.map(({ file, kind }) => `${kind}: ${file}`).join(", ") || "none" })
        )
        return makeService(chosen)
      })
    )

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
        return makeService(files)
      })
    )
}

const databasesOf = (files: ReadonlyArray<readonly [string, MmdbFile]>): ReadonlyArray<GeoDatabase> =>
  files.map(([file, { builtAt, kind }]) => ({ file, kind, builtAt }))

const makeService = (files: ReadonlyArray<readonly [string, MmdbFile]>): GeoIp["Service"] => {
  const lookup = new GeoLookup(files.map(([, file]) => file))
  return GeoIp.of({ locate: (address) => lookup.locate(address), databases: databasesOf(files) })
}

const newestOfEachKind = (
  files: ReadonlyArray<readonly [string, MmdbFile]>
): ReadonlyArray<readonly [string, MmdbFile]> => {
  const newest = new Map<GeoKind, readonly [string, MmdbFile]>()
  for (const entry of files) {
    const there = newest.get(entry[1].kind)
    if (there === undefined || entry[1].builtAt > there[1].builtAt) newest.set(entry[1].kind, entry)
  }
  return [...newest.values()]
}

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

const problemOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

/** The names of the databases in order, or why there are none. */
const listDatabases = (directory: string): Effect.Effect<Result.Result<ReadonlyArray<string>, string>> =>
  directory === ""
    ? Effect.succeed(Result.fail("Maxmind.MaxmindDBPath names no directory"))
    : Effect.tryPromise({ try: () => readdir(directory), catch: problemOf }).pipe(
      Effect.map((names) => names.filter((name) => name.endsWith(".mmdb")).sort()),
      Effect.result
    )

const openDatabase = (file: string): Effect.Effect<Result.Result<MmdbFile | undefined, string>> =>
  Effect.tryPromise({ try: () => readFile(file), catch: problemOf }).pipe(
    Effect.flatMap((bytes) => Effect.fromResult(openMmdb(bytes))),
    Effect.result
  )
