import * as Result from "effect/Result"
import type { GeoKind } from "./GeoKind.ts"
import type { MmdbFile } from "./MmdbFile.ts"

/** What opening a file gave: none is a good database of a kind that we have no use for. */
export type Opened = Result.Result<MmdbFile | undefined, string>

/** The names of database files, and what tells each from what was there before. */
export type Listing = ReadonlyMap<string, string>

interface Known {
  readonly name: string
  readonly fingerprint: string
  /** What was good last, whatever is there now. */
  readonly good: Pick<MmdbFile, "kind" | "builtAt"> | undefined
  /** The same, as long as it serves. */
  readonly file: MmdbFile | undefined
  readonly problem: string | undefined
}

/** Of each kind the newest. */
const newest = (all: Iterable<Known>): Map<GeoKind, Known> => {
  const found = new Map<GeoKind, Known>()
  for (const known of all) {
    if (known.good === undefined) continue
    const there = found.get(known.good.kind)?.good
    if (there === undefined || known.good.builtAt > there.builtAt) found.set(known.good.kind, known)
  }
  return found
}

/**
 * Which files of a directory serve. Of two of a kind it is the newer; only those that serve are held. A file that is broken
 * or gone costs nothing that runs: what it said before serves on; where it is gone, until there is another of its kind.
 */
export class GeoFiles {
  readonly #known = new Map<string, Known>()
  #listing: Listing = new Map()

  /** The files that are to be opened: new ones, those that are not what they were, and those that are needed again. */
  toOpen(listing: Listing): ReadonlyArray<string> {
    const same = [...this.#known.values()].filter(({ fingerprint, name }) => listing.get(name) === fingerprint)
    const settled = new Set(same.map(({ name }) => name))
    for (const { file, name } of newest(same).values()) if (file === undefined) settled.delete(name)
    return [...listing.keys()].filter((name) => !settled.has(name))
  }

  /** Takes what is there now, and what became of opening files of it. */
  take(listing: Listing, opened: ReadonlyMap<string, Opened>): void {
    this.#listing = listing
    for (const [name, result] of opened) {
      const before = this.#known.get(name)
      const fingerprint = listing.get(name) ?? ""
      this.#known.set(
        name,
        Result.isSuccess(result)
          ? { name, fingerprint, good: result.success, file: result.success, problem: undefined }
          : { name, fingerprint, good: before?.file, file: before?.file, problem: result.failure }
      )
    }
    const serving = new Set(this.#serving())
    for (const known of this.#known.values()) {
      if (serving.has(known)) continue
      if (listing.has(known.name)) this.#known.set(known.name, { ...known, file: undefined })
      else this.#known.delete(known.name)
    }
  }

  #serving(): ReadonlyArray<Known> {
    const all = [...this.#known.values()].filter(({ file }) => file !== undefined)
    const gone = newest(all.filter(({ name }) => !this.#listing.has(name)))
    return [...new Map([...gone, ...newest(all.filter(({ name }) => this.#listing.has(name)))]).values()]
  }

  /** The files that serve, by their names. */
  get serving(): ReadonlyArray<readonly [name: string, file: MmdbFile]> {
    return this.#serving().flatMap(({ file, name }) => file === undefined ? [] : [[name, file] as const])
  }

  /** What is wrong with which file, what that costs, and what to do. */
  get problems(): ReadonlyMap<string, string> {
    const problems = new Map<string, string>()
    for (const { file, name, problem } of this.#known.values()) {
      if (!this.#listing.has(name)) {
        problems.set(name, "is gone; what it said is in use until this node ends. Put it back, or another of its kind.")
      } else if (problem !== undefined) {
        const cost = file === undefined ? "is not used" : "is not used, what was there before still is"
        problems.set(name, `${cost}: ${problem}. Replace it, or remove it.`)
      }
    }
    return problems
  }
}
