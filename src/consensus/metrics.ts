import * as Metric from "effect/Metric"

/** Proposals that were taken, by origin. */
export const proposals = Metric.counter("geodns_consensus_proposals_total", {
  description: "Proposals that were taken, own and of others",
  incremental: true
})

/** Votes that were taken. */
export const votes = Metric.counter("geodns_consensus_votes_total", {
  description: "Votes that were taken, by what they say",
  incremental: true
})

/** Times that this node could not judge a target. */
export const abstentions = Metric.counter("geodns_consensus_abstentions_total", {
  description: "Proposals that this node could not vote on, each time it was asked",
  incremental: true
})

/** Closed proposals. */
export const decisions = Metric.counter("geodns_consensus_decisions_total", {
  description: "Proposals that were closed, by result",
  incremental: true
})

/** Messages that were not taken. */
export const dropped = Metric.counter("geodns_consensus_dropped_total", {
  description: "Consensus messages that were not taken, by kind and reason",
  incremental: true
})

/** Messages that could not be sent. */
export const unsent = Metric.counter("geodns_consensus_unsent_total", {
  description: "Consensus messages that could not be sent; what still matters is sent again",
  incremental: true
})

/** Open proposals. */
export const open = Metric.gauge("geodns_consensus_open_proposals", { description: "Proposals that are open now" })

/** From the first sight of a proposal to its decision. */
export const latency = Metric.histogram("geodns_consensus_proposal_seconds", {
  description: "Seconds from the first sight of a proposal to its decision",
  boundaries: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 60, 90]
})
