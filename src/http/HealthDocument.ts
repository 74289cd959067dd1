import type { Snapshot } from "../config/Snapshot.ts"
import type { ConsensusState } from "../consensus/Consensus.ts"
import { type DocumentKey, documentKeys } from "../domain/documents/Local.ts"
import type { NodeRole } from "../domain/wire/Cluster.ts"
import type { Condition } from "../node/Conditions.ts"
import { rfc3339 } from "./rfc3339.ts"
import { consensusStatus } from "./summarize.ts"

/** What `GET /health` answers. Times are RFC 3339, ages whole seconds. */
export interface HealthDocument {
  /** `degraded` when there is any condition. */
  readonly status: "ok" | "degraded"
  readonly node: {
    readonly id: string
    readonly role: NodeRole
    readonly boot: string
    readonly startedAt: string
    readonly uptime: number
    /** Of this software. */
    readonly version: string
    /** It takes part in nothing, and only compares. */
    readonly shadow: boolean
  }
  /** How it takes part in decisions, where it does. */
  readonly consensus?: {
    readonly mode: ConsensusState["mode"]
    /** Of the roster in use; missing without one. */
    readonly epoch?: number
    /** Whether its votes count. */
    readonly votes: boolean
  }
  readonly config: {
    readonly version: number
    readonly loadedAt: string
    readonly age: number
    /** Per document: the age of the copy in use, and why it is not the newest, if it is not. */
    readonly documents: Readonly<Record<DocumentKey, { readonly age: number; readonly problem?: string }>>
  }
  readonly conditions: ReadonlyArray<{ readonly name: string; readonly detail: string; readonly since: string }>
}

const seconds = (from: number, to: number): number => Math.max(0, Math.floor((to - from) / 1000))

/** What is degraded about a node and since when. Where documents come from is left out: a URL may hold a secret. */
export const healthDocument = (
  node: {
    readonly id: string
    readonly role: NodeRole
    readonly boot: string
    readonly startedAt: number
    readonly version: string
    readonly shadow: boolean
    readonly consensus?: ConsensusState | undefined
  },
  config: Pick<Snapshot, "version" | "loadedAt" | "documents">,
  conditions: ReadonlyArray<Condition>,
  now: number
): HealthDocument => ({
  status: conditions.length === 0 ? "ok" : "degraded",
  node: {
    id: node.id,
    role: node.role,
    boot: node.boot,
    startedAt: rfc3339(node.startedAt),
    uptime: seconds(node.startedAt, now),
    version: node.version,
    shadow: node.shadow
  },
  ...node.consensus !== undefined && { consensus: consensusStatus(node.consensus) },
  config: {
    version: config.version,
    loadedAt: rfc3339(config.loadedAt),
    age: seconds(config.loadedAt, now),
    documents: Object.fromEntries(documentKeys.map((key) => {
      const { loadedAt, problem } = config.documents[key]
      return [key, { age: seconds(loadedAt, now), ...problem !== undefined && { problem } }]
    })) as HealthDocument["config"]["documents"]
  },
  conditions: conditions.map(({ detail, name, since }) => ({ name, detail, since: rfc3339(since) }))
})
