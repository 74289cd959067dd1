import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { Conditions } from "../node/Conditions.ts"
import { countForeignOutages } from "./adoptOutages.ts"
import { foreignUsage } from "./foreignUsage.ts"

const every = "1 minute"

/** How many nodes and days a condition names. */
const maxNamed = 5

/**
 * Looks once for rows that a process of v2 has written into the migrated database: they have no identity of ours, or are closed
 * by their status; or they are usage of a node and day that we count ourselves. Nothing is changed, since that process
 * would go on: the operator has to stop it, and the next migration takes the outages over.
 */
export const lookForForeignWriters: Effect.Effect<void, SqlError, SqlClient.SqlClient | Conditions> = Effect.gen(
  function*() {
    const conditions = yield* Conditions
    const { closed, unknown } = yield* countForeignOutages
    const usage = yield* foreignUsage
    const wrote = [
      ...(unknown + closed === 0 ? [] : [
        `it has added ${unknown} rows to member_events, which do not count, and closed ${closed} of ours, which is taken ` +
        "over at the next start or by geodns store migrate"
      ]),
      ...(usage.length === 0 ? [] : [
        `it has written usage of nodes that we count ourselves into requests, which is left out: ${
          usage.slice(0, maxNamed).map(({ day, node, rows }) => `${node} on ${day} (${rows} rows)`).join(", ")
        }${usage.length > maxNamed ? ` and ${usage.length - maxNamed} more` : ""}`
      ])
    ]
    if (wrote.length === 0) return yield* conditions.clear("store:v2")
    yield* conditions.raise(
      "store:v2",
      `a v2 process writes into this database: ${wrote.join("; ")}. Stop the v2 collators and monitors that use this ` +
        "database"
    )
  }
)

/** {@link lookForForeignWriters}, every minute. */
export const watchForeignWriters: Effect.Effect<void, never, SqlClient.SqlClient | Conditions> = Effect.ignore(
  lookForForeignWriters
).pipe(Effect.repeat(Schedule.spaced(every)), Effect.asVoid)
