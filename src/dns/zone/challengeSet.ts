import { challengeAddress } from "../challengeRecords.ts"
import type { Fetched, Negative } from "../ZoneData.ts"
import { type Row, setOf } from "./staticRecords.ts"
import type { ZoneBuild } from "./ZoneBuild.ts"

/** Addresses of ACME challenges that are read. */
const maxChallenges = 64

/** The longest TTL of a challenge, in seconds: the next one must not have to wait for the last. */
const challengeTtl = 60

/** What a TXT record says, its character-strings joined. */
const textOf = (data: Uint8Array): string => {
  let text = ""
  for (let at = 2; at < data.length; at += 1 + data[at]!) {
    text += Buffer.from(data.subarray(at + 1, at + 1 + data[at]!)).toString("latin1")
  }
  return text
}

/** Of a record at `_acme-challenge.*`, the address where the answer is to be found: it is not the answer. */
const addressIn = ({ data, name, type }: Row): string | undefined =>
  type === "TXT" && name.text.startsWith("_acme-challenge.") ? challengeAddress(textOf(data)) : undefined

/**
 * What is found at a name with addresses of challenges; undefined when these records have none. The addresses are added to
 * `challenges`, a bounded number of them.
 */
export const challengeSet = (
  build: ZoneBuild,
  challenges: Map<string, string>,
  nothing: Negative,
  rows: ReadonlyArray<Row>
): Fetched | undefined => {
  const found = rows.map((row) => ({ row, address: addressIn(row) }))
  if (found.every(({ address }) => address === undefined)) return undefined
  const addresses: Array<string> = []
  for (const { address, row: { name } } of found) {
    if (address === undefined) continue
    if (address === "") build.report(name.text, "TXT", "no http or https URL: a challenge is not read from there")
    else if (!challenges.has(address) && challenges.size >= maxChallenges) {
      build.report(name.text, "TXT", `challenges are read from ${maxChallenges} addresses at most`)
    } else {
      challenges.set(address, name.text)
      addresses.push(address)
    }
  }
  const set = setOf(rows)
  const data = found.flatMap(({ address, row }) => address === undefined ? [row.data] : [])
  return {
    _tag: "Fetched",
    account: build.account(),
    addresses,
    set: { ...set, ttl: Math.min(set.ttl, challengeTtl), data },
    nothing
  }
}
