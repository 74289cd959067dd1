import { Redacted, Result } from "effect"
import { createPrivateKey } from "node:crypto"
import { publicKeyText } from "../../../src/consensus/sealed/ed25519.ts"
import type { Key } from "../../../src/consensus/sealed/keyFile.ts"
import { statusOf } from "../../../src/consensus/sealed/Register.ts"
import type { Roster, RosterMember } from "../../../src/consensus/sealed/Roster.ts"
import { Rosters } from "../../../src/consensus/sealed/Rosters.ts"
import { voteBytes } from "../../../src/consensus/sealed/sealedBytes.ts"
import { cheapSigner, type Signer } from "../../../src/consensus/sealed/Signer.ts"
import type { Target } from "../../../src/domain/Target.ts"
import { type FinalizeMessage, makeProposal } from "../../../src/domain/wire/Consensus.ts"
import type { Certificate, CertificateVote } from "../../../src/domain/wire/Seal.ts"
import { toWireTime } from "../../../src/domain/wire/WireTime.ts"

export const start = Date.parse("2026-04-21T08:00:00Z")

export const target: Target = {
  checkType: "endpoint",
  check: "wss",
  member: "Lagoon",
  domain: "rpc.example",
  endpoint: "wss://rpc.example/polkadot",
  ipv6: false
}

/** The Ed25519 key of a seed of 32 bytes, all with this value. */
export const keyOfSeed = (byte: number): Key => {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, byte)])
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" })
  return { publicKey: publicKeyText(privateKey), privateKey: Redacted.make(privateKey) }
}

export const monitors = ["m1", "m2", "m3", "m4", "m5"]

/** A monitor with IPv6 and a cheap key. */
export const member = (id: string, options: Partial<RosterMember> = {}): RosterMember => ({
  id,
  key: cheapSigner(id).publicKey,
  role: "IBPMonitor",
  ipv6: true,
  ...options
})

/** Five monitors, and a DNS node that holds a key and votes on nothing. Only the first three have IPv6. */
export const roster = (options: Partial<Roster> = {}): Roster => ({
  cluster: "test",
  epoch: 1,
  minEpoch: 1,
  members: [
    ...monitors.map((id, i) => member(id, { ipv6: i < 3 })),
    member("d1", { role: "IBPDns" })
  ],
  ...options
})

/** Rosters with cheap keys. */
export const rostersOf = (first: Roster = roster(), ...rest: ReadonlyArray<Roster>): Rosters =>
  Result.getOrThrowWith(
    Rosters.from([first, ...rest], { simulated: true }),
    (refusal) => new Error(JSON.stringify(refusal))
  )

export interface VoteOptions {
  readonly cluster?: string
  readonly epoch?: number
  readonly target?: Target
  readonly seq?: number
  readonly up?: boolean
  readonly at?: number
  readonly signer?: Signer["Service"]
}

/** A vote as it stands in a certificate, truly signed over what the options say. */
export const vote = (voter: string, options: VoteOptions = {}): CertificateVote => {
  const seq = options.seq ?? 1
  const observedAt = toWireTime(options.at ?? start)
  const bytes = voteBytes({
    cluster: options.cluster ?? "test",
    epoch: options.epoch ?? 1,
    voter,
    target: options.target ?? target,
    seq,
    up: options.up ?? statusOf(seq) ?? true,
    observedAt
  })
  return { voter, observedAt, sig: (options.signer ?? cheapSigner(voter)).sign(bytes) }
}

/** A certificate for a step, with true votes of these voters. */
export const certificate = (
  options: VoteOptions & { readonly voters?: ReadonlyArray<string>; readonly votes?: ReadonlyArray<CertificateVote> } =
    {}
): Certificate => ({
  cluster: options.cluster ?? "test",
  epoch: options.epoch ?? 1,
  T: options.target ?? target,
  seq: options.seq ?? 1,
  votes: options.votes ?? (options.voters ?? ["m1", "m2", "m3"]).map((voter) => vote(voter, options))
})

/** The decision that carries a certificate. */
export const decision = (
  carried: Certificate,
  options: { readonly passed?: boolean; readonly up?: boolean; readonly target?: Target } = {}
): FinalizeMessage => ({
  Proposal: makeProposal({
    id: "p-1",
    sender: "m1",
    target: options.target ?? carried.T,
    up: options.up ?? carried.seq % 2 === 0,
    error: "connection refused",
    data: null,
    at: start
  }),
  SenderNodeID: "m1",
  Passed: options.passed ?? true,
  DecidedAt: start,
  Certificate: carried
})
