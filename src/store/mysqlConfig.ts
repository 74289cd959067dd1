import * as Result from "effect/Result"
import type { Local } from "../domain/documents/Local.ts"
import type { MysqlClientConfig } from "./MysqlClient.ts"

/**
 * How a node reaches the MySQL or MariaDB database of its local document, or what is missing there. `ca` is the text of
 * `GeoDNS.Store.Tls.CaFile`, when that is set.
 */
export const mysqlConfig = (
  { GeoDNS, Mysql }: Pick<Local, "GeoDNS" | "Mysql">,
  ca?: string
): Result.Result<MysqlClientConfig, string> => {
  const missing = Object.entries({ Host: Mysql.Host, User: Mysql.User, DB: Mysql.DB })
    .flatMap(([name, value]) => value === "" ? [`Mysql.${name}`] : [])
  if (missing.length > 0) {
    return Result.fail(`the store is MySQL, but the local document says nothing for ${missing.join(" and ")}`)
  }
  const { PoolSize, Tls } = GeoDNS.Store
  return Result.succeed({
    host: Mysql.Host,
    port: Mysql.Port ?? 3306,
    database: Mysql.DB,
    username: Mysql.User,
    password: Mysql.Pass,
    maxConnections: PoolSize,
    ...(Tls !== undefined && { tls: { rejectUnauthorized: Tls.Verify, ca } })
  })
}
