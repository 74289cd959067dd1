import * as Metric from "effect/Metric"

const seconds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** Planned targets. */
export const targets = Metric.gauge("geodns_targets", { description: "Targets that this node checks" })

/** Start of a probe minus the time it was due. */
export const lateness = Metric.histogram("geodns_probe_lateness_seconds", {
  description: "How late probes started",
  boundaries: seconds
})

/** From the start of a probe to its result. */
export const duration = Metric.histogram("geodns_probe_duration_seconds", {
  description: "How long probes took",
  boundaries: seconds
})

const probes = Metric.counter("geodns_probes_total", { description: "Probes done", incremental: true })

/** Probes by what came of them. */
export const outcomes = {
  up: Metric.withAttributes(probes, { outcome: "up" }),
  down: Metric.withAttributes(probes, { outcome: "down" }),
  /** This node could not try. */
  unable: Metric.withAttributes(probes, { outcome: "unable" }),
  /** The probe is broken. */
  defect: Metric.withAttributes(probes, { outcome: "defect" })
}

/** Runs that were due while the one before was not done. */
export const skipped = Metric.counter("geodns_probes_skipped_total", {
  description: "Probes that were due while the one before was not done",
  incremental: true
})

/** Targets that flap. */
export const damped = Metric.gauge("geodns_monitor_damped_targets", {
  description: "Targets that this monitor holds down because they went down too often"
})

/** What this monitor proposed. */
export const proposed = Metric.counter("geodns_monitor_proposals_total", {
  description: "Statuses that this monitor proposed",
  incremental: true
})
