import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Conditions } from "../node/Conditions.ts"
import { countForeignOutages } from "./adoptOutages.ts"

const every = "1 minute"

/**
 * Looks once for rows that a process of v2 has written into the migrated database: they have no identity of ours, or are closed
 * by their status. Nothing is changed, since that process would go on: the operator has to stop it, and the next
 * migration takes the rows over.
 */
export const lookForForeignWriters: Effect.Effect<void, SqlError, SqlClient.SqlClient | Conditions> = Effect.gen(
  function*() {
    const conditions = yield* Conditions
    const { closed, unknown } = yield* countForeignOutages
    if (unknown + closed === 0) return yield* conditions.clear("store:v2")
    yield* conditions.raise(
      "store:v2",
      `a v2 process writes into this database: it has added ${unknown} rows to member_events, which do not count, and ` +
        `closed ${closed} of ours. Stop the v2 collators and monitors that use this database; what they wrote is taken ` +
        "over at the next start or by geodns store migrate"
    )
  }
)

/** {@link lookForForeignWriters}, every minute. */
export const watchForeignWriters: Effect.Effect<void, never, SqlClient.SqlClient | Conditions> = Effect.ignore(
  lookForForeignWriters
).pipe(Effect.repeat(Schedule.spaced(every)), Effect.asVoid)
