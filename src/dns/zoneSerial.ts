import * as Schema from "effect/Schema"
import { hash } from "node:crypto"
import { isSame } from "../config/diff.ts"
import { hostName } from "../domain/Catalog.ts"
import { atOnce, type Slices } from "../domain/Slices.ts"
import type { ZoneSources } from "./ZoneData.ts"

/** The serial in use and a digest of the data that it stands for, as they are kept across restarts. */
export const ZoneVersion = Schema.Struct({
  serial: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff })),
  fingerprint: Schema.String
})
export type ZoneVersion = typeof ZoneVersion.Type

type Sources = Omit<ZoneSources, "serial">

/** Whether zone data of both is the same, as far as that is seen at once: a list of records is compared by identity. */
export const isSameSources = (a: Sources, b: Sources): boolean =>
  a.records === b.records && a.explained === b.explained && isSame(a.zones, b.zones) && isSame(a.served, b.served)

const factsOf = function*({ explained, records, served, zones }: Sources): Generator<ReadonlyArray<string | number>> {
  for (const { content, qname, qtype, ttl } of records) yield ["record", hostName(qname), qtype, content, ttl]
  for (const [name, { expire, minimum, mname, refresh, retry, rname }] of Object.entries(zones)) {
    yield ["zone", hostName(name), mname, rname, refresh, retry, expire, minimum]
  }
  for (const name of served) yield ["served", name]
  if (explained === true) yield ["explained"]
}

/** Facts taken in before others have their turn: a millisecond or two. */
const sliceLength = 250

/** At once; {@link fingerprintInSlices} gives way in between. */
export const zoneFingerprint = (sources: Sources): string => atOnce(fingerprintInSlices(sources))

/**
 * A digest of everything that zone data says, whatever order it comes in: the digests of all facts, added up. To sort the
 * facts instead could not give way.
 */
export const fingerprintInSlices = function*(sources: Sources): Slices<string> {
  const sum = new Uint32Array(8)
  let count = 0
  for (const fact of factsOf(sources)) {
    if (++count % sliceLength === 0) yield
    const digest = hash("sha256", JSON.stringify(fact), "buffer")
    for (let i = 0; i < sum.length; i++) sum[i]! += digest.readUInt32LE(i * 4)
  }
  return Buffer.from(sum.buffer).toString("hex")
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
