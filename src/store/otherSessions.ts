import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

interface Session {
  readonly Id: number
  readonly User: string
  readonly Host: string
  readonly db: string | null
  readonly Info: string | null
}

interface Own {
  readonly id: number
  readonly user: string
  readonly db: string | null
}

/**
 * From where others are in this MySQL database with the same user: processes of v2 and nodes share it. A user sees its own
 * sessions without any further right. Who waits for the lock of a migration changes nothing before it has it.
 */
export const otherSessions: Effect.Effect<ReadonlyArray<string>, SqlError, SqlClient.SqlClient> = SqlClient.SqlClient
  .use(
    (sql) =>
      Effect.gen(function*() {
        const [own] = yield* sql<Own>`
        SELECT CONNECTION_ID() AS id, SUBSTRING_INDEX(USER(), '@', 1) AS user, DATABASE() AS db`
        const all = yield* sql.unsafe<Session>("SHOW FULL PROCESSLIST").unprepared
        return all
          .filter(({ Id, Info, User, db }) =>
            Id !== own?.id && User === own?.user && db === own.db && !/^\s*SELECT GET_LOCK\(/.test(Info ?? "")
          )
          .map(({ Host }) => Host)
      })
  )
