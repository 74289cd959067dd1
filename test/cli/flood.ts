import { connect } from "@nats-io/transport-node"

/** Every subject that some role listens on. */
const subjects = [
  "consensus.cluster",
  "consensus.propose",
  "consensus.vote",
  "consensus.finalize",
  "dns.usage.getUsage",
  "dns.usage.usageData",
  "monitor.stats.getDowntime",
  "geodns.v1.status",
  "geodns.v1.override"
]

/** What a broken or hostile peer could send. */
const garbage = [
  "",
  "null",
  "{",
  "[]",
  '{"type":"join","sender":7}',
  '{"ID":"","Proposal":{},"NodeID":[]}',
  `{"ID":"x","CheckType":"endpoint","Timestamp":""}`,
  "\u0000\u0001\ufffd",
  `"${"x".repeat(2_000)}"`
]

/** Publishes so many messages of garbage on every subject, as fast as the broker takes them. */
export const flood = async (url: string, perSubject: number): Promise<void> => {
  const client = await connect({ servers: url })
  for (let i = 0; i < perSubject; i++) {
    for (const subject of subjects) client.publish(subject, garbage[i % garbage.length]!)
    // A burst at a time, or the broker takes us for a slow consumer of its patience.
    if (i % 500 === 499) await client.flush()
  }
  await client.drain()
}
