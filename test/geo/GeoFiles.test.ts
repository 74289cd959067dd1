import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { GeoFiles, type Listing, type Opened } from "../../src/geo/GeoFiles.ts"
import type { GeoKind } from "../../src/geo/GeoKind.ts"
import { openMmdb } from "../../src/geo/MmdbFile.ts"
import { database } from "./provider.ts"

const good = (kind: GeoKind, builtAt: number): Opened => openMmdb(database(kind, 1, builtAt))

/** Looks at a directory where these files are, and gives those that it opened. `name: fingerprint`. */
const look = (
  files: GeoFiles,
  there: Readonly<Record<string, string>>,
  contents: Readonly<Record<string, Opened>>
): ReadonlyArray<string> => {
  const listing: Listing = new Map(Object.entries(there))
  const toOpen = files.toOpen(listing)
  files.take(listing, new Map(toOpen.map((name) => [name, contents[name]!])))
  return toOpen
}

const serving = (files: GeoFiles) => files.serving.map(([name, file]) => `${name} ${file.builtAt}`).sort()
const old = good("City", 1_000)
const newer = good("City", 2_000)
const newest = good("City", 3_000)
const broken: Opened = Result.fail("it is cut short")

describe("GeoFiles", () => {
  it("opens what changed, and nothing else", () => {
    const files = new GeoFiles()
    const contents = { "a.mmdb": old, "b.mmdb": good("ASN", 5_000) }
    assert.deepStrictEqual(look(files, { "a.mmdb": "1", "b.mmdb": "1" }, contents), ["a.mmdb", "b.mmdb"])
    assert.deepStrictEqual(look(files, { "a.mmdb": "1", "b.mmdb": "1" }, contents), [])
    assert.deepStrictEqual(look(files, { "a.mmdb": "2", "b.mmdb": "1" }, { "a.mmdb": newer }), ["a.mmdb"])
    assert.deepStrictEqual(serving(files), ["a.mmdb 2000", "b.mmdb 5000"])
    assert.deepStrictEqual([...files.problems], [])
  })

  it("keeps what a broken file said before", () => {
    const files = new GeoFiles()
    look(files, { "a.mmdb": "1" }, { "a.mmdb": newer })
    look(files, { "a.mmdb": "2" }, { "a.mmdb": broken })
    assert.deepStrictEqual(serving(files), ["a.mmdb 2000"])
    assert.include(files.problems.get("a.mmdb"), "what was there before still is: it is cut short")
    assert.deepStrictEqual(look(files, { "a.mmdb": "2" }, {}), [])
    look(files, { "a.mmdb": "3" }, { "a.mmdb": newest })
    assert.deepStrictEqual(serving(files), ["a.mmdb 3000"])
    assert.deepStrictEqual([...files.problems], [])
  })

  it("keeps what a file said that is gone, until there is another of its kind", () => {
    const files = new GeoFiles()
    look(files, { "a.mmdb": "1" }, { "a.mmdb": newer })
    look(files, {}, {})
    assert.deepStrictEqual(serving(files), ["a.mmdb 2000"])
    assert.include(files.problems.get("a.mmdb"), "is gone")
    look(files, { "b.mmdb": "1" }, { "b.mmdb": old })
    assert.deepStrictEqual(serving(files), ["b.mmdb 1000"])
    assert.deepStrictEqual([...files.problems], [])
  })

  it("opens a file again that was the older one and is needed now", () => {
    const files = new GeoFiles()
    look(files, { "a.mmdb": "1", "b.mmdb": "1" }, { "a.mmdb": newer, "b.mmdb": old })
    assert.deepStrictEqual(serving(files), ["a.mmdb 2000"])
    assert.deepStrictEqual(look(files, { "b.mmdb": "1" }, { "b.mmdb": old }), ["b.mmdb"])
    assert.deepStrictEqual(serving(files), ["b.mmdb 1000"])
    assert.deepStrictEqual([...files.problems], [])
  })

  it("knows a file that comes back for another", () => {
    const files = new GeoFiles()
    look(files, { "a.mmdb": "1" }, { "a.mmdb": newer })
    look(files, {}, {})
    assert.deepStrictEqual(look(files, { "a.mmdb": "2" }, { "a.mmdb": newest }), ["a.mmdb"])
    assert.deepStrictEqual(serving(files), ["a.mmdb 3000"])
  })

  it("has no use for some databases, and says nothing of them", () => {
    const files = new GeoFiles()
    look(files, { "a.mmdb": "1", "b.mmdb": "1" }, { "a.mmdb": Result.succeed(undefined), "b.mmdb": broken })
    assert.deepStrictEqual(serving(files), [])
    assert.deepStrictEqual([...files.problems.keys()], ["b.mmdb"])
    assert.include(files.problems.get("b.mmdb"), "is not used: it is cut short")
  })
})
