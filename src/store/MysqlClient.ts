/**
 * A driver for `SqlClient` of `effect/sql` over `mysql2`, in the shape of Effect's own drivers, until one of those runs on
 * this version of Effect. For MySQL 5.7 and later and MariaDB 10.6 and later.
 *
 * The database may be away when the layer is built, and may go and come: statements fail with a `ConnectionError`
 * meanwhile. Nothing is retried here. A transaction whose COMMIT was lost on its way fails with an error that is not
 * retryable and for which {@link isOutcomeUnknown} holds.
 */
import * as Config from "effect/Config"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Redacted from "effect/Redacted"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Statement from "effect/sql/Statement"
import { MysqlConnection } from "./MysqlConnection.ts"
import { makePool, type MysqlPool } from "./MysqlPool.ts"

export { StatementTimeout } from "./MysqlConnection.ts"
export { CommitOutcomeUnknown, isOutcomeUnknown } from "./mysqlError.ts"
export { makePool, type MysqlPool } from "./MysqlPool.ts"

/** Encrypts the connection, and checks who answers. All texts are PEM. */
export interface MysqlTls {
  /** Authorities to trust instead of those of the system. */
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: Redacted.Redacted | undefined
  /** Whether the server must prove its name. True unless it is switched off, which protects from listeners only. */
  readonly rejectUnauthorized?: boolean | undefined
}

/** Which database, and how long to wait for it. */
export interface MysqlClientConfig {
  readonly host: string
  /** 3306. */
  readonly port?: number | undefined
  readonly database: string
  readonly username: string
  readonly password: Redacted.Redacted
  readonly tls?: MysqlTls | undefined
  /** 10. */
  readonly maxConnections?: number | undefined
  /** Until a new connection can be used. 5 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /**
   * For each statement, each wait for rows of a stream, and the wait for a free connection. A statement that takes longer
   * fails and its connection is cut; the server may still be at work on it. 20 seconds.
   */
  readonly statementTimeout?: Duration.Input | undefined
  /** How long idle connections may take to say goodbye. 2 seconds. */
  readonly shutdownTimeout?: Duration.Input | undefined
}

const escape = Statement.defaultEscape("`")
const makeCompiler = () =>
  Statement.makeCompiler({
    dialect: "mysql",
    placeholder: () => "?",
    onIdentifier: (name) => escape(name),
    onCustom: () => ["", []],
    onRecordUpdate: () => ["", []]
  })

/**
 * A client over connections that others use, too. `before` runs before each statement or transaction: when it fails, so
 * does that.
 */
export const fromPool = (
  pool: MysqlPool,
  database: string,
  before: Effect.Effect<void, SqlError> = Effect.void
): Effect.Effect<SqlClient.SqlClient, never, Reactivity.Reactivity> => {
  const acquirer = Effect.andThen(before, pool.acquire)
  return SqlClient.make({
    driver: "mysql2",
    acquirer,
    borrower: (f) => Effect.scoped(Effect.flatMap(acquirer, f)),
    compiler: makeCompiler(),
    spanAttributes: [["db.system.name", "mysql"], ["db.namespace", database]],
    beginTransaction: "START TRANSACTION",
    commit: (connection) =>
      connection instanceof MysqlConnection
        ? connection.commit()
        : Effect.asVoid(connection.executeUnprepared("COMMIT", [], undefined)),
    // After a COMMIT that the server has refused the connection may still be in the transaction.
    onCommitFailure: (connection) => Effect.asVoid(connection.executeUnprepared("ROLLBACK", [], undefined)),
    // On a connection that is lost there is nothing left to roll back.
    isTransaction: (connection) => !(connection instanceof MysqlConnection && connection.broken)
  })
}

/** A client that lives as long as the scope. It connects when it is used first. */
export const make = Effect.fnUntraced(function*(config: MysqlClientConfig) {
  return yield* fromPool(yield* makePool(config), config.database)
})

/** The client of one database. */
export const layer = (config: MysqlClientConfig): Layer.Layer<SqlClient.SqlClient> =>
  Layer.effect(SqlClient.SqlClient, make(config)).pipe(Layer.provide(Reactivity.layer))

/** The client of one database, described by a `Config`. */
export const layerConfig = (
  config: Config.Wrap<MysqlClientConfig>
): Layer.Layer<SqlClient.SqlClient, Config.ConfigError> =>
  Layer.effect(SqlClient.SqlClient, Effect.flatMap(Config.unwrap(config), make)).pipe(Layer.provide(Reactivity.layer))
