import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import { Reader, type Response } from "mmdb-lib"
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { GeoIp } from "../src/geo/GeoIp.ts"
import { fields, type MmdbMap, writeMmdb } from "../src/geo/MmdbWriter.ts"
import { Conditions } from "../src/node/Conditions.ts"
import { atLeast, atMost, type Benchmark, perSecond } from "./measure.ts"
import { numbers, place } from "./random.ts"

const languages = ["de", "en", "es", "fr", "ja", "pt-BR", "ru", "zh-CN"]

/** As much as a record of GeoLite2-City says. */
const recordOf = (i: number, country: MmdbMap, location: ReturnType<typeof place>): MmdbMap =>
  fields({
    city: fields({ names: new Map(languages.map((language) => [language, `City ${i} ${language}`])) }),
    country,
    location: fields({ ...location, time_zone: "Europe/Berlin" }),
    postal: fields({ code: String(10_000 + i) })
  })

/** A database like GeoLite2-City, and addresses: nine of ten IPv4, four of five of these in a network that it knows. */
const makeWorld = (size: { readonly ipv4: number; readonly ipv6: number; readonly records: number }) => {
  const random = numbers(1)
  const below = (n: number) => Math.floor(random() * n)
  const group = () => below(65_536).toString(16)
  const countries = Array.from({ length: 240 }, (_, i) =>
    fields({
      iso_code: String.fromCharCode(65 + i % 26, 65 + Math.floor(i / 26)),
      names: new Map(languages.map((language) => [language, `Country ${i} ${language}`]))
    }))
  const records = Array.from({ length: size.records }, (_, i) => recordOf(i, countries[i % 240]!, place(random)))
  const ipv4 = Array.from({ length: size.ipv4 }, () => `${11 + below(88)}.${below(256)}.${below(256)}`)
  const ipv6 = Array.from({ length: size.ipv6 }, () => `2${group().padStart(4, "0").slice(1)}:${group()}:${group()}`)
  const database = (builtAt: number) =>
    Result.getOrThrow(writeMmdb({
      databaseType: "GeoLite2-City",
      description: "Invented networks for a benchmark",
      builtAt,
      entries: [...ipv4.map((head) => `${head}.0/24`), ...ipv6.map((head) => `${head}::/48`)].map((network) => ({
        network,
        record: records[below(size.records)]!
      }))
    }))
  const addresses = Array.from({ length: 1_000_000 }, () =>
    random() < 0.1
      ? `${ipv6[below(size.ipv6)]!}:${group()}::${group()}`
      : random() < 0.8
      ? `${ipv4[below(size.ipv4)]!}.${below(256)}`
      : `${11 + below(88)}.${below(256)}.${below(256)}.${below(256)}`)
    // Flat texts, as they come from a socket.
    .map((address) => Buffer.from(address).toString("latin1"))
  return { database, addresses }
}

/** A cache of the entries that were used last, as the `maxmind` package has one of 10,000 by default. */
class RecentlyUsed {
  readonly #entries = new Map<string | number, unknown>()

  get(key: string | number): unknown {
    const value = this.#entries.get(key)
    if (value !== undefined) {
      this.#entries.delete(key)
      this.#entries.set(key, value)
    }
    return value
  }

  set(key: string | number, value: unknown): void {
    this.#entries.set(key, value)
    if (this.#entries.size > 10_000) this.#entries.delete(this.#entries.keys().next().value!)
  }
}

/** Runs `f` over a service that watches a directory. */
const withGeoIp = <A>(directory: string, f: (geo: GeoIp["Service"]) => Promise<A>): Promise<A> =>
  GeoIp.use((geo) => Effect.promise(() => f(geo))).pipe(
    Effect.provide(
      GeoIp.layerWith({ directory, watchEvery: "100 millis" }).pipe(
        Layer.provide([Conditions.layer, Logger.layer([])])
      )
    ),
    Effect.runPromise
  )

/** The longest time that the event loop stood still until `isDone`, in milliseconds. */
const longestPause = async (isDone: () => boolean): Promise<number> => {
  let longest = 0
  for (let last = performance.now(); !isDone();) {
    await new Promise((done) => setImmediate(done))
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
  }
  return longest
}

/**
 * Address texts to places per second over random addresses of a City-size database, beside the library as the `maxmind`
 * package opens it and without any cache; and how long the loop stands still while such a file is replaced.
 */
export const run: Benchmark = async ({ smoke }) => {
  const { addresses, database } = makeWorld(
    smoke ? { ipv4: 80_000, ipv6: 8_000, records: 40_000 } : { ipv4: 700_000, ipv6: 60_000, records: 60_000 }
  )
  const millis = smoke ? 600 : 3_000
  const bytes = database(Date.UTC(2026, 0, 1))
  const directory = await mkdtemp(join(tmpdir(), "geodns-bench-"))
  try {
    const path = join(directory, "CityLite.mmdb")
    await writeFile(path, bytes)
    return await withGeoIp(directory, async (geo) => {
      const address = (i: number) => addresses[i % addresses.length]!
      let known = 0
      const ours = perSecond(millis, 1_000, (i) => {
        if (geo.locate(address(i)).location !== undefined) known++
      })
      const library = (reader: Reader<Response>) =>
        perSecond(millis, 1_000, (i) => {
          const found = reader.get(address(i))
          if (found !== null && "location" in found && found.location !== undefined) known++
        })
      const cached = library(new Reader<Response>(Buffer.from(bytes), { cache: new RecentlyUsed() }))
      const plain = library(new Reader<Response>(Buffer.from(bytes)))
      if (known === 0) throw new Error("no address was found")
      const newer = Date.UTC(2026, 1, 1)
      await writeFile(`${path}.part`, database(newer))
      await rename(`${path}.part`, path)
      const pause = await longestPause(() => geo.databases[0]?.builtAt === newer)
      return [
        atLeast("geoip lookups", ours, "/s", 2_000_000),
        atLeast("geoip beside maxmind's cache", ours / cached, "x", 15),
        atLeast("geoip beside mmdb-lib alone", ours / plain, "x", 15),
        atMost("geoip reload, longest pause", pause, "ms", 20)
      ]
    })
  } finally {
    await rm(directory, { recursive: true })
  }
}
