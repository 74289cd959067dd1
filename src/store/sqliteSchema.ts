/**
 * The schema in SQLite, as the statements of migrations by `<id>_<name>`. What is released is never edited: changes are new migrations.
 *
 * Times are text in UTC with milliseconds (see `StoredText.ts`), booleans 0 or 1. Tables are strict, so that what is
 * read has the type of its column.
 */
export const sqliteMigrations: Readonly<Record<string, ReadonlyArray<string>>> = {
  // `target_key` is the exact identity of the target, the columns before it are for readers. `open_key` is set only while
  // the outage is open, so its index admits one open outage per target, whoever writes.
  "0001_outages": [
    `CREATE TABLE member_events (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      member_name TEXT NOT NULL,
      check_type TEXT NOT NULL CHECK (check_type IN ('site', 'domain', 'endpoint')),
      check_name TEXT NOT NULL,
      domain_name TEXT NOT NULL,
      endpoint TEXT NOT NULL,
      status INTEGER NOT NULL DEFAULT 0,
      start_time TEXT NOT NULL,
      end_time TEXT,
      error TEXT NOT NULL,
      vote_data TEXT NOT NULL,
      additional_data TEXT NOT NULL,
      is_ipv6 INTEGER NOT NULL,
      target_key TEXT NOT NULL,
      outage_id TEXT NOT NULL UNIQUE,
      closed_by TEXT,
      blip INTEGER NOT NULL DEFAULT 0,
      open_key TEXT GENERATED ALWAYS AS (CASE WHEN end_time IS NULL THEN target_key END) VIRTUAL
    ) STRICT`,
    "CREATE UNIQUE INDEX member_events_open ON member_events (open_key)",
    "CREATE INDEX member_events_start ON member_events (start_time, id)",
    "CREATE INDEX member_events_member ON member_events (member_name, start_time)",
    "CREATE INDEX member_events_target ON member_events (target_key, start_time)",
    // An outage has at most one decision that opened it (up = 0) and one that closed it (up = 1).
    `CREATE TABLE decisions (
      outage_id TEXT NOT NULL REFERENCES member_events (outage_id),
      up INTEGER NOT NULL,
      decision_id TEXT NOT NULL,
      decided_at TEXT NOT NULL,
      vote_data TEXT NOT NULL,
      PRIMARY KEY (outage_id, up)
    ) STRICT, WITHOUT ROWID`
  ],
  // `node_id` holds the writer too, `node~writer`, and comes last: the totals of all writers for one key lie together.
  "0002_usage": [
    `CREATE TABLE requests (
      date TEXT NOT NULL,
      node_id TEXT NOT NULL,
      domain_name TEXT NOT NULL,
      member_name TEXT NOT NULL,
      network_asn TEXT NOT NULL,
      network_name TEXT NOT NULL,
      country_code TEXT NOT NULL,
      country_name TEXT NOT NULL,
      is_ipv6 INTEGER NOT NULL,
      hits INTEGER NOT NULL CHECK (hits >= 0),
      PRIMARY KEY (
        date, domain_name, member_name, network_asn, network_name, country_code, country_name, is_ipv6, node_id
      )
    ) STRICT, WITHOUT ROWID`
  ],
  "0003_alerts": [
    `CREATE TABLE alert_threads (
      outage_id TEXT NOT NULL PRIMARY KEY,
      finished INTEGER NOT NULL,
      thread TEXT NOT NULL
    ) STRICT, WITHOUT ROWID`,
    "CREATE INDEX alert_threads_unfinished ON alert_threads (outage_id) WHERE finished = 0"
  ],
  // What proves a decision of sealed consensus. Those before have none.
  "0004_certificates": [
    "ALTER TABLE decisions ADD COLUMN seq INTEGER",
    "ALTER TABLE decisions ADD COLUMN late INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE decisions ADD COLUMN certificate TEXT"
  ],
  // Who of several collators tells, what a channel has to remember, and what it would not take. Times
  // are in milliseconds since the epoch.
  "0005_alert_duty": [
    `CREATE TABLE alert_leases (
      name TEXT NOT NULL PRIMARY KEY,
      holder TEXT NOT NULL,
      leased_until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE alert_memory (
      name TEXT NOT NULL PRIMARY KEY,
      value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE alert_dead_letters (
      channel TEXT NOT NULL,
      message_key TEXT NOT NULL,
      at INTEGER NOT NULL,
      problem TEXT NOT NULL,
      message TEXT NOT NULL,
      PRIMARY KEY (channel, message_key)
    ) STRICT, WITHOUT ROWID`,
    "CREATE INDEX alert_dead_letters_at ON alert_dead_letters (at)"
  ]
}
