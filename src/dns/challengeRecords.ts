import * as Result from "effect/Result"
import { allowedNetworks } from "../config/outbound.ts"
import type { Local } from "../domain/documents/Local.ts"
import type { RecordSet } from "./encodeResponse.ts"
import { readRecordData } from "./RecordData.ts"
import type { Fetched } from "./ZoneData.ts"

/** The most that what is behind the address of a challenge may have, in bytes. */
export const maxChallengeBytes = 4096

/**
 * How what is behind the address of a challenge is read. It stands in a shared document, whoever wrote that: only the internet,
 * and what the operator allows, is reached for it, and only the host that it names.
 */
export const challengeReading = ({ GeoDNS: { Outbound } }: Local) => ({
  limit: maxChallengeBytes,
  sameHost: true,
  reach: allowedNetworks(Outbound.Allow)
})

/** As many values of challenges as one address may give. */
const maxValues = 8

/** Printable, without spaces: a page that says that something is wrong is not taken for a challenge. */
const value = /^[\x21-\x3b\x3d\x3f-\x7e]{1,255}$/

/** The address in the text of a TXT record; undefined when it holds none, and `""` when it is one that cannot be used. */
export const challengeAddress = (text: string): string | undefined => {
  const trimmed = text.trim()
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed)) return undefined
  return /^https?:\/\//i.test(trimmed) && URL.canParse(trimmed) ? new URL(trimmed).href : ""
}

/**
 * What an address of challenges gave, as the data of TXT records: a value a line, empty lines left out. Undefined when it is
 * something else.
 */
export const readChallenges = (body: string): ReadonlyArray<Uint8Array> | undefined => {
  const lines = body.split("\n").map((line) => line.trim()).filter((line) => line !== "")
  if (lines.length > maxValues || !lines.every((line) => value.test(line))) return undefined
  const data = lines.map((line) => readRecordData("TXT", `"${line.replaceAll(/["\\]/g, "\\$&")}"`))
  return data.every(Result.isSuccess) ? data.map((one) => one.success) : undefined
}

/**
 * The records of now, what is written before what was fetched; none at all when there is nothing. Undefined as long as an
 * address could not be read. `data` as `AcmeChallenges.data`.
 */
export const fetchedSet = (
  { addresses, set }: Fetched,
  data: (address: string) => ReadonlyArray<Uint8Array> | undefined
): RecordSet | undefined => {
  const all = [...set.data]
  for (const address of addresses) {
    const there = data(address)
    if (there === undefined) return undefined
    all.push(...there)
  }
  return { ...set, data: all }
}
