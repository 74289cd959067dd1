import type { FinalizeMessage, Proposal, Vote } from "../../../src/domain/wire/Consensus.ts"
import { toWireTime } from "../../../src/domain/wire/WireTime.ts"
import type { Chance } from "../plan/Chance.ts"
import type { Message } from "./Message.ts"

/** A message with something changed. */
export const mutated = (message: Message, chance: Chance): ReadonlyArray<Message> => {
  switch (message.subject) {
    case "propose": {
      const { proposal } = message
      return [{
        subject: "propose",
        proposal: {
          ...proposal,
          ...chance.pick<Partial<Proposal>>([
            { ProposedStatus: !proposal.ProposedStatus },
            { Seq: (proposal.Seq ?? 0) + 1 },
            { SenderNodeID: "x1" },
            { MemberName: "member-1" },
            { ID: `${proposal.ID}x` },
            { Timestamp: proposal.Timestamp + 1 }
          ])
        }
      }]
    }
    case "vote": {
      const { vote } = message
      return [{
        subject: "vote",
        vote: {
          ...vote,
          ...chance.pick<Partial<Vote>>([
            { Agree: !vote.Agree },
            { Seq: (vote.Seq ?? 0) + 1 },
            { NodeID: "x1", SenderNodeID: "x1" },
            { NodeID: "m1", SenderNodeID: "m1" },
            { ProposalID: `${vote.ProposalID}x` },
            ...vote.Seal === undefined
              ? []
              : [{ Seal: { ...vote.Seal, observedAt: toWireTime(Date.parse(vote.Seal.observedAt) + 1) } }]
          ])
        }
      }]
    }
    case "decision": {
      const { message: decision } = message
      const { Certificate: certificate, ...bare } = decision
      const changed = certificate === undefined ? [] : [
        { ...bare, Certificate: { ...certificate, seq: certificate.seq + 1 } },
        { ...bare, Certificate: { ...certificate, seq: certificate.seq + 2 } },
        { ...bare, Certificate: { ...certificate, votes: certificate.votes.slice(1) } },
        { ...bare, Certificate: { ...certificate, epoch: certificate.epoch + 1 } }
      ]
      return [{
        subject: "decision",
        message: chance.pick<FinalizeMessage>([
          { ...decision, Passed: false },
          { ...decision, Proposal: { ...decision.Proposal, ProposedStatus: !decision.Proposal.ProposedStatus } },
          { ...decision, SenderNodeID: "x1" },
          bare,
          ...changed
        ])
      }]
    }
    case "certificate": {
      const { certificate } = message
      return [{ subject: "certificate", certificate: { ...certificate, seq: certificate.seq + chance.int(1, 3) } }]
    }
    default:
      return []
  }
}
