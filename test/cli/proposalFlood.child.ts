/**
 * Publishes distinct forged proposals as an outsider who knows the password of the broker, at a pace, or as fast as the broker takes them
 * if that is slower: at least so many, and then until it is told to end. It says how far it is with every tenth.
 *
 * Its argument is a `Flood` as JSON.
 */
import { connect } from "@nats-io/transport-node"
import { setTimeout } from "node:timers/promises"
import type { Target } from "../../src/domain/Target.ts"

export interface Flood {
  readonly broker: { readonly servers: string; readonly user: string; readonly pass: string }
  /** At least so many. */
  readonly count: number
  /** At most so many a second: the broker and all who listen share the machine with it. */
  readonly perSecond: number
  /** That exist. */
  readonly targets: ReadonlyArray<Target>
  /** Of the roster. */
  readonly members: ReadonlyArray<string>
  readonly cluster: string
  readonly epoch: number
}

const { broker, cluster, count, epoch, members, perSecond, targets }: Flood = JSON.parse(process.argv[2]!)

const signature = `ed25519:${"A".repeat(86)}`

/** One of each kind in turn, for every target and member in turn. Half of them say that all is well, half that nothing is. */
const forged = (i: number) => {
  const target = targets[(i >> 2) % targets.length]!
  const Timestamp = new Date().toISOString()
  const up = i % 8 < 4
  const kind = i % 4
  const proposal = {
    ID: `forged-${i}`,
    SenderNodeID: kind < 2 ? members[(i >> 3) % members.length] : `monitor-of-nobody-${i % 5_000}`,
    CheckType: target.checkType,
    CheckName: target.check,
    MemberName: kind === 3 ? `Nobody ${i}` : target.member,
    DomainName: target.domain,
    Endpoint: target.endpoint,
    ProposedStatus: up,
    ErrorText: up ? "" : `forged ${i}`,
    Data: null,
    IsIPv6: target.ipv6,
    Timestamp
  }
  // Without its seal; with a wrong one; of a node that is no member; on a target that is none.
  return kind !== 1
    ? proposal
    : { ...proposal, Seq: up ? 4 : 3, Seal: { cluster, epoch, time: Timestamp, sig: signature } }
}

let isOver = false
process.on("SIGTERM", () => isOver = true)
const client = await connect(broker)
const tenth = Math.ceil(count / 10)
const began = performance.now()
let i = 0
for (; i < count || !isOver; i++) {
  if (i % tenth === 0) console.log(`published ${i / tenth} tenths`)
  client.publish("consensus.propose", JSON.stringify(forged(i)))
  // A burst at a time: the client keeps all that waits in memory.
  if (i % 500 !== 499) continue
  await client.flush()
  await setTimeout(Math.max(0, began + i / perSecond * 1_000 - performance.now()))
}
await client.drain()
console.log(`published ${i} in all`)
