import { crc32 } from "node:zlib"

/**
 * Records as lines of a file: eight hex digits of CRC-32, a space, the record, a line feed. What was cut off, overwritten
 * or never reached the disk is found by its checksum, and the next line is read as if nothing had been.
 */
export const encodeRecords = (records: ReadonlyArray<string>): Buffer =>
  Buffer.from(records.map((record) => `${checksum(record)} ${record}\n`).join(""))

const checksum = (record: string | Uint8Array): string => crc32(record).toString(16).padStart(8, "0")

/** Longer lines are damage: no record is. */
const maxLine = 16 * 1024 * 1024

const lineFeed = 0x0a
const nothing = Buffer.alloc(0)

/** Takes the bytes of a file in pieces and gives back its records. Total: whatever comes in, nothing is thrown. */
export class RecordReader {
  #rest: Buffer = nothing
  #damaged = 0
  #isSkipping = false

  /** The records that are complete with these bytes. */
  push(bytes: Buffer): Array<string> {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const records: Array<string> = []
    let start = 0
    for (let end = all.indexOf(lineFeed); end >= 0; end = all.indexOf(lineFeed, start)) {
      const record = this.#isSkipping ? undefined : decodeLine(all.subarray(start, end))
      if (record !== undefined) records.push(record)
      else if (!this.#isSkipping) this.#damaged += 1
      this.#isSkipping = false
      start = end + 1
    }
    // A copy, so that a few bytes do not keep the whole piece.
    this.#rest = Buffer.from(all.subarray(start))
    if (this.#rest.length > maxLine) {
      if (!this.#isSkipping) this.#damaged += 1
      this.#isSkipping = true
      this.#rest = nothing
    }
    return records
  }

  /** How many lines so far were no record. */
  get damaged(): number {
    return this.#damaged
  }

  /** Bytes behind the last line feed: the torn end of a write that was cut off, if nothing follows. */
  get torn(): number {
    return this.#rest.length
  }
}

const decodeLine = (line: Buffer): string | undefined => {
  if (line.length < 9 || line[8] !== 0x20) return undefined
  const body = line.subarray(9)
  return line.toString("latin1", 0, 8) === checksum(body) ? body.toString("utf8") : undefined
}
