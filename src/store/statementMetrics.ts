import * as Metric from "effect/Metric"

/** How long statements took, whatever the database. */
export const statementMillis = Metric.histogram("geodns_store_statement_ms", {
  description: "How long SQL statements took, without the wait for a lock of SQLite or a connection of MySQL",
  boundaries: [0.25, 1, 4, 16, 64, 256, 1024]
})

/** How often SQLite found the file locked. */
export const lockWaits = Metric.counter("geodns_store_lock_waits_total", {
  description: "How often a statement found the database locked by another process and tried again",
  incremental: true
})

/** Connections to MySQL, used and idle. */
export const connections = Metric.gauge("geodns_store_connections", {
  description: "Connections to the database server that are open now"
})

/** Connections to MySQL that were given up. */
export const connectionsLost = Metric.counter("geodns_store_connections_lost_total", {
  description: "Connections to the database server that broke, or were cut because a statement did not end in time",
  incremental: true
})

/** Operations that were run once more. */
export const retries = Metric.counter("geodns_store_retries_total", {
  description: "How often an operation was run again because the database had ended it for a deadlock",
  incremental: true
})
