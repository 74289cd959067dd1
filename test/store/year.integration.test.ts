import { assert, describe, it } from "@effect/vitest"
import { Effect, type Layer, Stream } from "effect"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { afterAll, beforeAll } from "vitest"
import { OutageStore, Store, type StoreError } from "../../src/store/index.ts"
import { MariaDb } from "../servers/MariaDb.ts"
import { describeWith, mariadb } from "../servers/Server.ts"
import { temporaryFolder } from "./databases.ts"
import { newStores } from "./MariaDb.databases.ts"

/** Outages of a year of a large network: one begins every minute. */
const year = 525_600
const begins = Date.parse("2025-01-01T00:00:00.000Z")

setFlagsFromString("--expose-gc")
const collectGarbage: () => void = runInNewContext("gc")

/** What is in use, and not what waits to be collected. MB. */
const heap = (): number => {
  collectGarbage()
  return process.memoryUsage().heapUsed / 2 ** 20
}

const targetKey = (member: string) => `["endpoint","wss","${member}","rpc.example","wss://rpc.example/kusama",false]`
const columns = `outage_id, target_key, member_name, check_type, check_name, domain_name, endpoint, is_ipv6, start_time,
  end_time, error, vote_data, additional_data, blip, status`
const constant = `'connection refused by the server after three attempts', '{"m1":true,"m2":true,"m3":false}',
  '{"attempts":3}', 0, 0`

/** Reads the whole year, and looks at the memory that it takes. */
const readAll = Effect.gen(function*() {
  const store = yield* OutageStore
  // What is loaded and compiled by the first rows is not counted.
  yield* Stream.runDrain(Stream.take(store.find({}), 20_000))
  const heapBefore = heap()
  const rssBefore = process.memoryUsage().rss / 2 ** 20
  let heapPeak = heapBefore
  let rssPeak = rssBefore
  let last = 0
  let disordered = 0
  const count = yield* Stream.runFoldEffect(store.find({ from: begins }), () => 0, (count, outage) => {
    if (outage.start < last) disordered += 1
    last = outage.start
    if (count % 25_000 !== 0) return Effect.succeed(count + 1)
    return Effect.sync(() => {
      heapPeak = Math.max(heapPeak, heap())
      rssPeak = Math.max(rssPeak, process.memoryUsage().rss / 2 ** 20)
      return count + 1
    })
  })
  assert.strictEqual(count, year)
  assert.strictEqual(disordered, 0)
  assert.strictEqual(last, begins + year * 60_000)
  assert.isBelow(heapPeak - heapBefore, 30, "MB of heap")
  // All of it would be half a GB.
  assert.isBelow(rssPeak - rssBefore, 200, "MB of everything")
})

const flat = (
  layer: Layer.Layer<Store.Stores, StoreError>,
  fill: Effect.Effect<void>
) => Effect.andThen(fill, readAll).pipe(Effect.provide(layer))

describe("a year of outages in SQLite", () => {
  it.live("is streamed with flat memory", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryFolder, "geodns.db")
      const fill = Effect.sync(() => {
        const database = new DatabaseSync(filename)
        database.exec(`
          WITH RECURSIVE seq (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM seq WHERE n < ${year})
          INSERT INTO member_events (${columns})
          SELECT 'o' || n, replace('${
          targetKey("?")
        }', '?', 'Member ' || n % 50), 'Member ' || n % 50, 'endpoint', 'wss',
            'rpc.example', 'wss://rpc.example/kusama', 0,
            strftime('%Y-%m-%d %H:%M:%f', ${begins / 1_000} + n * 60, 'unixepoch'),
            strftime('%Y-%m-%d %H:%M:%f', ${begins / 1_000} + n * 60 + 30, 'unixepoch'), ${constant}
          FROM seq`)
        database.close()
      })
      yield* flat(Store.layerSqlite({ filename }), fill)
    }), 120_000)
})

describeWith(mariadb, "a year of outages in MariaDB", () => {
  let server: MariaDb
  beforeAll(async () => {
    server = await MariaDb.create({ arguments: ["--innodb-flush-log-at-trx-commit=2"] })
  }, 60_000)
  afterAll(() => server.destroy())

  it.live("is streamed with flat memory", () => {
    const fill = Effect.promise(async () => {
      const [database] = await server.query<{ readonly name: string }>(
        "SELECT TABLE_SCHEMA AS name FROM information_schema.TABLES WHERE TABLE_NAME = 'member_events'"
      )
      await server.query(
        `SET time_zone = '+00:00'; INSERT INTO member_events (${columns})
        SELECT CONCAT('o', seq), REPLACE('${targetKey("?")}', '?', CONCAT('Member ', seq % 50)),
          CONCAT('Member ', seq % 50), 'endpoint', 'wss', 'rpc.example', 'wss://rpc.example/kusama', 0,
          '2025-01-01' + INTERVAL seq MINUTE, '2025-01-01' + INTERVAL seq * 60 + 30 SECOND, ${constant}
        FROM seq_1_to_${year}`,
        database!.name
      )
    })
    return flat(newStores(() => server), fill)
  }, 120_000)
})
