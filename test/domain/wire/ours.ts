import { messageCodec } from "../../../src/bus/MessageCodec.ts"
import type { ClusterMessage } from "../../../src/domain/wire/Cluster.ts"
import { type FinalizeMessage, makeProposal, type Vote } from "../../../src/domain/wire/Consensus.ts"
import { DowntimeResponse } from "../../../src/domain/wire/Downtime.ts"
import * as Subject from "../../../src/domain/wire/Subject.ts"
import type { UsageRequest, UsageResponse } from "../../../src/domain/wire/Usage.ts"
import { noTime } from "../../../src/domain/wire/WireTime.ts"

const at = Date.parse("2026-04-21T08:09:10.120Z")

const offline = makeProposal({
  id: "6f1c2b0e-6f0a-4b77-9a59-0d5c1f3c8a11",
  sender: "MONITOR-EU-1",
  target: {
    checkType: "endpoint",
    check: "wss",
    member: "Potomac & Søns <Works>",
    domain: "rpc.dotters.example",
    endpoint: "wss://rpc.dotters.example/polkadot?a=1&b=<2>",
    ipv6: true
  },
  up: false,
  error: 'IP=192.0.2.10 => "i/o" timeout\n\u2028\u0000 🐎',
  data: null,
  at
})

const online = makeProposal({
  id: "0b7c4a34-5a53-4b2c-bb1e-3d3ad1b7f6f2",
  sender: "MONITOR-AS-1",
  target: { checkType: "site", check: "ping", member: "Lagoon", domain: "", endpoint: "", ipv6: false },
  up: true,
  error: "",
  data: { AvgRtt: 1.5, PacketLoss: 0, Nested: { list: [1, null, "x"] } },
  at
})

const joined: ClusterMessage = {
  type: "join",
  sender: {
    NodeID: "MONITOR-EU-1",
    PublicAddress: "",
    ListenAddress: "0.0.0.0",
    ListenPort: "8080",
    NodeRole: "IBPMonitor",
    LastHeard: at,
    Boot: "b00t"
  },
  members: []
}
const vote: Vote = {
  ProposalID: offline.ID,
  SenderNodeID: "MONITOR-US-1",
  NodeID: "MONITOR-US-1",
  Agree: true,
  Timestamp: at
}
const passed: FinalizeMessage = { Proposal: offline, SenderNodeID: "MONITOR-US-1", Passed: true, DecidedAt: at + 351 }
const question: UsageRequest = {
  startDate: "2026-04-20",
  endDate: "2026-04-21",
  domain: "",
  memberName: "",
  country: ""
}
const usage: UsageResponse = {
  nodeID: "DNS-EU-1",
  usageRecords: [{
    nodeid: "DNS-EU-1",
    date: "2026-04-21",
    domain: "rpc.dotters.example",
    memberName: "(none)",
    countryCode: "??",
    asn: "",
    networkName: "Søns & Co",
    countryName: "Unknown",
    hits: Number.MAX_SAFE_INTEGER,
    isIPv6: true
  }]
}
const event = {
  memberName: "Lagoon",
  checkType: "site",
  checkName: "ping",
  status: false,
  startTime: at,
  endTime: noTime,
  errorText: "loss=100%",
  data: { PacketLoss: 100 },
  isIPv6: false
} as const
const downtime: DowntimeResponse = {
  nodeID: "MONITOR-EU-1",
  events: [event, {
    ...event,
    checkType: "endpoint",
    domainName: "rpc.dotters.example",
    endpoint: "wss://rpc.dotters.example/polkadot",
    endTime: at,
    data: null
  }]
}

const entry = <A>(name: string, subject: Subject.Subject<A>, value: A) => ({
  name,
  value: value as unknown,
  encoded: () => messageCodec(subject).encode(value)
})
const DowntimeReply: Subject.Subject<DowntimeResponse> = {
  name: "monitor.stats.reply",
  schema: DowntimeResponse as Subject.Subject<DowntimeResponse>["schema"],
  maxBytes: 1024 * 1024
}

/** One message of ours of every kind that a v2 node reads. `test/fixtures/wire-ours` has what is sent. */
export const ours = [
  entry("consensus.cluster.join", Subject.Cluster, joined),
  entry("consensus.propose.offline", Subject.Propose, offline),
  entry("consensus.propose.online", Subject.Propose, online),
  entry("consensus.vote.agree", Subject.Cast, vote),
  entry("consensus.vote.disagree", Subject.Cast, { ...vote, Agree: false }),
  entry("consensus.finalize.passed", Subject.Finalize, passed),
  entry("consensus.finalize.votes", Subject.Finalize, {
    ...passed,
    Votes: { "MONITOR-US-1": true, "MONITOR-EU-1": true, "MONITOR-AS-1": false }
  }),
  entry("consensus.finalize.rejected", Subject.Finalize, { ...passed, Proposal: online, Passed: false }),
  entry("dns.usage.getUsage", Subject.GetUsage, question),
  entry("dns.usage.usageData", Subject.UsageData, usage),
  entry("dns.usage.usageData.empty", Subject.UsageData, { nodeID: "DNS-EU-2", usageRecords: [] }),
  entry("dns.usage.usageData.error", Subject.UsageData, { nodeID: "DNS-EU-2", usageRecords: [], error: "no store" }),
  entry("monitor.stats.getDowntime", Subject.GetDowntime, { startTime: noTime, endTime: at, memberName: "Lagoon" }),
  entry("monitor.stats.reply", DowntimeReply, downtime),
  entry("monitor.stats.reply.empty", DowntimeReply, { nodeID: "MONITOR-EU-1", events: [] })
]
