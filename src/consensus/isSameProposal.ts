import type { Proposal } from "../domain/wire/Consensus.ts"

/** Whether two proposals ask for the same: what an id stands for never changes. */
export const isSameProposal = (a: Proposal, b: Proposal): boolean =>
  a.CheckType === b.CheckType && a.CheckName === b.CheckName && a.MemberName === b.MemberName &&
  a.DomainName === b.DomainName && a.Endpoint === b.Endpoint && a.IsIPv6 === b.IsIPv6 &&
  a.ProposedStatus === b.ProposedStatus
