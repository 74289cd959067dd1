import * as Equal from "effect/Equal"
import type { Local } from "../domain/documents/Local.ts"
import type { StaticDns } from "../domain/documents/StaticDns.ts"
import { atOnce, type Slices } from "../domain/Slices.ts"
import type { ConfigChange, KeyDiff, LocalSection, Snapshot } from "./Snapshot.ts"

/**
 * Whether two values hold the same. As `Equal`, which is several times slower on a document of a thousand members: it
 * hashes what it compares. What is no plain object or array, as a secret, knows itself what it equals.
 */
export const isSame = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, i) => isSame(item, b[i]))
  }
  if (!isPlain(a) || !isPlain(b)) return Equal.equals(a, b)
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]))
}

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Keys or records looked at before others have their turn: a millisecond or less. */
const sliceLength = 500

/** The keys that were added, removed, or have another value. Values are compared by what they hold. */
export const diffKeys = (
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>
): KeyDiff => atOnce(keysInSlices(before, after))

const none: KeyDiff = { added: [], removed: [], changed: [] }

const keysInSlices = function*(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>
): Slices<KeyDiff> {
  return before === after
    ? none
    : yield* entriesInSlices(new Map(Object.entries(before)), new Map(Object.entries(after)))
}

const entriesInSlices = function*(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>
): Slices<KeyDiff> {
  const added: Array<string> = []
  const removed: Array<string> = []
  const changed: Array<string> = []
  let looked = 0
  for (const [key, value] of after) {
    if (++looked % sliceLength === 0) yield
    if (!before.has(key)) added.push(key)
    else if (!isSame(before.get(key), value)) changed.push(key)
  }
  for (const key of before.keys()) {
    if (++looked % sliceLength === 0) yield
    if (!after.has(key)) removed.push(key)
  }
  return { added, removed, changed }
}

const isEmpty = (diff: KeyDiff): boolean => diff.added.length + diff.removed.length + diff.changed.length === 0

/** By the name of the check: what v2 knows of it and what our own settings add. */
const checksOf = ({ Checks, GeoDNS }: Local): Record<string, unknown> => {
  const checks = Object.groupBy(Checks, (check) => check.Name)
  return Object.fromEntries(
    Object.entries(checks).map(([name, entries]) => [
      name,
      { entries, settings: Object.hasOwn(GeoDNS.Checks, name) ? GeoDNS.Checks[name] : undefined }
    ])
  )
}

/** The settings by section, without the checks, which have a diff of their own. */
const sectionsOf = ({ Checks: _, GeoDNS, ...rest }: Local): Readonly<Record<LocalSection, unknown>> => {
  const {
    Agent,
    Alerts,
    Checks: _settings,
    Consensus,
    Dns,
    FlapDamping,
    GeoIp,
    Http,
    Nats,
    Outbound,
    Public,
    Sla,
    Steering,
    Store
  } = GeoDNS
  return {
    ...rest,
    "GeoDNS.Agent": Agent,
    "GeoDNS.Alerts": Alerts,
    "GeoDNS.Consensus": Consensus,
    "GeoDNS.Dns": Dns,
    "GeoDNS.FlapDamping": FlapDamping,
    "GeoDNS.GeoIp": GeoIp,
    "GeoDNS.Http": Http,
    "GeoDNS.Nats": Nats,
    "GeoDNS.Outbound": Outbound,
    "GeoDNS.Public": Public,
    "GeoDNS.Sla": Sla,
    "GeoDNS.Steering": Steering,
    "GeoDNS.Store": Store
  }
}

/** The sections of the local document that differ. */
const diffSections = (before: Local, after: Local): ReadonlyArray<LocalSection> =>
  before === after ? [] : diffKeys(sectionsOf(before), sectionsOf(after)).changed as ReadonlyArray<LocalSection>

/** Static records by their name, in lower case and without the last dot. */
const recordsOf = function*(records: StaticDns): Slices<ReadonlyMap<string, StaticDns>> {
  const byName = new Map<string, Array<StaticDns[number]>>()
  for (const [i, record] of records.entries()) {
    if (i % sliceLength === sliceLength - 1) yield
    const name = record.qname.toLowerCase().replace(/\.$/, "")
    const known = byName.get(name)
    if (known === undefined) byName.set(name, [record])
    else known.push(record)
  }
  return byName
}

/** Whether two lists of records hold the same, in the same order. */
const isSameRecords = function*(before: StaticDns, after: StaticDns): Slices<boolean> {
  if (before === after) return true
  if (before.length !== after.length) return false
  for (const [i, record] of before.entries()) {
    if (i % sliceLength === sliceLength - 1) yield
    if (!isSame(record, after[i])) return false
  }
  return true
}

/** How two versions differ. Documents may be large: it yields whenever a bounded amount of work is done. */
export const diffInSlices = function*(before: Snapshot, after: Snapshot): Slices<ConfigChange> {
  const sections = diffSections(before.local, after.local)
  const staticDns = !(yield* isSameRecords(before.staticDns, after.staticDns))
  return {
    before,
    after,
    members: yield* keysInSlices(before.members, after.members),
    services: yield* keysInSlices(before.services, after.services),
    checks: before.local === after.local
      ? none
      : yield* keysInSlices(checksOf(before.local), checksOf(after.local)),
    staticDns,
    staticNames: staticDns
      ? yield* entriesInSlices(yield* recordsOf(before.staticDns), yield* recordsOf(after.staticDns))
      : none,
    pricing: !isSame(before.pricing, after.pricing),
    requests: !isSame(before.requests, after.requests),
    alerts: !isSame(before.alerts, after.alerts),
    settings: sections.length > 0,
    sections
  }
}

/** Whether anything differs that a reader of the configuration could see. */
export const isChange = (change: ConfigChange): boolean =>
  change.staticDns || change.pricing || change.requests || change.alerts || change.settings ||
  ![change.members, change.services, change.checks].every(isEmpty)
