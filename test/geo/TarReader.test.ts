import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import fc from "fast-check"
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { TarReader } from "../../src/geo/TarReader.ts"
import { tar, type TarEntry } from "./tar.ts"

/** Reads an archive in chunks of these sizes, the last one again and again. */
const read = (archive: Uint8Array, sizes: ReadonlyArray<number> = [archive.length]): Result.Result<Buffer, string> =>
  Result.gen(function*() {
    const reader = new TarReader()
    const pieces: Array<Uint8Array> = []
    for (let at = 0, i = 0; at < archive.length; i++) {
      const size = Math.max(1, sizes[Math.min(i, sizes.length - 1)]!)
      pieces.push(...yield* reader.push(archive.subarray(at, at + size)))
      at += size
    }
    yield* reader.end()
    return Buffer.concat(pieces)
  })

const content = Buffer.from(Array.from({ length: 3_000 }, (_, i) => i * 7 & 0xff))
const usual: ReadonlyArray<TarEntry> = [
  { name: "GeoLite2-City_20260301/", type: "5" },
  { name: "GeoLite2-City_20260301/LICENSE.txt", content: "a licence" },
  { name: "GeoLite2-City_20260301/GeoLite2-City.mmdb", content },
  { name: "GeoLite2-City_20260301/README.txt", content: "x".repeat(512) }
]

const refusal = (entries: ReadonlyArray<TarEntry>): string => Result.getOrThrow(Result.flip(read(tar(entries))))

describe("TarReader", () => {
  it("finds the database, however the archive comes", () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1 }), (sizes) => {
      assert.isTrue(content.equals(Result.getOrThrow(read(tar(usual), sizes))))
    }))
  })

  it("reads what tar writes", (test) => {
    const folder = mkdtempSync(join(tmpdir(), "geodns-tar-"))
    test.onTestFinished(() => rmSync(folder, { recursive: true }))
    // Longer than the name in a header: these formats have different ways for that.
    const long = `${"x".repeat(70)}/${"y".repeat(70)}`
    mkdirSync(join(folder, long), { recursive: true })
    writeFileSync(join(folder, long, "COPYRIGHT.txt"), "a copyright")
    writeFileSync(join(folder, long, "City.mmdb"), content)
    for (const [format, from] of [["ustar", "."], ["pax", "."], ["gnu", long]] as const) {
      execFileSync("tar", [
        `--format=${format}`,
        "-C",
        from,
        "-cf",
        join(folder, "archive.tar"),
        "--exclude=*.tar",
        "."
      ], {
        cwd: folder
      })
      const archive = readFileSync(join(folder, "archive.tar"))
      assert.isTrue(content.equals(Result.getOrThrow(read(archive, [700]))), format)
    }
  })

  it.each([
    ["a path that leads out", [{ name: "../../etc/City.mmdb", content }], "leads out"],
    ["a path that leads out in its middle", [{ name: "a/../../City.mmdb", content }], "leads out"],
    ["an absolute path", [{ name: "/etc/City.mmdb", content }], "leads out"],
    ["a path of Windows", [{ name: "C:\\City.mmdb", content }], "leads out"],
    ["a bad path beside a good one", [...usual, { name: "../x", content: "x" }], "leads out"],
    ["a symbolic link", [{ name: "City.mmdb", type: "2", link: "/etc/passwd" }], "neither a file nor a folder"],
    ["a hard link", [{ name: "City.mmdb", type: "1", link: "/etc/passwd" }], "neither a file nor a folder"],
    ["a link beside the database", [...usual, { name: "x", type: "2", link: "/" }], "neither a file nor a folder"],
    ["a device", [{ name: "City.mmdb", type: "3" }], "neither a file nor a folder"],
    ["two databases", [...usual, { name: "b.mmdb", content }], "more than one"],
    ["no database", [usual[0]!, usual[1]!], "no *.mmdb file"],
    ["a path that leads out in an extended header", [
      { name: "x", type: "x", content: "21 path=../City.mmdb\n" },
      { name: "City.mmdb", content }
    ], "leads out"],
    ["an extended header that lies about its length", [
      { name: "x", type: "x", content: "99 path=City.mmdb\n" },
      { name: "City.mmdb", content }
    ], "extended header cannot be read"],
    ["an extended header without measure", [
      { name: "x", type: "x", content: Buffer.alloc(70_000) },
      { name: "City.mmdb", content }
    ], "without measure"],
    ["more entries than anybody needs", Array.from({ length: 300 }, (_, i) => ({ name: `f${i}` })), "entries"]
  ])("refuses %s", (_, entries, said) => {
    assert.include(refusal(entries), said)
  })

  it("says when it is cut short, or is no archive", () => {
    const archive = tar(usual)
    for (const length of [100, 512, 1_100, 3_000, 4_000]) {
      assert.match(Result.getOrThrow(Result.flip(read(archive.subarray(0, length)))), /cut short|no \*\.mmdb/)
    }
    assert.include(Result.getOrThrow(Result.flip(read(Buffer.alloc(2_048, "<html>")))), "not a tar archive")
  })

  it("gives a reason or what was in the archive, whatever is damaged, and never more than came", () => {
    const good = tar([{ name: "x", type: "x", content: "18 path=City.mmdb\n" }, { name: "short", content }])
    const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 })
    const outcomes = new Set<string>()
    fc.assert(
      fc.property(damage, fc.boolean(), fc.nat(good.length), (changes, repair, length) => {
        const archive = Buffer.from(good)
        for (const [at, byte] of changes) archive[at] = byte
        if (repair) { for (const at of [0, 1024]) sign(archive.subarray(at, at + 512)) }
        const result = read(archive.subarray(0, repair ? undefined : length), [333])
        outcomes.add(result._tag)
        if (Result.isFailure(result)) assert.isNotEmpty(result.failure)
        else assert.isAtMost(result.success.length, archive.length)
      }),
      { numRuns: 5_000 }
    )
    assert.deepStrictEqual([...outcomes].sort(), ["Failure", "Success"])
  })
})

/** Makes the checksum of a header right. */
const sign = (header: Buffer): void => {
  header.write("        ", 148)
  header.write(`${header.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148)
}
