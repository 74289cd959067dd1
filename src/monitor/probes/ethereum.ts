import type { ExpectedNetwork } from "../PlannedTarget.ts"
import type { Trouble } from "./dial.ts"
import { answerTrouble, type RpcAnswer, valueOf } from "./JsonRpc.ts"

/** What is asked, in this order. */
export const ethereumCalls = ["eth_chainId", "eth_blockNumber", "net_version", "eth_syncing"] as const
type EthereumCall = (typeof ethereumCalls)[number]

/** The answers. What was not asked, because the connection was lost before, is missing. */
export type EthereumAnswers = { readonly [K in EthereumCall]?: RpcAnswer | undefined }

/** What was found, with the names of v2. Null: not known. */
export interface EthereumData {
  readonly chainId: string | null
  readonly chainIdDec: number | null
  readonly blockNumber: string | null
  readonly netVersion: string | null
  readonly syncing: boolean | null
  /** The network that is expected. */
  readonly network: string
}

const text = (answer: RpcAnswer | undefined): string | undefined => {
  const value = valueOf(answer)
  const known = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value
  return typeof known === "string" && known.trim() !== "" && known.length <= 100 ? known.trim() : undefined
}

/** A whole number in decimal or, with `0x`, in hex. */
const wholeNumber = (value: string | undefined): bigint | undefined =>
  value !== undefined && /^(?:0x[0-9a-f]{1,64}|\d{1,78})$/i.test(value) ? BigInt(value) : undefined

/** Whether a network that is named by its number, in hex or decimal, or as `net_version` says it, is this one. */
export const isNetwork = (name: string, chainId: string | undefined, netVersion: string | undefined): boolean => {
  const wanted = name.trim().toLowerCase()
  if (wanted === "") return true
  const number = wholeNumber(wanted)
  return netVersion?.toLowerCase() === wanted || chainId?.toLowerCase() === wanted ||
    (number !== undefined && wholeNumber(chainId) === number)
}

/** The number of the best block, if that was answered. */
export const heightOf = ({ eth_blockNumber }: EthereumAnswers): bigint | undefined => wholeNumber(text(eth_blockNumber))

/** What the answers say about a member: what is wrong first, and all that is known. `risen`: see `Heights`. */
export const judgeEthereum = (
  answers: EthereumAnswers,
  networks: ReadonlyArray<ExpectedNetwork>,
  maxBlockAge: number,
  hasRisen: boolean
): { readonly trouble: Trouble | undefined; readonly data: EthereumData } => {
  const [chainId, netVersion] = [text(answers.eth_chainId), text(answers.net_version)]
  const syncing = valueOf(answers.eth_syncing)
  const isSyncing = typeof syncing === "boolean"
    ? syncing
    : syncing !== null && typeof syncing === "object" || undefined
  const number = wholeNumber(chainId)
  const names = networks.map(({ name }) => name)
  const data: EthereumData = {
    chainId: chainId ?? null,
    chainIdDec: number !== undefined && number <= Number.MAX_SAFE_INTEGER ? Number(number) : null,
    blockNumber: text(answers.eth_blockNumber) ?? null,
    netVersion: netVersion ?? null,
    syncing: isSyncing ?? null,
    network: names.join(" or ")
  }
  const find = (): Trouble | undefined => {
    for (const method of ethereumCalls) {
      const answer = answers[method]
      const problem = answer === undefined ? undefined : answerTrouble(method, answer)
      if (problem !== undefined) return problem
      const isSensible = method === "eth_syncing"
        ? isSyncing !== undefined
        : method === "net_version"
        ? netVersion !== undefined
        : wholeNumber(text(answer)) !== undefined
      if (!isSensible) return { up: false, error: `the answer to ${method} makes no sense` }
    }
    if (isSyncing === true) return { up: false, error: "the node is syncing" }
    if (names.length > 0 && !names.some((name) => isNetwork(name, chainId, netVersion))) {
      return { up: false, error: `the network is not ${names.join(" or ")}` }
    }
    return hasRisen ? undefined : { up: false, error: `the block number has not risen for ${maxBlockAge} s` }
  }
  return { trouble: find(), data }
}
