import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, type Scope } from "effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import type { ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Readable } from "node:stream"
import { createGzip, gzipSync } from "node:zlib"
import { GeoIp } from "../../src/geo/GeoIp.ts"
import { GeoIpSource, type SourceOptions } from "../../src/geo/GeoIpSource.ts"
import { fields, writeMmdb } from "../../src/geo/MmdbWriter.ts"
import { updateDatabases, type UpdateOptions } from "../../src/geo/updateDatabases.ts"
import { UpdateError } from "../../src/geo/UpdateError.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import * as FileLock from "../../src/node/FileLock.ts"
import { database, type Offer, offer, packed, type Provider, startProvider } from "./provider.ts"
import { tar } from "./tar.ts"

const edition = "GeoLite2-City"
const march = Date.UTC(2026, 2, 1)
const april = Date.UTC(2026, 3, 1)
const credentials = `Basic ${Buffer.from("1234:a-licence-key").toString("base64")}`

const folder: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-update-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** While in scope, no file of this process can be written beyond so many bytes: the system refuses, as a full disk does. */
const smallFiles = (bytes: string) =>
  Effect.acquireRelease(
    Effect.sync(() => assert.strictEqual(limitFiles(bytes), 0)),
    () => Effect.sync(() => limitFiles("unlimited"))
  )
const limitFiles = (soft: string) => spawnSync("prlimit", ["--pid", String(process.pid), `--fsize=${soft}:`]).status

/** One round against a provider. */
const round = (
  provider: Provider,
  directory: string,
  options: Partial<UpdateOptions> & { readonly perDay?: number; readonly editions?: ReadonlyArray<string> } = {},
  source: SourceOptions = {}
) =>
  updateDatabases({
    directory,
    settings: {
      Url: provider.url,
      Editions: options.editions ?? [edition],
      DownloadsPerDay: options.perDay ?? 10,
      account: "1234",
      key: Redacted.make("a-licence-key")
    },
    ...options
  }).pipe(Effect.provide(GeoIpSource.layerWith(source)))

/** What became of the one edition: a word, or why not. */
const outcome = (...args: Parameters<typeof round>) =>
  Effect.map(round(...args), ({ editions: [report] }) => {
    assert.isDefined(report)
    return report.outcome instanceof UpdateError ? report.outcome.message : report.outcome
  })

const longitude = (directory: string) =>
  GeoIp.use((geo) => Effect.succeed(geo.locate("203.0.113.7").location?.longitude)).pipe(
    Effect.provide(GeoIp.layer(directory)),
    Effect.provide([Conditions.layer, Logger.layer([])])
  )

/** What a directory holds, without what only guards it. */
const filesOf = (directory: string) =>
  readdirSync(directory).filter((name) => !name.startsWith("geoip-update.lock")).sort()

/** A provider with a newer database than the one that is in the directory. */
const world = Effect.gen(function*() {
  const provider = yield* startProvider
  const directory = yield* folder
  provider.offers.set(edition, packed(database("City", 10), march))
  assert.strictEqual(yield* outcome(provider, directory), "updated")
  provider.offers.set(edition, packed(database("City", 20), april))
  provider.asked.length = 0
  return { provider, directory }
})

/** Nothing has changed: what was there before serves, and nothing was left behind. */
const isUntouched = Effect.fnUntraced(function*(directory: string) {
  assert.deepStrictEqual(filesOf(directory), ["CityLite.mmdb", "geoip-update.json"])
  assert.strictEqual(yield* longitude(directory), 10)
})

describe("updateDatabases", () => {
  it.live("downloads what is newer, and nothing twice", () =>
    Effect.gen(function*() {
      const provider = yield* startProvider
      const directory = join(yield* folder, "not", "there", "yet")
      provider.offers.set(edition, packed(database("City", 10), march))
      provider.offers.set("GeoLite2-ASN", packed(database("ASN", 10), march))
      const editions = [edition, "GeoLite2-ASN"]
      const first = yield* round(provider, directory, { editions })
      assert.deepStrictEqual(first.editions, [
        { edition, file: join(directory, "CityLite.mmdb"), outcome: "updated" },
        { edition: "GeoLite2-ASN", file: join(directory, "AsnLite.mmdb"), outcome: "updated" }
      ])
      assert.deepStrictEqual(filesOf(directory), ["AsnLite.mmdb", "CityLite.mmdb", "geoip-update.json"])
      assert.deepStrictEqual(new Uint8Array(readFileSync(join(directory, "CityLite.mmdb"))), database("City", 10))
      // HEAD first; each request with the account.
      assert.deepStrictEqual(provider.asked.slice(0, 3).map(({ method, suffix }) => `${method} ${suffix}`), [
        "HEAD tar.gz",
        "GET tar.gz.sha256",
        "GET tar.gz"
      ])
      assert.isTrue(provider.asked.every(({ authorization }) => authorization === credentials))

      provider.asked.length = 0
      const second = yield* round(provider, directory, { editions })
      assert.deepStrictEqual(second.editions.map(({ outcome }) => outcome), ["unchanged", "unchanged"])
      assert.deepStrictEqual(provider.asked.map(({ method }) => method), ["HEAD", "HEAD"])

      provider.offers.set(edition, packed(database("City", 20), april))
      const third = yield* round(provider, directory, { editions })
      assert.deepStrictEqual(third.editions.map(({ outcome }) => outcome), ["updated", "unchanged"])
      assert.strictEqual(yield* longitude(directory), 20)
    }).pipe(Effect.scoped))

  it.live("downloads again what was removed or replaced by hand", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      assert.strictEqual(yield* outcome(provider, directory), "updated")
      writeFileSync(join(directory, "CityLite.mmdb"), "something else")
      assert.strictEqual(yield* outcome(provider, directory), "updated")
      rmSync(join(directory, "CityLite.mmdb"))
      assert.strictEqual(yield* outcome(provider, directory), "updated")
      assert.strictEqual(yield* longitude(directory), 20)
    }).pipe(Effect.scoped))

  it.live("removes what a killed process was downloading, and nothing else", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      const others = [".CityLite.mmdb.tmp", ".notes.0123456789ab.tmp", "CityLite.mmdb.0123456789ab.tmp"]
      for (const name of others) writeFileSync(join(directory, name), "not ours")
      for (const name of [".CityLite.mmdb.0123456789ab.tmp", ".AsnLite.mmdb.ba9876543210.tmp"]) {
        writeFileSync(join(directory, name), "the begin of a database")
      }
      // While somebody else updates, it may be theirs.
      yield* Effect.scoped(Effect.gen(function*() {
        yield* FileLock.acquire(join(directory, "geoip-update.lock"), "a test")
        yield* Effect.flip(round(provider, directory))
        assert.include(filesOf(directory), ".CityLite.mmdb.0123456789ab.tmp")
      }))
      assert.strictEqual(yield* outcome(provider, directory), "updated")
      assert.deepStrictEqual(filesOf(directory), [...others, "CityLite.mmdb", "geoip-update.json"].sort())
    }).pipe(Effect.scoped))

  it.live("sends the credentials to no other host, port or scheme, and follows", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      const other = yield* startProvider
      other.offers.set(edition, provider.offers.get(edition)!)
      provider.otherwise = (asked, response) => {
        response.writeHead(302, {
          location: `http://user:pass@${
            other.origin.slice("http://".length)
          }/databases/${asked.edition}/x?suffix=${asked.suffix}`
        }).end()
        return true
      }
      assert.strictEqual(yield* outcome(provider, directory), "updated")
      assert.lengthOf(other.asked, 3)
      assert.deepStrictEqual(new Set(other.asked.map(({ authorization }) => authorization)), new Set([undefined]))
      assert.isTrue(provider.asked.every(({ authorization }) => authorization === credentials))
    }).pipe(Effect.scoped))

  it.live("follows within the host with the credentials, but not for ever, and not out of the web", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      provider.otherwise = (_, response, request) => {
        if (request.url!.includes("again=1")) return false
        response.writeHead(307, { location: `${request.url}&again=1` }).end()
        return true
      }
      assert.strictEqual(yield* outcome(provider, directory), "updated")
      assert.isTrue(provider.asked.every(({ authorization }) => authorization === credentials))
      for (
        const [location, said] of [["/", "redirects without end"], [
          "file:///etc/passwd",
          "where we do not follow"
        ]] as const
      ) {
        provider.otherwise = (_, response) => {
          response.writeHead(301, { location }).end()
          return true
        }
        assert.include(yield* outcome(provider, directory), said)
      }
    }).pipe(Effect.scoped))

  it.live.each<readonly [status: number, headers: Record<string, string>, said: string]>([
    [401, {}, "the provider refuses the account (status 401): check Maxmind.AccountID and Maxmind.LicenseKey"],
    [403, {}, "the provider refuses the account (status 403)"],
    [404, {}, "has no such edition"],
    [429, { "retry-after": "7200" }, "allows no more downloads for now"],
    [500, {}, "status 500"],
    [503, {}, "status 503"],
    [200, {}, "does not say when the archive was changed"]
  ])("says what %i means, and keeps what was there", ([status, headers, said]) =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      provider.otherwise = (_, response) => {
        response.writeHead(status, headers).end()
        return true
      }
      assert.include(yield* outcome(provider, directory), said)
      yield* isUntouched(directory)
      // HEAD is no download.
      assert.deepStrictEqual(provider.asked.map(({ method }) => method), ["HEAD"])
    }).pipe(Effect.scoped))

  it.live("waits at least as long as a provider asks that allows no more", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      provider.otherwise = (_, response) => {
        response.writeHead(429, { "retry-after": "7200" }).end()
        return true
      }
      const before = Date.now()
      const { state } = yield* round(provider, directory)
      assert.isAtLeast(state.editions[edition]!.retryAt, before + 7_200_000)
      assert.strictEqual(state.editions[edition]!.failures, 1)
    }).pipe(Effect.scoped))

  /** Answers the archive itself otherwise. */
  const archive = (provider: Provider, answer: (response: ServerResponse, good: Buffer) => void) => {
    provider.otherwise = ({ method, suffix }, response) => {
      if (method !== "GET" || suffix !== "tar.gz") return false
      answer(response, provider.offers.get(edition)!.archive)
      return true
    }
  }

  it.live("bounds a body that never ends, one that stops, and one that is cut", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      archive(provider, (response) => {
        response.writeHead(200)
        // Good as far as it goes: a large database that cannot be packed.
        const header = tar([{ name: "City.mmdb", content: Buffer.alloc(1024 * 1024) }]).subarray(0, 512)
        const noise = function*() {
          yield header
          while (true) yield randomBytes(65_536)
        }
        const endless = Readable.from(noise())
        endless.pipe(createGzip()).pipe(response)
        response.on("close", () => endless.destroy())
      })
      assert.include(
        yield* outcome(provider, directory, { limits: { packed: 256 * 1024 } }),
        "the archive is larger than 0 MiB"
      )
      archive(provider, (response) => response.writeHead(200, { "content-length": 10 ** 12 }).write("x"))
      assert.include(yield* outcome(provider, directory), "the archive is larger than 512 MiB")
      archive(provider, (response, good) => response.writeHead(200).write(good.subarray(0, 10)))
      assert.include(
        yield* outcome(provider, directory, {}, { piece: "200 millis" }),
        "the next piece of the archive took too long"
      )
      archive(provider, (response, good) => {
        response.writeHead(200)
        let at = 0
        const timer = setInterval(() => response.write(good.subarray(at, ++at)), 20)
        response.on("close", () => clearInterval(timer))
      })
      assert.include(
        yield* outcome(provider, directory, { limits: { download: "300 millis" } }),
        "the download took too long"
      )
      archive(provider, (response, good) => response.writeHead(200).end(good.subarray(0, good.length - 20)))
      assert.include(yield* outcome(provider, directory), "the archive cannot be used")
      archive(provider, (response, good) => {
        response.writeHead(200, { "content-length": good.length }).write(good.subarray(0, 100))
        setTimeout(() => response.destroy(), 50)
      })
      assert.include(yield* outcome(provider, directory), "not updated")
      yield* isUntouched(directory)
    }).pipe(Effect.scoped))

  it.live("waits for no answer without end", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      provider.otherwise = () => true
      assert.include(
        yield* outcome(provider, directory, {}, { answer: "200 millis" }),
        "the answer of the provider took too long"
      )
      provider.otherwise = ({ suffix }, response) => {
        if (suffix !== "tar.gz.sha256") return false
        response.writeHead(200).write("0".repeat(10_000))
        return true
      }
      assert.include(yield* outcome(provider, directory), "the checksum is larger")
      provider.otherwise = ({ suffix }, response) => {
        if (suffix !== "tar.gz.sha256") return false
        response.writeHead(200).end("<html>")
        return true
      }
      assert.include(yield* outcome(provider, directory), "what should be a checksum is none")
      yield* isUntouched(directory)
    }).pipe(Effect.scoped))

  const city = database("City", 20)
  // Each of its nodes leads to the next both ways, the last to nothing: four billion ways.
  const maze = Buffer.from(
    Result.getOrThrow(writeMmdb({
      databaseType: "GeoLite2-City",
      description: "",
      builtAt: 0,
      ipVersion: 4,
      recordSize: 24,
      entries: [{ network: "1.2.3.4/32", record: fields({ location: fields({ latitude: 1, longitude: 2 }) }) }]
    }))
  )
  for (let at = 0; at < 32 * 6; at += 3) maze.writeUIntBE(Math.floor(at / 6) + 1, at, 3)
  it.live.each<readonly [what: string, offer: Offer, said: string]>([
    ["another checksum", { ...packed(city, april), checksum: "0".repeat(64) }, "the archive is damaged"],
    ["no gzip", offer(tar([{ name: "City.mmdb", content: city }]), april), "the archive cannot be used"],
    ["no archive", offer(gzipSync("<html>"), april), "the archive cannot be used"],
    ["a path that leads out", offer(gzipSync(tar([{ name: "../City.mmdb", content: city }])), april), "leads out"],
    [
      "a link",
      offer(gzipSync(tar([{ name: "City.mmdb", type: "2", link: "/etc/passwd" }])), april),
      "neither a file nor a folder"
    ],
    ["another database", packed(database("Country", 20), april), "it is a database of Country, not of City"],
    ["a broken database", packed(city.subarray(0, 800), april), "what was downloaded cannot be used"],
    ["an empty database", packed(new Uint8Array(0), april), "what was downloaded cannot be used"],
    [
      "a database that knows nothing",
      packed(database("City", Number.NaN), april),
      "no address that was looked up in it is known"
    ],
    [
      "a small database that leads nowhere by very many ways",
      packed(maze, april),
      "no address that was looked up in it is known"
    ]
  ])("refuses %s, and keeps what was there", ([, bad, said]) =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      provider.offers.set(edition, bad)
      assert.include(yield* outcome(provider, directory), said)
      yield* isUntouched(directory)
    }).pipe(Effect.scoped))

  it.live("stops a bomb long before it is unpacked", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      const bomb = gzipSync(tar([{ name: "City.mmdb", content: Buffer.alloc(64 * 1024 * 1024) }]))
      assert.isBelow(bomb.length, 200_000)
      provider.offers.set(edition, offer(bomb, april))
      assert.include(
        yield* outcome(provider, directory, { limits: { unpacked: 8 * 1024 * 1024 } }),
        "the unpacked archive is larger than 8 MiB"
      )
      yield* isUntouched(directory)
    }).pipe(Effect.scoped))

  it.live("bounds the downloads of a day, over restarts, whether they succeed or not", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      provider.offers.set(edition, { ...packed(city, april), checksum: "0".repeat(64) })
      // One was made by `world`.
      for (let i = 0; i < 2; i++) assert.include(yield* outcome(provider, directory, { perDay: 3 }), "damaged")
      provider.offers.set(edition, packed(city, april))
      provider.asked.length = 0
      assert.match(
        yield* outcome(provider, directory, { perDay: 3 }),
        /3 downloads were made within 24 hours.* possible at 20/
      )
      assert.deepStrictEqual(provider.asked.map(({ method }) => method), ["HEAD"])
      assert.strictEqual(yield* outcome(provider, directory, { perDay: 4 }), "updated")
    }).pipe(Effect.scoped))

  it.live("counts a download before it begins", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      let counted = 0
      archive(provider, (response) => {
        counted = JSON.parse(readFileSync(join(directory, "geoip-update.json"), "utf8")).downloads.length
        response.destroy()
      })
      yield* outcome(provider, directory)
      assert.strictEqual(counted, 2)
    }).pipe(Effect.scoped))

  it.live("begins anew after a kill between download and swap, and clears away what that left", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      const left = join(directory, ".CityLite.mmdb.0123456789ab.tmp")
      writeFileSync(left, city.subarray(0, 100))
      utimesSync(left, new Date(0), new Date(0))
      // Nobody takes it for a database.
      assert.strictEqual(yield* longitude(directory), 10)
      assert.strictEqual(yield* outcome(provider, directory), "updated")
      assert.deepStrictEqual(filesOf(directory), ["CityLite.mmdb", "geoip-update.json"])
      assert.strictEqual(yield* longitude(directory), 20)
    }).pipe(Effect.scoped))

  it.live("says when the directory takes no file", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      rmSync(join(directory, "CityLite.mmdb"))
      mkdirSync(join(directory, "CityLite.mmdb", "in-the-way"), { recursive: true })
      assert.match(yield* outcome(provider, directory), /cannot write .*CityLite\.mmdb/)
      assert.deepStrictEqual(filesOf(directory), ["CityLite.mmdb", "geoip-update.json"])
      // Where it cannot be written down that a download is made, none is made.
      const large = { downloads: [], editions: { ["x".repeat(300_000)]: { failures: 0, retryAt: 0 } } }
      writeFileSync(join(directory, "geoip-update.json"), JSON.stringify(large))
      provider.asked.length = 0
      yield* smallFiles("262144")
      assert.match(yield* outcome(provider, directory), /cannot write .*geoip-update\.json/)
      assert.deepStrictEqual(provider.asked.map(({ suffix }) => suffix), ["tar.gz", "tar.gz.sha256"])
    }).pipe(Effect.scoped))

  it.live("takes a record of downloads that is missing or broken for none, and fails with one that it cannot read", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      const record = join(directory, "geoip-update.json")
      const lost = [() => rmSync(record), () => writeFileSync(record, '{"downloads":')]
      for (const lose of lost) {
        lose()
        assert.strictEqual((yield* round(provider, directory)).state.downloads.length, 1)
      }
      // A link to itself: nobody can read it, the system's own user included, and it could be replaced.
      rmSync(record)
      symlinkSync(record, record)
      provider.asked.length = 0
      const { edition: about, message, reason } = yield* Effect.flip(round(provider, directory))
      assert.deepStrictEqual([about, reason._tag], ["", "Unreadable"])
      assert.include(message, `cannot read ${record}: ELOOP`)
      assert.include(message, "make it readable for the user that runs geodns, or remove it")
      assert.isTrue(lstatSync(record).isSymbolicLink())
      assert.deepStrictEqual(provider.asked, [])
    }).pipe(Effect.scoped))

  it.live("keeps what was there when the disk takes no more", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      const large = database("City", 20)
      provider.offers.set(edition, packed(Buffer.concat([large, randomBytes(1024 * 1024)]), april))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* smallFiles("262144")
        assert.match(yield* outcome(provider, directory), /cannot write .*\(EFBIG\)/)
        yield* isUntouched(directory)
      }))
      // And goes on once there is room.
      provider.offers.set(edition, packed(large, april))
      assert.strictEqual(yield* outcome(provider, directory), "updated")
    }).pipe(Effect.scoped))

  it.live("leaves a directory to the process that updates it", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      const error = yield* Effect.flip(Effect.scoped(Effect.andThen(
        FileLock.acquire(join(directory, "geoip-update.lock"), "another"),
        round(provider, directory)
      )))
      assert.match(error.message, /another process updates this directory: .*\(another\)/)
      assert.strictEqual(error.reason._tag, "Busy")
      assert.deepStrictEqual(provider.asked, [])
      assert.strictEqual(yield* outcome(provider, directory), "updated")
    }).pipe(Effect.scoped))

  it.live("goes on with the other editions when one fails, and tells how far it is", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      const seen: Array<string> = []
      const { editions } = yield* round(provider, directory, {
        editions: ["GeoLite2-Nothing", edition],
        progress: (progress) => seen.push(`${progress.edition} ${progress.received === progress.size}`)
      })
      assert.strictEqual(editions.length, 2)
      assert.include(String(editions[0]!.outcome), "has no such edition")
      assert.strictEqual(editions[1]!.outcome, "updated")
      assert.strictEqual(seen.at(-1), `${edition} true`)
    }).pipe(Effect.scoped))

  it.live("shows the key nowhere", () =>
    Effect.gen(function*() {
      const { directory, provider } = yield* world
      provider.otherwise = (_, response) => {
        response.writeHead(302, { location: "http://127.0.0.1:1/?token=secret-token" }).end()
        return true
      }
      const said = yield* outcome(provider, directory)
      assert.include(said, "no answer from the provider")
      const written = filesOf(directory).map((name) => readFileSync(join(directory, name), "latin1")).join()
      for (const secret of ["a-licence-key", "secret-token"]) assert.notInclude(said + written, secret)
      assert.isTrue(existsSync(join(directory, "CityLite.mmdb")))
    }).pipe(Effect.scoped))
})
