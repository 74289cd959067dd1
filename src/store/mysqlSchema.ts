/**
 * The tables in MySQL and MariaDB, in the common subset of both from MySQL 5.7 and MariaDB 10.6 on. What is released is
 * never edited: changes are new migrations.
 *
 * The columns that v2 has keep their names and meaning. Texts of keys compare by code point (`utf8mb4_bin`), times are in
 * UTC with milliseconds. The columns that v2 does not know have defaults or are NULL, so that what a v2 process writes by
 * mistake gets in, is found by that, and can be reported.
 */
const text = (width: number): string => `VARCHAR(${width}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`
const table = "ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"

/** How many characters the readable columns of an outage hold; its identity is in `target_key`, which is never cut. */
export const outageWidths = { outageId: 191, checkName: 64, member: 128, domain: 253, endpoint: 512 } as const

/** The columns of `member_events` that v2 has, too, as they are after the migration. */
export const sharedOutageColumns: ReadonlyArray<readonly [name: string, type: string]> = [
  ["check_type", `${text(24)} NOT NULL DEFAULT ''`],
  ["check_name", `${text(outageWidths.checkName)} NOT NULL DEFAULT ''`],
  ["endpoint", `${text(outageWidths.endpoint)} NOT NULL DEFAULT ''`],
  ["member_name", `${text(outageWidths.member)} NOT NULL DEFAULT ''`],
  ["domain_name", `${text(outageWidths.domain)} NOT NULL DEFAULT ''`],
  ["status", "TINYINT NOT NULL DEFAULT 0"],
  ["is_ipv6", "TINYINT NOT NULL DEFAULT 0"],
  ["start_time", "DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)"],
  ["end_time", "DATETIME(3) NULL DEFAULT NULL"],
  ["error", "MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL"],
  ["vote_data", "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL"],
  ["additional_data", "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL"]
]

/**
 * The columns that are ours. `target_key` is the exact identity of the target. `open_key` is set only while the outage is
 * open, so its index admits one open outage per target, whoever writes.
 */
export const ownOutageColumns: ReadonlyArray<readonly [name: string, type: string]> = [
  ["target_key", "TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL"],
  ["outage_id", `${text(outageWidths.outageId)} NULL DEFAULT NULL`],
  ["closed_by", `${text(outageWidths.outageId)} NULL DEFAULT NULL`],
  ["blip", "TINYINT NOT NULL DEFAULT 0"],
  [
    "open_key",
    "BINARY(32) GENERATED ALWAYS AS (IF(end_time IS NULL, UNHEX(SHA2(target_key, 256)), NULL)) STORED"
  ]
]

export const outageIndexes: ReadonlyArray<readonly [name: string, definition: string]> = [
  ["member_events_outage", "UNIQUE KEY member_events_outage (outage_id)"],
  ["member_events_open", "UNIQUE KEY member_events_open (open_key)"],
  ["member_events_start", "KEY member_events_start (start_time, id)"],
  ["member_events_member", "KEY member_events_member (member_name, start_time)"],
  ["member_events_target", "KEY member_events_target (target_key(190), start_time)"],
  ["member_events_status", "KEY member_events_status (status)"]
]

export const createOutages = `CREATE TABLE member_events (
  id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  ${[...sharedOutageColumns, ...ownOutageColumns].map(([name, type]) => `${name} ${type}`).join(",\n  ")},
  ${outageIndexes.map(([, definition]) => definition).join(",\n  ")}
) ${table}`

/** What proves a decision of sealed consensus; `certificate` is JSON. Of decisions before that it is NULL. */
export const proofColumns: ReadonlyArray<readonly [name: string, type: string]> = [
  ["seq", "BIGINT UNSIGNED NULL DEFAULT NULL"],
  ["late", "TINYINT NOT NULL DEFAULT 0"],
  ["certificate", "MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NULL DEFAULT NULL"]
]

/** An outage has at most one decision that opened it (up = 0) and one that closed it (up = 1). */
export const createDecisions = `CREATE TABLE decisions (
  outage_id ${text(outageWidths.outageId)} NOT NULL,
  up TINYINT NOT NULL,
  decision_id ${text(outageWidths.outageId)} NOT NULL,
  decided_at DATETIME(3) NOT NULL,
  vote_data LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (outage_id, up)
) ${table}`

/**
 * The primary key is in the order of `compareUsage`, so reports are read as the rows lie. v2 makes the index
 * `uniq_traffic_dedupe` anew when it is not exactly these nine columns, so it is there, too: it costs room and new rows,
 * but nothing when a total grows. An id beside them would be burnt by every upsert. Each key takes the 3,072 bytes that
 * InnoDB allows. A primary key, and not just this index, because updates through it take two thirds of the time.
 */
export const createUsage = (name: string): string =>
  `CREATE TABLE ${name} (
  date DATE NOT NULL,
  node_id ${text(160)} NOT NULL,
  domain_name ${text(253)} NOT NULL,
  member_name ${text(128)} NOT NULL,
  network_asn ${text(32)} NOT NULL,
  network_name ${text(128)} NOT NULL,
  country_code ${text(2)} NOT NULL,
  country_name ${text(64)} NOT NULL,
  is_ipv6 TINYINT NOT NULL,
  hits BIGINT UNSIGNED NOT NULL,
  PRIMARY KEY (
    date, domain_name, member_name, network_asn, network_name, country_code, country_name, is_ipv6, node_id
  ),
  UNIQUE KEY uniq_traffic_dedupe (
    date, node_id, domain_name, member_name, network_asn, network_name, country_code, country_name, is_ipv6
  )
) ${table}`

/**
 * When somebody else has written a row of `requests` last, in the server's time; NULL while only we did. We always say so,
 * a process of v2 does not know the column: the server fills it in. In two steps, so that the rows that are there stay NULL
 * and no server has to build the table anew.
 */
export const addForeignAt = "ALTER TABLE requests ADD COLUMN foreign_at DATETIME NULL DEFAULT NULL"
export const fillForeignAt = "ALTER TABLE requests MODIFY COLUMN foreign_at DATETIME NULL DEFAULT CURRENT_TIMESTAMP " +
  "ON UPDATE CURRENT_TIMESTAMP"

export const createAlerts = `CREATE TABLE alert_threads (
  outage_id ${text(outageWidths.outageId)} NOT NULL PRIMARY KEY,
  finished TINYINT NOT NULL,
  thread LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  KEY alert_threads_unfinished (finished, outage_id)
) ${table}`

/** Who of several collators tells alerts, until when in milliseconds since the epoch by the clock of the server. */
export const createAlertLeases = `CREATE TABLE alert_leases (
  name ${text(64)} NOT NULL PRIMARY KEY,
  holder ${text(191)} NOT NULL,
  leased_until BIGINT NOT NULL
) ${table}`

/** What a channel of alerts has to remember. */
export const createAlertMemory = `CREATE TABLE alert_memory (
  name ${text(191)} NOT NULL PRIMARY KEY,
  value LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ${table}`

/** What a channel of alerts would not take. */
export const createAlertDeadLetters = `CREATE TABLE alert_dead_letters (
  channel ${text(191)} NOT NULL,
  message_key ${text(255)} NOT NULL,
  at BIGINT NOT NULL,
  problem MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  message LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (channel, message_key),
  KEY alert_dead_letters_at (at)
) ${table}`

/** Where a migration in batches has got to; a batch and its position are committed together. */
export const createProgress = `CREATE TABLE IF NOT EXISTS schema_progress (
  name VARCHAR(64) NOT NULL PRIMARY KEY,
  position BIGINT UNSIGNED NOT NULL
) ${table}`

export const createMigrations = `CREATE TABLE IF NOT EXISTS schema_migrations (
  migration_id INT UNSIGNED NOT NULL PRIMARY KEY,
  created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  name VARCHAR(255) NOT NULL
) ${table}`
