import type * as Schema from "effect/Schema"
import { AgentReport } from "./Agent.ts"
import { Abstention, CertificateAnswer, CertificateMessage } from "./Certificates.ts"
import { ClusterMessage } from "./Cluster.ts"
import { FinalizeMessage, Proposal, Vote } from "./Consensus.ts"
import { DowntimeRequest } from "./Downtime.ts"
import { OverrideDigestMessage, OverrideMessage } from "./Override.ts"
import { StatusAnswer, StatusQuestion } from "./Snapshot.ts"
import { UsageRequest, UsageResponse } from "./Usage.ts"
import { PagedUsageRequest, UsageMoreRequest, UsagePage } from "./UsagePages.ts"

/** A subject of the bus and what travels on it. Longer messages than `maxBytes` are dropped unread. */
export interface Subject<A> {
  readonly name: string
  readonly schema: Schema.Codec<A, unknown>
  readonly maxBytes: number
}

const subject = <A>(name: string, schema: Schema.Codec<A, any>, maxBytes: number): Subject<A> => ({
  name,
  schema,
  maxBytes
})

/** Who is there. */
export const Cluster = subject("consensus.cluster", ClusterMessage, 256 * 1024)
/** A monitor proposes a status. */
export const Propose = subject("consensus.propose", Proposal, 64 * 1024)
/** A monitor votes. */
export const Cast = subject("consensus.vote", Vote, 16 * 1024)
/** A proposal is decided. */
export const Finalize = subject("consensus.finalize", FinalizeMessage, 256 * 1024)
/** A collator asks DNS nodes for usage. */
export const GetUsage = subject("dns.usage.getUsage", UsageRequest, 16 * 1024)
/** Usage, when the asker gave no reply subject. */
export const UsageData = subject("dns.usage.usageData", UsageResponse, 1024 * 1024)
/** {@link GetUsage} with the keys that we add: answers come in pages from nodes of ours. */
export const GetUsagePages = subject(GetUsage.name, PagedUsageRequest, 16 * 1024)
/** Ours: a collator asks one node for further pages. */
export const MoreUsage = subject("geodns.v1.usage", UsageMoreRequest, 4 * 1024)
/** An answer to {@link GetUsagePages} or {@link MoreUsage}, on the reply subject. v2's are whole, and longer. */
export const UsagePages = subject("geodns.v1.usage.answer", UsagePage, 1024 * 1024)
/** Somebody asks monitors for downtime. */
export const GetDowntime = subject("monitor.stats.getDowntime", DowntimeRequest, 16 * 1024)
/** Ours: members that operators took out by hand. */
export const Override = subject("geodns.v1.override", OverrideMessage, 256 * 1024)
/** Ours: which set of overrides a node has. Who has another one tells it. */
export const OverrideDigest = subject("geodns.v1.override.digest", OverrideDigestMessage, 4 * 1024)
/** Ours: what is official, for those who missed something. Answers go to the reply subject. */
export const Status = subject("geodns.v1.status", StatusQuestion, 4 * 1024)
/** What comes back to the reply subject of a question on {@link Status}. */
export const StatusReply = subject(Status.name, StatusAnswer, 512 * 1024)
/** The reports of all agents, each on a subject of its own: `agentReportSubject`. */
export const AgentReports = subject("agent.report.>", AgentReport, 128 * 1024)
/** Ours: a monitor does not vote on a proposal, and why. */
export const Abstain = subject("geodns.v1.abstain", Abstention, 4 * 1024)
/** Ours: what proves decisions. Answers go to the reply subject. */
export const Certificates = subject("geodns.v1.certificates", CertificateMessage, 256 * 1024)
/** What comes back to the reply subject of a question on {@link Certificates}. */
export const CertificatesReply = subject(Certificates.name, CertificateAnswer, 512 * 1024)
