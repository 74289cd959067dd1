import * as Result from "effect/Result"
import type { BusMessage } from "../../../src/bus/Bus.ts"
import { messageCodec } from "../../../src/bus/MessageCodec.ts"
import { isInbox } from "../../../src/bus/replies.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import * as Subject from "../../../src/domain/wire/Subject.ts"
import type { Message } from "../world/Message.ts"

/** What goes over the simulated bus: as those who look on understand it, and, when a real node sent it, as it was sent. */
export type Wired = Message & { readonly sent?: BusMessage }

/** Something that says nothing to those who look on. */
const other: Message = { subject: "digest", digest: "" }

/** Who makes up messages, as `Adversary` has it. */
export const somebody = "somebody"

/** What a message of a real node says. */
export const readMessage = (sent: BusMessage): Wired => ({ ...meaningOf(sent), sent })

const meaningOf = ({ data, subject }: BusMessage): Message => {
  switch (subject) {
    case Subject.Propose.name:
      return { subject: "propose", proposal: Result.getOrThrow(messageCodec(Subject.Propose).decode(data)) }
    case Subject.Cast.name:
      return { subject: "vote", vote: Result.getOrThrow(messageCodec(Subject.Cast).decode(data)) }
    case Subject.Finalize.name:
      return { subject: "decision", message: Result.getOrThrow(messageCodec(Subject.Finalize).decode(data)) }
    case Subject.Certificates.name: {
      const [certificate] = Result.getOrThrow(messageCodec(Subject.Certificates).decode(data)).Certificates
      return certificate === undefined ? other : { subject: "certificate", certificate: certificate as Certificate }
    }
    default:
      return isInbox(subject) ? { subject: "answer", entries: [], certificates: [] } : other
  }
}

/** A message as it is sent; undefined for what only those who look on say. */
export const sentMessage = (message: Wired): BusMessage | undefined => {
  if (message.sent !== undefined) return message.sent
  switch (message.subject) {
    case "propose":
      return encoded(Subject.Propose, message.proposal)
    case "vote":
      return encoded(Subject.Cast, message.vote)
    case "decision":
      return encoded(Subject.Finalize, message.message)
    case "certificate":
      return encoded(Subject.Certificates, {
        Type: "tell",
        NodeID: somebody,
        From: 0,
        Certificates: [message.certificate]
      })
    default:
      return undefined
  }
}

/** A message on its subject. */
export const encoded = <A>(subject: Subject.Subject<A>, message: A): BusMessage => ({
  subject: subject.name,
  data: Result.getOrThrow(messageCodec(subject).encode(message)),
  reply: undefined
})
