import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import { ConnectionError, SqlError } from "effect/sql/SqlError"
import { Conditions } from "../node/Conditions.ts"
import { AlertStore } from "./AlertStore.ts"
import { watchForeignWriters } from "./foreignWriters.ts"
import * as Migrations from "./Migrations.ts"
import * as MysqlClient from "./MysqlClient.ts"
import { OutageStore } from "./OutageStore.ts"
import * as SqliteClient from "./SqliteClient.ts"
import { databaseError, type StoreError } from "./StoreError.ts"
import { UsageStore } from "./UsageStore.ts"

/** Everything that is stored. */
export type Stores = OutageStore | UsageStore | AlertStore

const stores: Layer.Layer<Stores, never, SqlClient.SqlClient> = Layer.mergeAll(
  OutageStore.layer,
  UsageStore.layer,
  AlertStore.layer
)

/** All stores in the database of any client, brought to the tables of this version first. */
export const layerSql: Layer.Layer<Stores, StoreError, SqlClient.SqlClient> = stores.pipe(
  Layer.provide(Migrations.layer)
)

/**
 * All stores in one SQLite file. What a store has acknowledged survives kill -9. A power cut may take what was acknowledged
 * in the last seconds, unless `synchronous` is `full`: outages come again from the official status, usage from its writers.
 */
export const layerSqlite = (config: SqliteClient.SqliteClientConfig): Layer.Layer<Stores, StoreError> =>
  layerSql.pipe(Layer.provide(sqliteClient(config)))

/** The client of a SQLite file, with our error when it cannot be opened. */
export const sqliteClient = (config: SqliteClient.SqliteClientConfig): Layer.Layer<SqlClient.SqlClient, StoreError> =>
  Layer.catchTag(
    SqliteClient.layer(config),
    "SqlError",
    (error) => Layer.effectContext(Effect.fail(databaseError("open the store")(error)))
  )

/** How often the database is tried while it is away, and looked at while it is there. */
const watchEvery = "5 seconds"

/** How long operations wait for the first attempt to reach and migrate the database, from when the layer stands. */
const firstAttempt = "5 seconds"

/**
 * All stores in a MySQL or MariaDB database. It stands at once, whether the database is there or not: it is migrated when
 * it comes. Operations wait for the first attempt to do so to end, up to 5 seconds after the layer was built; from then on
 * they fail while the database is not ready, with an error for which `StoreError.isRetryable` holds. The condition `store`
 * says what is wrong; `store:v2` that a process of v2 writes into the database.
 *
 * Everything stored has an identity or is an absolute total, so an operation is simply repeated:
 *
 * ```ts
 * yield* outages.open(outage).pipe(
 *   Effect.retry({ while: (error) => error.isRetryable, schedule: Schedule.spaced("5 seconds") })
 * )
 * ```
 */
export const layerMysql = (
  config: MysqlClient.MysqlClientConfig,
  options: Migrations.MigrateOptions = {}
): Layer.Layer<Stores, never, Conditions> =>
  stores.pipe(Layer.provide(
    Layer.effect(
      SqlClient.SqlClient,
      Effect.gen(function*() {
        const conditions = yield* Conditions
        const pool = yield* MysqlClient.makePool(config)
        const own = yield* MysqlClient.fromPool(pool, config.database)
        let ready = false
        let problem = "it was not reached yet"
        const tried = yield* Deferred.make<void>()
        const triedOnce = Deferred.succeed(tried, undefined)
        yield* Effect.forkScoped(Effect.delay(triedOnce, firstAttempt))
        const check = Effect.suspend(() =>
          ready ? Effect.void : Effect.fail(
            new SqlError({
              reason: new ConnectionError({
                cause: undefined,
                operation: "connect",
                message: `the database is not ready: ${problem}`
              })
            })
          )
        )
        // Nobody may be held up in what cannot be interrupted, as the beginning of a transaction.
        const gate = Effect.andThen(Effect.interruptible(Deferred.await(tried)), check)
        const raise = (error: { readonly message: string }) =>
          Effect.andThen(
            Effect.sync(() => problem = error.message),
            conditions.raise("store", `outages and usage wait: ${error.message}`)
          )
        const attempt = Migrations.migrate(options).pipe(
          Effect.provideService(SqlClient.SqlClient, own),
          Effect.andThen(Effect.sync(() => ready = true)),
          Effect.tapError(raise),
          Effect.catchCause((cause) => Effect.logDebug("no database yet", cause)),
          Effect.ensuring(triedOnce)
        )
        // Again and again, whatever goes wrong: nobody else would try.
        const prepare = Effect.repeat(attempt, { until: () => ready, schedule: Schedule.spaced(watchEvery) })
        const look = Effect.matchEffect(own`SELECT 1`, { onFailure: raise, onSuccess: () => conditions.clear("store") })
        yield* Effect.gen(function*() {
          yield* prepare
          yield* conditions.clear("store")
          yield* Effect.all([
            Effect.repeat(look, Schedule.spaced(watchEvery)),
            watchForeignWriters.pipe(
              Effect.provideService(SqlClient.SqlClient, own),
              Effect.provideService(Conditions, conditions)
            )
          ], { concurrency: 2, discard: true })
        }).pipe(Effect.forkScoped)
        return yield* MysqlClient.fromPool(pool, config.database, gate)
      })
    ).pipe(Layer.provide(Reactivity.layer))
  ))

/**
 * All stores in the database of any client as it is, for commands that only look: nothing is made or migrated. Fails when
 * it does not have the tables of this version.
 */
export const layerAsIs: Layer.Layer<Stores, StoreError, SqlClient.SqlClient> = stores.pipe(
  Layer.provide(Layer.effectDiscard(Migrations.check))
)

/** All stores in memory. */
export const layerMemory: Layer.Layer<Stores> = Layer.mergeAll(
  OutageStore.layerMemory,
  UsageStore.layerMemory,
  AlertStore.layerMemory
)
