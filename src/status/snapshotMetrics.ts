import * as Metric from "effect/Metric"

/** Statuses that were taken over from other nodes. */
export const taken = Metric.counter("geodns_snapshot_taken_total", {
  description: "Statuses that this node missed and took over from others",
  incremental: true
})
