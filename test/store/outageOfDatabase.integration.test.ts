import { assert, it } from "@effect/vitest"
import { Clock, type Context, Effect, Fiber, Layer, Schedule, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { afterAll, beforeAll } from "vitest"
import { Conditions } from "../../src/node/Conditions.ts"
import type { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { lookForForeignWriters } from "../../src/store/foreignWriters.ts"
import { MysqlClient, OutageStore, Store, UsageStore } from "../../src/store/index.ts"
import { MariaDb } from "../servers/MariaDb.ts"
import { describeWith, mariadb } from "../servers/Server.ts"
import { decide, makeOutside } from "../status/collating.ts"
import { FlakyStore } from "../status/flaky.ts"
import { newDatabase } from "./MariaDb.databases.ts"
import { march, outage, target, usage } from "./samples.ts"

/** Tries until it holds, for at most a minute. */
const eventually = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.retry(effect, { times: 600, schedule: Schedule.spaced("100 millis") })

describeWith(mariadb, "the stores while MariaDB goes and comes", () => {
  let server: MariaDb
  beforeAll(async () => {
    server = await MariaDb.create()
  }, 120_000)
  afterAll(() => server.destroy())

  const patient = { statementTimeout: "1 second", connectTimeout: "1 second" } as const

  it.live("stand before it is there, say so, and migrate it when it comes", () =>
    Effect.gen(function*() {
      const config = { ...(yield* newDatabase(server)), ...patient }
      yield* Effect.promise(() => server.stop())
      const context = yield* Layer.build(Store.layerMysql(config).pipe(Layer.provideMerge(Conditions.layer)))
      yield* Effect.gen(function*() {
        const store = yield* OutageStore
        const conditions = yield* Conditions
        const error = yield* Effect.flip(store.open(outage("o1")))
        assert.isTrue(error.isRetryable)
        assert.include(error.message, "not ready")
        const reading = yield* Effect.flip(Stream.runDrain((yield* UsageStore).find({})))
        assert.isTrue(reading.isRetryable)
        yield* eventually(Effect.flatMap(conditions.current, (all) =>
          all.some((it) =>
              it.name === "store" && it.detail.includes("check that the server runs")
            )
            ? Effect.void
            : Effect.fail("no condition")))
        yield* Effect.promise(() =>
          server.start()
        )
        yield* eventually(store.open(outage("o1")))
        yield* eventually(
          Effect.flatMap(conditions.current, (all) => all.length === 0 ? Effect.void : Effect.fail(all))
        )
        // And once more, while it is in use.
        yield* Effect.promise(() => server.kill())
        assert.isTrue((yield* Effect.flip(store.close("o1", march + 1, true))).isRetryable)
        yield* Effect.promise(() => server.start())
        assert.isTrue(yield* eventually(store.close("o1", march + 1, true)))
      }).pipe(Effect.provide(context))
    }))

  it.live("wait for the first attempt: what is asked at once of a healthy database is answered", () =>
    Effect.gen(function*() {
      yield* Effect.promise(() => server.start())
      const config = { ...(yield* newDatabase(server)), ...patient }
      const layer = Store.layerMysql(config).pipe(Layer.provideMerge(Conditions.layer))
      yield* Effect.gen(function*() {
        const found = yield* Effect.all([
          Stream.runCollect((yield* OutageStore).find({})),
          Stream.runCollect((yield* UsageStore).find({})),
          (yield* OutageStore).open(outage("o1"))
        ], { concurrency: "unbounded" })
        assert.deepStrictEqual(found.slice(0, 2), [[], []])
        assert.deepStrictEqual(yield* (yield* Conditions).current, [])
      }).pipe(Effect.provide(layer))
    }))

  it.live(
    "wait for no more than that: not for a server that hangs, and can be given up meanwhile",
    () =>
      Effect.gen(function*() {
        yield* Effect.promise(() => server.start())
        const config = { ...(yield* newDatabase(server)), connectTimeout: "20 seconds" } as const
        server.pause()
        yield* Effect.addFinalizer(() => Effect.sync(() => server.resume()))
        const context = yield* Layer.build(Store.layerMysql(config).pipe(Layer.provideMerge(Conditions.layer)))
        yield* Effect.gen(function*() {
          const store = yield* OutageStore
          const began = performance.now()
          assert.strictEqual((yield* Effect.timeoutOption(store.open(outage("o1")), "300 millis"))._tag, "None")
          assert.isBelow(performance.now() - began, 2_000)
          const error = yield* Effect.flip(store.open(outage("o1")))
          assert.isTrue(error.isRetryable)
          assert.match(error.message, /^cannot store an outage: the database is not ready: it was not reached yet/)
          assert.isBelow(performance.now() - began, 7_000)
          const again = performance.now()
          yield* Effect.flip(store.open(outage("o1")))
          assert.isBelow(performance.now() - again, 1_000)
        }).pipe(Effect.provide(context))
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("keep every outage once, by two processes whose clock is set back an hour, over a restart", () =>
    Effect.gen(function*() {
      yield* Effect.promise(() => server.start())
      const config = { ...(yield* newDatabase(server)), ...patient }
      yield* Effect.gen(function*() {
        const beside = { flaky: new FlakyStore(), store: yield* OutageStore }
        const nodes = [yield* makeOutside(beside), yield* makeOutside(beside)] as const
        const setBack = () => nodes.forEach((node) => node.setBack(60 * 60_000))
        /** Tells both, and waits until the store has these, the open ones without an end. */
        const tell = (id: string, up: boolean, ...stored: ReadonlyArray<string>) =>
          Effect.gen(function*() {
            yield* decide({ id, up, decidedAt: (yield* Clock.currentTimeMillis) + nodes[0].ahead() })
            yield* eventually(Effect.flatMap(nodes[0].rows, (rows) => {
              const found = rows.map((it) => it.end === undefined ? it.id : `${it.id} ended`).sort()
              return found.join() === stored.join() ? Effect.void : Effect.fail(found)
            }))
          })
        type TellBoth = (...args: Parameters<typeof tell>) => Effect.Effect<void, ReadonlyArray<string>>
        const both = <A, E>(work: (tell: TellBoth) => Effect.Effect<A, E>) =>
          nodes[0].process(
            Effect.contextWith((a: Context.Context<OfficialStatus>) =>
              nodes[1].process(Effect.contextWith((b: Context.Context<OfficialStatus>) =>
                work((...args) => Effect.andThen(Effect.provide(tell(...args), a), Effect.provide(tell(...args), b)))
              ))
            )
          )
        yield* both((tell) =>
          Effect.gen(function*() {
            yield* tell("d1", false, "d1")
            setBack()
            yield* tell("u1", true, "d1 ended")
            yield* tell("d2", false, "d1 ended", "d2")
          })
        )
        yield* both((tell) =>
          Effect.gen(function*() {
            yield* tell("u2", true, "d1 ended", "d2 ended")
            setBack()
            yield* tell("d3", false, "d1 ended", "d2 ended", "d3")
          })
        )
        const decisions = yield* Effect.forEach(["d1", "d2", "d3"], (id) => beside.store.decisions(id))
        assert.deepStrictEqual(decisions.map((all) => all.map(({ id }) => id)), [["d1", "u1"], ["d2", "u2"], ["d3"]])
      }).pipe(Effect.provide(Store.layerMysql(config).pipe(Layer.provideMerge(Conditions.layer))))
    }).pipe(Effect.scoped))

  it.live("report a process of v2 that writes into their database", () =>
    Effect.gen(function*() {
      yield* Effect.promise(() => server.start())
      const config = yield* newDatabase(server)
      yield* Effect.gen(function*() {
        const conditions = yield* Conditions
        yield* (yield* OutageStore).open(outage("o1"))
        yield* lookForForeignWriters
        assert.deepStrictEqual(yield* conditions.current, [])
        yield* Effect.promise(() =>
          server.query(
            `INSERT INTO member_events (check_type, check_name, member_name, status, is_ipv6) VALUES ('1', 'p', 'A', 0, 0);
            UPDATE member_events SET status = 1, end_time = NOW() WHERE outage_id = 'o1'`,
            config.database
          )
        )
        yield* lookForForeignWriters
        const [condition] = yield* conditions.current
        assert.strictEqual(condition?.name, "store:v2")
        assert.include(condition?.detail, "added 1 rows to member_events, which do not count, and closed 1 of ours")
      }).pipe(
        Effect.provide(
          Store.layerSql.pipe(Layer.provideMerge(MysqlClient.layer(config)), Layer.merge(Conditions.layer))
        )
      )
    }))

  it.live(
    "lose no outage, double none, and never have two open, while it is killed and stopped again and again",
    () =>
      Effect.gen(function*() {
        yield* Effect.promise(() => server.start())
        const config = { ...(yield* newDatabase(server)), ...patient, maxConnections: 2 }
        const until = performance.now() + 12_000
        const closed = new Map<string, number>()
        let sent = 0

        // Three processes would have no more in common than these: a pool each, and the database.
        const write = (writer: string) =>
          Effect.gen(function*() {
            const outages = yield* OutageStore
            const usages = yield* UsageStore
            for (let i = 1; performance.now() < until; i++) {
              const id = `${writer}-${i}`
              const start = march + i * 10
              const it = outage(id, { target: target({ check: `c${i % 2}` }), start })
              const opened = yield* outages.open(it).pipe(
                Effect.as(true),
                Effect.retry({ while: (error) => error.isRetryable, schedule: Schedule.spaced("50 millis") }),
                Effect.catch((error) =>
                  error.reason._tag === "AlreadyOpen" ? Effect.succeed(false) : Effect.fail(error)
                )
              )
              if (opened) {
                const end = start + 1 + i % 7
                yield* outages.close(id, end, true, { id: `close-${id}`, votes: { m1: true } }).pipe(
                  Effect.retry({ while: (error) => error.isRetryable, schedule: Schedule.spaced("50 millis") })
                )
                closed.set(id, end)
              }
              // Totals of this writer, sent again until they are acknowledged.
              yield* usages.upsert(Array.from({ length: 50 }, (_, k) => usage(i, { writer, network: `n${k}` }))).pipe(
                Effect.retry({ while: (error) => error.isRetryable, schedule: Schedule.spaced("50 millis") })
              )
              yield* Effect.sync(() => {
                if (writer === "w1") sent = i
              })
            }
          })

        let kills = 0
        const disturb = Effect.gen(function*() {
          while (performance.now() < until) {
            yield* Effect.sleep(300 + kills * 37 % 500)
            if (kills % 2 === 0) {
              yield* Effect.promise(() => server.kill())
              yield* Effect.sleep(200)
              yield* Effect.promise(() => server.start())
            } else {
              server.pause()
              // Beyond the deadline of a statement.
              yield* Effect.sleep(1_300)
              server.resume()
            }
            kills += 1
          }
        })
        // `layerSql` needs the database when it is built: before anything is disturbed.
        const stores = yield* Effect.forEach(["w1", "w2", "w3"], (writer) =>
          Effect.map(
            Layer.build(Layer.fresh(Store.layerSql.pipe(Layer.provide(MysqlClient.layer(config))))),
            (context) => ({ writer, context })
          ))
        const writers = yield* Effect.forEach(
          stores,
          ({ context, writer }) => Effect.forkChild(Effect.provide(write(writer), context))
        )
        yield* disturb
        yield* Effect.forEach(writers, Fiber.join)
        assert.isAtLeast(kills, 4)
        assert.isAtLeast(closed.size, 20)

        yield* Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          const outages = yield* Stream.runCollect((yield* OutageStore).find({}))
          assert.strictEqual(new Set(outages.map((it) => it.id)).size, outages.length)
          const ends = new Map(outages.map((it) => [it.id, it.end]))
          for (const [id, end] of closed) assert.strictEqual(ends.get(id), end)
          // Nothing else is there, and nothing is open: every writer has closed what it had opened.
          assert.strictEqual(outages.length, closed.size)
          assert.deepStrictEqual(yield* sql`SELECT outage_id FROM member_events WHERE end_time IS NULL`.values, [])
          const decisions = yield* sql<{ readonly n: number }>`SELECT COUNT(*) AS n FROM decisions`
          assert.strictEqual(decisions[0]?.n, closed.size * 2)
          const totals = yield* Stream.runCollect((yield* UsageStore).find({}))
          assert.lengthOf(totals, 50)
          const rows = yield* sql<
            { readonly hits: number }
          >`SELECT DISTINCT hits FROM requests WHERE node_id = 'dns-1~w1'`
          assert.deepStrictEqual(rows.map((row) => row.hits), [sent])
        }).pipe(Effect.provide(Store.layerSql.pipe(Layer.provideMerge(MysqlClient.layer(config)))))
      }),
    120_000
  )
})
