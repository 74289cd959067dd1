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

/** Whether this node trusts what it sees. */
export const abstains = Metric.gauge("geodns_monitor_abstains", {
  description: "Whether this monitor is silent as its own known-good targets fail: 0 no, 1 on IPv6, 2 on everything"
})

const heard = Metric.counter("geodns_agent_reports_total", { description: "Reports of agents", incremental: true })

/** Reports of agents by what came of them. */
export const reports = {
  taken: Metric.withAttributes(heard, { result: "taken" }),
  /** It is on another subject than that of its agent. */
  mismatch: Metric.withAttributes(heard, { result: "mismatch" }),
  /** The documents have no such member. */
  unknown: Metric.withAttributes(heard, { result: "unknown" }),
  /** It came too soon after the last one. */
  often: Metric.withAttributes(heard, { result: "often" })
}

/** What this monitor proposed. */
export const proposed = Metric.counter("geodns_monitor_proposals_total", {
  description: "Statuses that this monitor proposed",
  incremental: true
})
