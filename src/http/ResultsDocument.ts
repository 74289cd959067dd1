import type { CheckType, Target } from "../domain/Target.ts"
import { rfc3339Seconds } from "./rfc3339.ts"

/** The status of one target, official or local. `at` in milliseconds since the epoch. */
export interface TargetResult {
  readonly target: Target
  readonly up: boolean
  readonly error: string
  readonly data: unknown
  readonly at: number
}

/** One member in a group of results, as v2 writes it. */
export interface ResultRow {
  readonly Status: boolean
  readonly MemberName: string
  readonly ErrorText: string
  /** A map in Go: anything else would make the whole document unreadable there. */
  readonly Data: Readonly<Record<string, unknown>> | null
  readonly IsIPv6: boolean
  /** RFC 3339, whole seconds. */
  readonly Checktime: string
}

/** What `GET /results` answers, in the shape of v2. Lists are never null. */
export interface ResultsDocument {
  readonly SiteResults: ReadonlyArray<{
    readonly CheckName: string
    readonly IsIPv6: boolean
    readonly Results: ReadonlyArray<ResultRow>
  }>
  readonly DomainResults: ReadonlyArray<{
    readonly CheckName: string
    readonly Domain: string
    readonly IsIPv6: boolean
    readonly Results: ReadonlyArray<ResultRow>
  }>
  readonly EndpointResults: ReadonlyArray<{
    readonly CheckName: string
    readonly Domain: string
    readonly RpcUrl: string
    readonly IsIPv6: boolean
    readonly Results: ReadonlyArray<ResultRow>
  }>
}

const lists = [
  ["SiteResults", "site"],
  ["DomainResults", "domain"],
  ["EndpointResults", "endpoint"]
] as const

const headOf = (target: Target) => ({
  CheckName: target.check,
  ...target.checkType !== "site" && { Domain: target.domain },
  ...target.checkType === "endpoint" && { RpcUrl: target.endpoint },
  IsIPv6: target.ipv6
})

const dataOf = (data: unknown): ResultRow["Data"] =>
  typeof data === "object" && data !== null && !Array.isArray(data) ? data as Record<string, unknown> : null

const rowOf = (result: TargetResult): ResultRow => ({
  Status: result.up,
  MemberName: result.target.member,
  ErrorText: result.error,
  Data: dataOf(result.data),
  IsIPv6: result.target.ipv6,
  Checktime: rfc3339Seconds(result.at)
})

type Group = Array<TargetResult>

/** What is at `key`, made when it is not there yet. */
const at = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
  const there = map.get(key)
  if (there !== undefined) return there
  const made = make()
  map.set(key, made)
  return made
}

/** The results in groups of one check, domain, URL and IP version, by the type of check. */
const groupsOf = (results: Iterable<TargetResult>): Readonly<Record<CheckType, ReadonlyArray<Group>>> => {
  const groups: Record<CheckType, Array<Group>> = { site: [], domain: [], endpoint: [] }
  const index = new Map<string, Map<string, Map<string, Map<string, Group>>>>()
  for (const result of results) {
    const { check, checkType, domain, endpoint, ipv6 } = result.target
    const urls = at(at(index, check, () => new Map()), domain, () => new Map())
    at(at(urls, endpoint, () => new Map()), ipv6 ? `${checkType}6` : checkType, () => {
      const group: Group = []
      groups[checkType].push(group)
      return group
    }).push(result)
  }
  return groups
}

/** Characters after which a piece is handed over: writing one blocks for well under a millisecond. */
const pieceLength = 64 * 1024

/**
 * The results of v2 as JSON, in pieces: tens of thousands of targets are written without holding up anything else. The
 * pieces joined are a {@link ResultsDocument}.
 */
export function* resultsJson(results: Iterable<TargetResult>): Generator<string, void> {
  const groups = groupsOf(results)
  let piece = "{"
  for (const [list, checkType] of lists) {
    piece += `${piece === "{" ? "" : ","}"${list}":[`
    let between = ""
    for (const group of groups[checkType]) {
      const head = JSON.stringify(headOf(group[0]!.target))
      piece += `${between}${head.slice(0, -1)},"Results":[`
      between = ","
      let comma = ""
      for (const result of group) {
        piece += comma + JSON.stringify(rowOf(result))
        comma = ","
        if (piece.length >= pieceLength) {
          yield piece
          piece = ""
        }
      }
      piece += "]}"
    }
    piece += "]"
  }
  yield `${piece}}`
}
