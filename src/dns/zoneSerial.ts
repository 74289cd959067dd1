import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import { hostName } from "../domain/Catalog.ts"
import type { ZoneSources } from "./ZoneData.ts"

/** The serial in use and a digest of the data that it stands for, as they are kept across restarts. */
export const ZoneVersion = Schema.Struct({
  serial: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff })),
  fingerprint: Schema.String
})
export type ZoneVersion = typeof ZoneVersion.Type

/** A digest of everything that zone data says, whatever order it comes in. */
export const zoneFingerprint = (sources: Omit<ZoneSources, "serial">): string => {
  const lines = [
    ...sources.records.map((record) => ["record", hostName(record.qname), record.qtype, record.content, record.ttl]),
    ...Object.entries(sources.zones).map(([name, zone]) => [
      "zone",
      hostName(name),
      zone.mname,
      zone.rname,
      zone.refresh,
      zone.retry,
      zone.expire,
      zone.minimum
    ]),
    ...sources.served.map((name) => ["served", name]),
    ...(sources.explained === true ? [["explained"]] : [])
  ].map((fields) => JSON.stringify(fields)).sort()
  return createHash("sha256").update(lines.join("\n")).digest("hex")
}

/**
 * The version of data: the one before when nothing changed, else its serial is the time in seconds, and more than the
 * one before whatever the clock says. `now` in milliseconds since the epoch.
 */
export const nextVersion = (before: ZoneVersion | undefined, fingerprint: string, now: number): ZoneVersion => {
  if (before?.fingerprint === fingerprint) return before
  const serial = Math.max(Math.floor(now / 1000), (before?.serial ?? 0) + 1)
  return { serial: Math.min(serial, 0xffffffff), fingerprint }
}
