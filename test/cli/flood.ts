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

/** An override as a forger writes it, given now unless `over` says otherwise. */
export const forgedOverride = (id: string, member: string, over: Readonly<Record<string, unknown>> = {}) => {
  const at = new Date().toISOString()
  return {
    ID: id,
    Kind: "override",
    Member: member,
    Reason: "forged ".repeat(70),
    Author: "nobody",
    Node: "dns-zz",
    At: at,
    From: at,
    Until: "0001-01-01T00:00:00Z",
    ...over
  }
}

/** Publishes messages with overrides, each in the name of another node. */
export const publishOverrides = async (
  url: string,
  messages: Iterable<ReadonlyArray<ReturnType<typeof forgedOverride>>>
): Promise<void> => {
  const client = await connect({ servers: url })
  let sent = 0
  for (const Overrides of messages) {
    client.publish("geodns.v1.override", JSON.stringify({ NodeID: `dns-${sent}`, Overrides, Digest: `${sent}` }))
    if (++sent % 100 === 0) await client.flush()
  }
  await client.drain()
}

/**
 * So many overrides that nothing is wrong with, one a message: for members that nobody knows, and for `member` such as
 * are over, or begin one day.
 */
export const forgedOverrides = function*(member: string, count: number) {
  for (let i = 0; i < count; i++) {
    const ended = { Ended: { At: new Date().toISOString(), By: "nobody", Reason: "" }, Node: `node-${i}` }
    yield [
      i % 3 === 0
        ? forgedOverride(`forged ${i}`, `Nobody ${i}`)
        : forgedOverride(
          `forged ${i}`,
          member,
          i % 3 === 1 ? ended : { From: "2199-01-01T00:00:00Z", Node: `node-${i}` }
        )
    ]
  }
}
