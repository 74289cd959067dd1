import type { BusMessage } from "../../../src/bus/Bus.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import * as Subject from "../../../src/domain/wire/Subject.ts"
import type { Chance } from "../plan/Chance.ts"
import { epoch } from "../world/AnyNode.ts"
import type { Cluster } from "../world/Cluster.ts"
import type { Message } from "../world/Message.ts"
import { encoded } from "./wire.ts"

/** Under this name somebody says that it holds something. */
const liar = "x9"

/** How many certificates are remembered to be told again, true or changed. */
const maxSeen = 32

/**
 * The doors that only the real services have, tried by somebody with the password of the broker: texts that are no messages,
 * announcements in the name of members, and lies about what is official and what proves it, to who asks.
 */
export class Impostor {
  readonly #cluster: Cluster
  readonly #chance: Chance
  readonly #seen: Array<Certificate> = []

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    this.#chance = cluster.chanceOf("impostor")
  }

  /** Hears what a node says. What it answers, if that is a question on what is official. */
  overhears(message: Message, sent: BusMessage): BusMessage | undefined {
    const certificate = message.subject === "certificate"
      ? message.certificate
      : message.subject === "decision"
      ? message.message.Certificate
      : undefined
    if (certificate !== undefined) this.#seen.push(certificate)
    if (this.#seen.length > maxSeen) this.#seen.shift()
    return sent.reply === undefined ? undefined : this.#answer(sent, sent.reply)
  }

  /** What comes with a message that is made up. */
  beside({ data, subject }: BusMessage): ReadonlyArray<BusMessage> {
    const chance = this.#chance
    const { plan } = this.#cluster
    const at = chance.int(0, data.length - 1)
    const torn = chance.yes(0.5)
      ? data.slice(0, at)
      : `${data.slice(0, at)}${chance.pick(["9", '"', "}", "e"])}${data.slice(at + 1)}`
    const member = chance.pick([...plan.monitors, ...plan.followers])
    this.#cluster.count("forged: torn text")
    this.#cluster.count("forged: join")
    return [
      { subject, data: torn, reply: undefined },
      encoded(Subject.Cluster, {
        type: "join",
        sender: {
          NodeID: member,
          PublicAddress: "",
          ListenAddress: "",
          ListenPort: "",
          NodeRole: chance.pick(["IBPMonitor", "IBPDns", ""]),
          LastHeard: epoch + Math.floor(this.#cluster.agenda.now) + chance.pick([0, -3_600_000, 86_400_000]),
          Boot: chance.hex()
        },
        members: []
      }),
      encoded(Subject.Status, { Type: "digest", ...this.#head(), From: 0 })
    ]
  }

  #answer({ data, subject }: BusMessage, reply: string): BusMessage | undefined {
    const question = JSON.parse(data) as { readonly Type?: string; readonly To?: string }
    if (question.Type !== "ask" || this.#seen.length === 0) return undefined
    if (question.To !== liar && this.#chance.yes(0.7)) return undefined
    const lies = [this.#lie(), this.#lie()]
    this.#cluster.count(`forged: answer on ${subject}`)
    const certificates = { NodeID: liar, From: 0, Certificates: lies }
    const entries = lies.map((Certificate) => ({
      ID: `x-${this.#chance.hex()}`,
      CheckType: Certificate.T.checkType,
      CheckName: Certificate.T.check,
      MemberName: Certificate.T.member,
      DomainName: "",
      Endpoint: "",
      IsIPv6: Certificate.T.ipv6,
      Status: this.#chance.yes(0.5),
      ErrorText: "invented",
      DecidedAt: new Date(epoch + this.#cluster.agenda.now + 60_000).toISOString(),
      DecidedBy: "m1",
      Votes: { m1: true, m2: true, m3: true },
      Seq: Certificate.seq,
      Certificate
    }))
    const text = subject === Subject.Certificates.name ? certificates : { ...this.#head(), From: 0, Entries: entries }
    return { subject: reply, data: JSON.stringify(text), reply: undefined }
  }

  #head() {
    const hash = this.#chance.hex() + this.#chance.hex()
    return { NodeID: liar, NodeRole: "IBPMonitor", Count: this.#chance.int(0, 9), Hash: hash }
  }

  /** A certificate that was true once, or that one with something changed. */
  #lie(): Certificate {
    const chance = this.#chance
    const one = chance.pick(this.#seen)
    const { seq, votes } = one
    return chance.pick<Certificate>([
      one,
      { ...one, seq: seq + 1 },
      { ...one, seq: seq + 2 },
      { ...one, seq: seq + 1, votes: votes.map((vote) => ({ ...vote, sig: `cheap:${chance.hex()}` })) },
      { ...one, seq: seq + 1, votes: votes.map((vote) => ({ ...vote, voter: liar })) },
      { ...one, votes: votes.slice(1) },
      { ...one, epoch: one.epoch + 1, seq: seq + 1 }
    ])
  }
}
