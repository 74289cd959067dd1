import { readFileSync } from "node:fs"
import type { MariaDb } from "../servers/MariaDb.ts"

/** The shapes that databases of v2 have. */
export const v2Shapes = ["monitor", "collator", "requests-head"] as const
export type V2Shape = (typeof v2Shapes)[number]

const fixture = (name: string): string =>
  readFileSync(new URL(`../fixtures/v2-schema/${name}.sql`, import.meta.url), "utf8")

let next = 0

/** The statements of a fixture. */
const statements = (name: string): ReadonlyArray<string> =>
  fixture(name).split(/;\s*$/m).filter((it) => it.trim() !== "")

/** A new database of one shape: the outages of that process, usage as the collator makes it, or with the newest index. */
export const createV2 = async (server: MariaDb, shape: V2Shape): Promise<string> => {
  const database = `v2_${next++}`
  await server.query(`CREATE DATABASE ${database} CHARACTER SET utf8mb4`, "")
  const outages = statements(shape === "monitor" ? "monitor" : "collator").filter((it) => it.includes("member_events"))
  const usage = statements("collator").filter((it) => it.includes("TABLE requests"))
  const head = shape === "requests-head" ? statements("requests-head") : []
  if (outages.length !== 1 || usage.length !== 1) throw new Error("the fixtures have changed")
  for (const statement of [...outages, ...usage, ...head]) await server.query(statement, database)
  return database
}

/** Numbers from 1 on, from MariaDB's sequence engine. */
const numbers = (count: number): string => `seq_1_to_${count}`

/**
 * Outages as v2 has them: of all types, text or number, open and closed, with NULL and empty endpoints, and the domain in
 * `endpoint`. Every 1,000th is open.
 */
export const fillOutages = (server: MariaDb, database: string, count: number, numeric: boolean) =>
  server.query(
    `INSERT INTO member_events (check_type, check_name, endpoint, member_name, domain_name, status, is_ipv6, start_time,
      end_time, error, vote_data, additional_data)
    SELECT ELT(1 + seq % 3, ${numeric ? "'1', '2', '3'" : "'site', 'domain', 'endpoint'"}), CONCAT('check ', seq),
      ELT(1 + seq % 3, IF(seq % 2 = 0, NULL, ''), CONCAT('d', seq % 7, '.example'), CONCAT('wss://d', seq % 7, '.example/x')),
      CONCAT('Member ', seq % 50), ELT(1 + seq % 3, IF(seq % 2 = 0, NULL, ''), CONCAT('d', seq % 7, '.example'),
      CONCAT('d', seq % 7, '.example')), IF(seq % 1000 = 0, 0, 1), seq % 2,
      '2025-10-26 00:30:00' + INTERVAL seq * 61 SECOND,
      IF(seq % 1000 = 0, NULL, '2025-10-26 00:30:00' + INTERVAL seq * 61 + seq % 3000 SECOND),
      IF(seq % 5 = 0, NULL, 'timeout'), IF(seq % 5 = 0, NULL, '{"m1": true, "m2": false}'), IF(seq % 5 = 0, NULL, '{"a": 1}')
    FROM ${numbers(count)}`,
    database
  )

/** Usage as v2 has it, with NULLs that made rows double, and names in upper and lower case. */
export const fillUsage = (server: MariaDb, database: string, count: number) =>
  server.query(
    `INSERT INTO requests (date, node_id, domain_name, member_name, network_asn, network_name, country_code,
      country_name, is_ipv6, hits)
    SELECT '2025-01-01' + INTERVAL seq % 365 DAY, IF(seq % 97 = 0, NULL, 'dns-1'), CONCAT('d', seq % 7, '.example'),
      IF(seq % 41 = 0, '', CONCAT('Member ', seq % 50)), IF(seq % 11 = 0, NULL, CONCAT('AS', seq)),
      IF(seq % 11 = 0, NULL, CONCAT('Net ', seq)), IF(seq % 13 = 0, NULL, 'DE'), IF(seq % 13 = 0, NULL, 'Germany'),
      seq % 2, seq % 1000
    FROM ${numbers(count)}`,
    database
  )
