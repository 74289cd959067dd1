import * as Equal from "effect/Equal"
import type { Local } from "../domain/documents/Local.ts"
import type { ConfigChange, KeyDiff, Snapshot } from "./Snapshot.ts"

/** The keys that were added, removed, or have another value. Values are compared by what they hold. */
export const diffKeys = (
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>
): KeyDiff => {
  if (before === after) return { added: [], removed: [], changed: [] }
  const old = Object.keys(before)
  const now = Object.keys(after)
  return {
    added: now.filter((key) => !Object.hasOwn(before, key)),
    removed: old.filter((key) => !Object.hasOwn(after, key)),
    changed: now.filter((key) => Object.hasOwn(before, key) && !Equal.equals(before[key], after[key]))
  }
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

const settingsOf = ({ Checks: _, GeoDNS, ...rest }: Local) => {
  const { Checks: _settings, ...others } = GeoDNS
  return { ...rest, GeoDNS: others }
}

/** How two versions differ. */
export const diffSnapshots = (before: Snapshot, after: Snapshot): ConfigChange => ({
  before,
  after,
  members: diffKeys(before.members, after.members),
  services: diffKeys(before.services, after.services),
  checks: before.local === after.local
    ? diffKeys({}, {})
    : diffKeys(checksOf(before.local), checksOf(after.local)),
  staticDns: !Equal.equals(before.staticDns, after.staticDns),
  pricing: !Equal.equals(before.pricing, after.pricing),
  requests: !Equal.equals(before.requests, after.requests),
  alerts: !Equal.equals(before.alerts, after.alerts),
  settings: before.local !== after.local && !Equal.equals(settingsOf(before.local), settingsOf(after.local))
})

/** Whether anything differs that a reader of the configuration could see. */
export const isChange = (change: ConfigChange): boolean =>
  change.staticDns || change.pricing || change.requests || change.alerts || change.settings ||
  ![change.members, change.services, change.checks].every(isEmpty)
