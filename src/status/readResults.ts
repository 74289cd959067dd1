import type { Slices } from "../domain/Slices.ts"
import { type CheckType, type Target, type TargetKey, targetKey } from "../domain/Target.ts"

/** The status of one target as a monitor's `/results` tells it. */
export interface MonitorResult {
  readonly target: Target
  readonly up: boolean
  readonly error: string
  /** When it was decided, by the clock of the monitor, to the second; undefined when the monitor does not say. */
  readonly at: number | undefined
}

/** What a `/results` says. */
export interface MonitorResults {
  readonly results: ReadonlyMap<TargetKey, MonitorResult>
  /** Older monitors list only what is down, without saying so: what they do not list is up. */
  readonly onlyDown: boolean
  /** Rows that make no sense, and were left out. */
  readonly skipped: number
}

/** The results of one document; more are left out. */
export const maxResults = 65_536

const lists = [["SiteResults", "site"], ["DomainResults", "domain"], ["EndpointResults", "endpoint"]] as const

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Go writes an empty list as null. */
const listOf = (value: unknown): ReadonlyArray<unknown> | undefined =>
  value === undefined || value === null ? [] : Array.isArray(value) ? value : undefined

const nameOf = (value: unknown, max = 256): string | undefined =>
  typeof value === "string" && value !== "" && value.length <= max ? value : undefined

const timeOf = (value: unknown): number | undefined => {
  if (typeof value !== "string" || value.length > 40) return undefined
  const at = Date.parse(value)
  return at > 0 ? at : undefined
}

type Head = Omit<Target, "member">

/** What a group of results looks at. */
const headOf = (checkType: CheckType, group: Readonly<Record<string, unknown>>): Head | undefined => {
  const check = nameOf(group["CheckName"])
  const domain = checkType === "site" ? "" : nameOf(group["Domain"])
  const endpoint = checkType === "endpoint" ? nameOf(group["RpcUrl"], 2_048) : ""
  return check === undefined || domain === undefined || endpoint === undefined
    ? undefined
    : { checkType, check, domain, endpoint, ipv6: group["IsIPv6"] === true }
}

const rowOf = (head: Head, row: unknown, onlyDown: boolean): MonitorResult | undefined => {
  if (!isObject(row)) return undefined
  const member = nameOf(row["MemberName"])
  const { Checktime, ErrorText, IsIPv6, Status } = row
  if (member === undefined || !(typeof Status === "boolean" || (onlyDown && Status === undefined))) return undefined
  return {
    target: { ...head, member, ipv6: typeof IsIPv6 === "boolean" ? IsIPv6 : head.ipv6 },
    up: Status === true,
    error: typeof ErrorText === "string" ? ErrorText.slice(0, 256) : "",
    at: timeOf(Checktime)
  }
}

/** Rows that are read in one go. */
const slice = 500

/**
 * Reads the results of a monitor of v2 or of ours. Total: undefined when the text is no such document; rows that make no
 * sense are left out. Every 500 rows it stops, so that others get their turn. Of two rows for one target the later one counts, and of two of the same time, that it is down.
 */
export function* readingResults(text: string): Slices<MonitorResults | undefined> {
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    return undefined
  }
  if (!isObject(document) || !lists.some(([list]) => Object.hasOwn(document, list))) return undefined
  const rows: Array<{ readonly head: Head; readonly row: unknown }> = []
  let skipped = 0
  for (const [list, checkType] of lists) {
    const groups = listOf(document[list])
    if (groups === undefined) return undefined
    for (const group of groups) {
      const head = isObject(group) ? headOf(checkType, group) : undefined
      const inside = isObject(group) ? listOf(group["Results"]) : undefined
      if (head === undefined || inside === undefined) skipped++
      else for (const row of inside) rows.push({ head, row })
    }
  }
  const onlyDown = rows.length > 0 && rows.every(({ row }) => isObject(row) && !Object.hasOwn(row, "Status"))
  const results = new Map<TargetKey, MonitorResult>()
  let read = 0
  for (const { head, row } of rows) {
    if (++read % slice === 0) yield
    const result = rowOf(head, row, onlyDown)
    const key = result && targetKey(result.target)
    if (result === undefined || key === undefined || (results.size >= maxResults && !results.has(key))) {
      skipped++
      continue
    }
    const before = results.get(key)
    const later = (result.at ?? 0) - (before?.at ?? 0)
    if (before === undefined || later > 0 || (later === 0 && !result.up)) results.set(key, result)
  }
  return { results, onlyDown, skipped }
}

/** {@link readingResults} in one go. */
export const readResults = (text: string): MonitorResults | undefined => {
  const reading = readingResults(text)
  for (let step = reading.next();; step = reading.next()) if (step.done === true) return step.value
}
