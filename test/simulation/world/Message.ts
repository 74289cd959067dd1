import type { Target, TargetKey } from "../../../src/domain/Target.ts"
import type { NodeInfo } from "../../../src/domain/wire/Cluster.ts"
import type { FinalizeMessage, Proposal, Vote } from "../../../src/domain/wire/Consensus.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import type { OfficialEntry } from "../../../src/status/OfficialTable.ts"

/** What goes over the simulated bus. Nodes share it, and nobody changes it. */
export type Message =
  | { readonly subject: "propose"; readonly proposal: Proposal }
  | { readonly subject: "vote"; readonly vote: Vote }
  | { readonly subject: "decision"; readonly message: FinalizeMessage }
  | { readonly subject: "certificate"; readonly certificate: Certificate }
  /** Who is further on a target: `geodns.v1.certificates`. */
  | { readonly subject: "fetch"; readonly target: Target; readonly key: TargetKey }
  | { readonly subject: "join"; readonly info: NodeInfo }
  /** What the sender holds for official, summed up, as nodes tell each other once a minute. */
  | { readonly subject: "digest"; readonly digest: string }
  /** The same, and the question for what is different. */
  | { readonly subject: "ask"; readonly digest: string }
  | {
    readonly subject: "answer"
    readonly entries: ReadonlyArray<OfficialEntry>
    readonly certificates: ReadonlyArray<Certificate>
  }
