import * as Result from "effect/Result"

const blockSize = 512

/** Bytes of the extended header of an entry; those of archivers have some hundred. */
const maxExtended = 64 * 1024

/** Entries of an archive; those of providers have some four. */
const maxEntries = 256

/** Where an entry is read to. */
interface Entry {
  readonly use: "keep" | "skip" | "extend" | "extend all"
  /** Bytes that are still to come, and those that fill its last block. */
  left: number
  readonly padding: number
}

interface Extension {
  readonly path?: string | undefined
  readonly size?: number | undefined
}

const textOf = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0)
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("utf8")
}

/** An octal number, with blanks or zeros around; NaN when it is none. Nothing of ours needs the other forms. */
const octalOf = (bytes: Uint8Array): number => {
  const text = textOf(bytes).trim()
  return /^[0-7]{1,11}$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
}

/** The sum of all bytes of a header, those of the sum itself taken for blanks. */
const sumOf = (header: Uint8Array): number =>
  header.reduce((sum, byte, i) => sum + (i >= 148 && i < 156 ? 0x20 : byte), 0)

const isSafe = (path: string): boolean =>
  path !== "" && !/^[/\\]|^[A-Za-z]:|[\x00-\x1f\x7f\\]/.test(path) && !path.split("/").includes("..")

/** Records of an extended header (POSIX pax): `LENGTH KEY=VALUE\n`, the length being that of all of it. */
const readExtension = (bytes: Buffer): Result.Result<Extension, string> => {
  const broken = Result.fail("an extended header cannot be read")
  let extension: Extension = {}
  for (let at = 0; at < bytes.length;) {
    const blank = bytes.indexOf(0x20, at)
    const length = blank < 0 ? "" : bytes.toString("latin1", at, blank)
    const end = /^\d{1,6}$/.test(length) ? at + Number(length) : 0
    const equals = bytes.indexOf(0x3d, blank)
    if (end > bytes.length || equals < 0 || equals >= end || bytes[end - 1] !== 0x0a) return broken
    const key = bytes.toString("utf8", blank + 1, equals)
    const value = bytes.toString("utf8", equals + 1, end - 1)
    if (key.startsWith("GNU.sparse")) return Result.fail("it has a file with holes")
    if (key === "path") extension = { ...extension, path: value }
    else if (key === "size") {
      if (!/^\d{1,15}$/.test(value)) return broken
      extension = { ...extension, size: Number(value) }
    }
    at = end
  }
  return Result.succeed(extension)
}

/**
 * Finds the one database in a tar archive (ustar and pax), as the archive comes. Nothing is ever written where the archive
 * says: its names are only looked at. All the same an archive with links, devices, paths that lead out of it, or a second
 * database is refused as a whole: nobody who means well makes such a one.
 */
export class TarReader {
  readonly #header = new Uint8Array(blockSize)
  #headerLength = 0
  #entry: Entry | undefined
  #extended: Array<Uint8Array> = []
  #extension: Extension = {}
  #entries = 0
  #zeroBlocks = 0
  #found = false
  #failure: string | undefined

  /** Takes the next bytes of the archive. Gives the bytes of the database that are among them. */
  push(chunk: Uint8Array): Result.Result<ReadonlyArray<Uint8Array>, string> {
    const pieces: Array<Uint8Array> = []
    let at = 0
    while (at < chunk.length && this.#failure === undefined && this.#zeroBlocks < 2) {
      at += this.#entry === undefined ? this.#takeHeader(chunk, at) : this.#takeEntry(this.#entry, chunk, at, pieces)
    }
    return this.#failure === undefined ? Result.succeed(pieces) : Result.fail(this.#failure)
  }

  /** There is no more of it. Fails when it ended too early, or had no database. */
  end(): Result.Result<void, string> {
    return this.#failure !== undefined
      ? Result.fail(this.#failure)
      : this.#entry !== undefined || this.#headerLength > 0
      ? Result.fail("it is cut short")
      : !this.#found
      ? Result.fail("it has no *.mmdb file")
      : Result.void
  }

  #takeHeader(chunk: Uint8Array, at: number): number {
    const taken = Math.min(blockSize - this.#headerLength, chunk.length - at)
    this.#header.set(chunk.subarray(at, at + taken), this.#headerLength)
    this.#headerLength += taken
    if (this.#headerLength === blockSize) {
      this.#headerLength = 0
      const begun = this.#begin(this.#header)
      if (Result.isFailure(begun)) this.#failure = begun.failure
    }
    return taken
  }

  #takeEntry(entry: Entry, chunk: Uint8Array, at: number, pieces: Array<Uint8Array>): number {
    const taken = Math.min(entry.left, chunk.length - at)
    const content = Math.min(taken, Math.max(0, entry.left - entry.padding))
    if (content > 0 && entry.use === "keep") pieces.push(chunk.subarray(at, at + content))
    // A copy: the bytes that came may be used again for others.
    if (content > 0 && entry.use === "extend") this.#extended.push(chunk.slice(at, at + content))
    entry.left -= taken
    if (entry.left === 0) this.#finish(entry)
    return taken
  }

  #finish(entry: Entry): void {
    this.#entry = undefined
    if (entry.use !== "extend") return
    const extension = readExtension(Buffer.concat(this.#extended))
    this.#extended = []
    if (Result.isFailure(extension)) this.#failure = extension.failure
    else this.#extension = extension.success
  }

  #begin(header: Uint8Array): Result.Result<void, string> {
    if (header.every((byte) => byte === 0)) {
      this.#zeroBlocks++
      return Result.void
    }
    this.#zeroBlocks = 0
    if (octalOf(header.subarray(148, 156)) !== sumOf(header)) {
      return Result.fail("it is not a tar archive, or is damaged")
    }
    if (++this.#entries > maxEntries) return Result.fail(`it has more than ${maxEntries} entries`)
    const type = String.fromCharCode(header[156]!)
    const isExtended = type === "x" || type === "g"
    const extension = isExtended ? {} : this.#extension
    if (!isExtended) this.#extension = {}
    const prefix = textOf(header.subarray(345, 500))
    const name = textOf(header.subarray(0, 100))
    const path = extension.path ?? (prefix === "" || textOf(header.subarray(257, 263)) !== "ustar"
      ? name
      : `${prefix}/${name}`)
    const size = extension.size ?? octalOf(header.subarray(124, 136))
    if (!isSafe(path)) return Result.fail(`it has a path that leads out of it: ${JSON.stringify(path.slice(0, 100))}`)
    if (!Number.isSafeInteger(size)) return Result.fail("the size of an entry cannot be read")
    const use = this.#useOf(type, path, size)
    if (Result.isFailure(use)) return Result.fail(use.failure)
    const padding = (blockSize - size % blockSize) % blockSize
    if (size > 0) this.#entry = { use: use.success, left: size + padding, padding }
    return Result.void
  }

  #useOf(type: string, path: string, size: number): Result.Result<Entry["use"], string> {
    switch (type) {
      case "x":
        return size > maxExtended ? Result.fail("it has an extended header without measure") : Result.succeed("extend")
      case "g":
        return size > maxExtended
          ? Result.fail("it has an extended header without measure")
          : Result.succeed("extend all")
      case "5":
        return size === 0 ? Result.succeed("skip") : Result.fail("it has a folder with content")
      case "0":
      case "\0": {
        if (!path.endsWith(".mmdb")) return Result.succeed("skip")
        if (this.#found) return Result.fail("it has more than one *.mmdb file")
        this.#found = true
        return Result.succeed("keep")
      }
      default:
        return Result.fail(
          `it has something that is neither a file nor a folder: ${JSON.stringify(path.slice(0, 100))}`
        )
    }
  }
}
