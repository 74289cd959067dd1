import * as Effect from "effect/Effect"
import type { MysqlClientConfig } from "../src/store/MysqlClient.ts"
import { MariaDb } from "../test/servers/MariaDb.ts"
import { isInstalled, mariadb } from "../test/servers/Server.ts"
import type { Measure } from "./measure.ts"

/** A figure that could not be measured, because there is no server. */
export const withoutServer = (name: string, unit: string, goal: number): Measure => ({
  name: `${name} (MariaDB is not installed)`,
  value: 0,
  unit,
  goal,
  ok: false
})

/**
 * Runs with a MariaDB of its own, set up as an operator would: room in memory, and what is committed is on the disk
 * (`innodb_flush_log_at_trx_commit` 1 and the doublewrite buffer, which are the defaults). It has no binary log.
 */
export const withMariaDb = async <A>(
  run: (config: MysqlClientConfig) => Effect.Effect<A, unknown>
): Promise<A | undefined> => {
  if (!isInstalled(mariadb)) return undefined
  const server = await MariaDb.create({ arguments: ["--innodb-buffer-pool-size=512M", "--innodb-log-file-size=256M"] })
  try {
    return await Effect.runPromise(run(server.connection()))
  } finally {
    await server.destroy()
  }
}
