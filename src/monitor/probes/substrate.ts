import { clip } from "../../domain/clip.ts"
import type { ExpectedNetwork } from "../PlannedTarget.ts"
import type { Trouble } from "./dial.ts"
import { answerTrouble, type RpcAnswer, valueOf } from "./JsonRpc.ts"

/** Storage keys: the names of pallet and item, hashed; the same on every chain that has them. */
const timestampNow = "0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb"
const systemNumber = "0x26aa394eea5630e07c48ae0c9558cef702a5c1b19ab7a04f536c519aca4983ac"

/** A call, by the name under which its answer is judged. */
export interface SubstrateCall {
  readonly method: string
  readonly params: ReadonlyArray<unknown>
}

/** What is asked first. */
export const firstCalls = {
  best: { method: "chain_getBlockHash", params: [] },
  genesis: { method: "chain_getBlockHash", params: [0] },
  first: { method: "chain_getBlockHash", params: [1] },
  chain: { method: "system_chain", params: [] },
  health: { method: "system_health", params: [] }
} as const satisfies Record<string, SubstrateCall>

/** What is asked when a hash is known. */
export const followUps = {
  best: { name: "time", method: "state_getStorage", params: (hash: string) => [timestampNow, hash] },
  genesis: { name: "genesisHeader", method: "chain_getHeader", params: (hash: string) => [hash] },
  first: { name: "archive", method: "state_getStorage", params: (hash: string) => [systemNumber, hash] }
} as const

/** The answers, by the names of the calls. What was not asked is missing. */
export type SubstrateAnswers =
  & Readonly<Record<keyof typeof firstCalls, RpcAnswer>>
  & { readonly [K in (typeof followUps)[keyof typeof followUps]["name"]]?: RpcAnswer | undefined }

/** What a member has to be. */
export interface SubstrateDemands {
  /** One of them; an empty list or name demands nothing. */
  readonly networks: ReadonlyArray<ExpectedNetwork>
  readonly minimumPeers: number
  /** Seconds; 0 for any age. */
  readonly maxBlockAge: number
  readonly archive: boolean
}

/** What was found: names as in v2, and ours. Null: not known. */
export interface SubstrateData {
  readonly Syncing: boolean | null
  /** Whether there are enough. */
  readonly Peers: boolean | null
  readonly PeerCount: number | null
  /** Whether it is the network that it should be. */
  readonly Network: boolean | null
  /** What it calls itself. */
  readonly Chain: string | null
  readonly Archive: boolean | null
  /** Seconds since the best block, by its own time and our clock. */
  readonly BlockAge: number | null
}

const isHash = (value: unknown): value is string => typeof value === "string" && /^0x[0-9a-f]{64}$/i.test(value)

/** The hash that an answer is; undefined for one that is none, about which nothing can be asked. */
export const hashIn = (answer: RpcAnswer): string | undefined => {
  const value = valueOf(answer)
  return isHash(value) ? value : undefined
}

/** A little-endian number in hex as storage has it; undefined for what is none. */
const storedNumber = (value: unknown): number | undefined => {
  if (typeof value !== "string" || !/^0x(?:[0-9a-f]{2}){1,8}$/i.test(value)) return undefined
  const bytes = Buffer.from(value.slice(2), "hex")
  const number = Number(Buffer.concat([bytes, Buffer.alloc(8 - bytes.length)]).readBigUInt64LE())
  return Number.isSafeInteger(number) ? number : undefined
}

const count = (value: unknown): number | undefined => {
  const number = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isSafeInteger(number) && number >= 0 ? number : undefined
}

const property = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Readonly<Record<string, unknown>>)[key]
    : undefined

const isSame = (a: string, b: string): boolean => a.trim().toLowerCase() === b.trim().toLowerCase()

const senseless = (method: string): Trouble => ({ up: false, error: `the answer to ${method} makes no sense` })

/** What the answers say about a member at a time (milliseconds since the epoch): what is wrong first, and all that is known. */
export const judgeSubstrate = (
  answers: SubstrateAnswers,
  { archive, maxBlockAge, minimumPeers, networks }: SubstrateDemands,
  now: number
): { readonly trouble: Trouble | undefined; readonly data: SubstrateData } => {
  const chain = valueOf(answers.chain)
  const health = valueOf(answers.health)
  const peers = count(property(health, "peers"))
  const syncing = property(health, "isSyncing")
  const stateRoot = property(valueOf(answers.genesisHeader), "stateRoot")
  const time = storedNumber(valueOf(answers.time))
  const named = networks.filter(({ name }) => name === "" || (typeof chain === "string" && isSame(chain, name)))
  const right = named.filter((network) =>
    network.stateRoot === "" || (typeof stateRoot === "string" && isSame(stateRoot, network.stateRoot))
  )
  const isRight = networks.length === 0 || right.length > 0
  const age = time === undefined ? undefined : Math.round((now - time) / 1_000)
  // A state that has been pruned is an error. Null is an answer: not every chain has the item
  const isArchive = answers.archive?._tag === "Value" ? true : answers.archive?._tag === "Refused" ? false : undefined

  const data: SubstrateData = {
    Syncing: typeof syncing === "boolean" ? syncing : null,
    Peers: peers === undefined ? null : peers >= minimumPeers,
    PeerCount: peers ?? null,
    Network: typeof chain === "string" && (isRight || stateRoot !== undefined || named.length === 0) ? isRight : null,
    Chain: typeof chain === "string" ? clip(chain, 100) : null,
    Archive: isArchive ?? null,
    BlockAge: age === undefined ? null : Math.max(0, age)
  }

  const find = (): Trouble | undefined => {
    for (const name of ["best", "genesis", "chain", "health"] as const) {
      const problem = answerTrouble(firstCalls[name].method, answers[name])
      if (problem !== undefined) return problem
    }
    if (hashIn(answers.best) === undefined || hashIn(answers.genesis) === undefined) {
      return senseless("chain_getBlockHash")
    }
    if (typeof chain !== "string") return senseless("system_chain")
    if (networks.length > 0 && named.length === 0) {
      return { up: false, error: `the chain is not ${networks.map(({ name }) => name).join(" or ")}` }
    }
    if (!isRight) {
      const problem = answers.genesisHeader && answerTrouble("chain_getHeader", answers.genesisHeader)
      if (problem !== undefined) return problem
      return typeof stateRoot === "string"
        ? { up: false, error: "the genesis block has another stateRoot than StateRootHash" }
        : senseless("chain_getHeader")
    }
    if (peers === undefined || typeof syncing !== "boolean") return senseless("system_health")
    if (syncing) return { up: false, error: "the node is syncing" }
    if (peers < minimumPeers) return { up: false, error: `fewer than ${minimumPeers} peers` }
    if (maxBlockAge > 0) {
      const problem = answers.time && answerTrouble("state_getStorage", answers.time)
      if (problem !== undefined) return problem
      if (age === undefined) {
        // Null: the chain has no such item, and a block no age
        if (valueOf(answers.time) !== null) return senseless("state_getStorage")
        if (hashIn(answers.best) === hashIn(answers.genesis)) {
          return { up: false, error: "the best block is the genesis block" }
        }
      } else if (Math.abs(age) > maxBlockAge) {
        const is = age > 0 ? "older than" : "in the future by more than"
        return { up: false, error: `the best block is ${is} ${maxBlockAge} s` }
      }
    }
    if (archive && isArchive !== true) {
      if (isArchive === false) return { up: false, error: "not an archive node: block 1 has no state any more" }
      const problem = answerTrouble("chain_getBlockHash", answers.first) ??
        (answers.archive && answerTrouble("state_getStorage", answers.archive))
      return problem ?? { up: false, error: "not an archive node: there is no block 1" }
    }
    return undefined
  }
  return { trouble: find(), data }
}
