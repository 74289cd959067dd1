import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

/** A key that PowerDNS signs a zone with. */
export interface ZoneKey {
  /** 257 for a key that signs keys (and, when it is alone, all else), 256 for one that signs records. */
  readonly flags: number
  /** The private key in the format of BIND (`Private-key-format: …`). */
  readonly content: Redacted.Redacted<string>
}

const begin = /^Private-key-format:/m

const fields = ["Algorithm", "PrivateKey|Modulus"]

/**
 * Reads a file of private keys as `pdnsutil generate-zone-key` and `dnssec-keygen` write them, one after the other. A line
 * `Flags: 256` or `Flags: 257` before a key says what it signs; 257 when there is none. Fails with what is wrong, which
 * never holds a part of the file.
 */
export const readZoneKeys = (text: string): Result.Result<ReadonlyArray<ZoneKey>, string> => {
  const keys: Array<ZoneKey> = []
  // What comes before a key belongs to it, so that a file is cut where a key ends: before the next flags or key.
  const parts = text.split(/^(?=Flags:|Private-key-format:)/m)
  let flags = 257
  for (const part of parts) {
    const written = /^Flags:\s*(\S+)/.exec(part)?.[1]
    if (written !== undefined) {
      if (written !== "256" && written !== "257") return Result.fail("its flags are neither 256 nor 257")
      flags = Number(written)
    }
    if (!begin.test(part)) continue
    const missing = fields.find((field) => !new RegExp(`^(?:${field}):`, "m").test(part))
    if (missing !== undefined) return Result.fail(`a key in it has no line "${missing.split("|")[0]}: …"`)
    // PowerDNS takes its own lines only: comments and times of BIND (`Created: …`) go.
    const lines = part.split(/\r?\n/).map((line) => line.trim()).filter((line) =>
      /^[A-Za-z0-9-]+: /.test(line) &&
      !/^(?:Created|Publish|Activate|Inactive|Delete|SyncPublish|SyncDelete|Flags):/.test(line)
    )
    keys.push({ flags, content: Redacted.make(`${lines.join("\n")}\n`) })
    flags = 257
  }
  return keys.length === 0
    ? Result.fail('there is no key in it (no line "Private-key-format: …")')
    : Result.succeed(keys)
}
