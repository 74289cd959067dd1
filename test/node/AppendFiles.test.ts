import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { spawn } from "node:child_process"
import { once } from "node:events"
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"
import { AppendFiles } from "../../src/node/AppendFiles.ts"
import { MemoryDisk } from "../../src/node/MemoryDisk.ts"
import { appendFilesConformance } from "./AppendFiles.conformance.ts"

const root = mkdtempSync(join(tmpdir(), "geodns-append-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))
const newFolder = () => mkdtempSync(join(root, "x-"))

const read = (folder: string) =>
  Effect.flatMap(AppendFiles, (files) => Stream.runCollect(files.read("a.log"))).pipe(
    Effect.provide(AppendFiles.layer(folder))
  )
const append = (folder: string, ...texts: ReadonlyArray<string>) =>
  Effect.flatMap(AppendFiles, (files) => Effect.flatMap(files.open("a.log"), (file) => file.append(texts))).pipe(
    Effect.scoped,
    Effect.provide(AppendFiles.layer(folder))
  )

describe("AppendFiles.layer", () => {
  appendFilesConformance(() => AppendFiles.layer(join(newFolder(), "made", "when", "needed")))

  it.effect("cuts a torn end off when it is opened, and leaves it out before", () =>
    Effect.gen(function*() {
      const folder = newFolder()
      const path = join(folder, "a.log")
      yield* append(folder, "one", "x".repeat(200_000), "three")
      truncateSync(path, statSync(path).size - 3)
      assert.deepStrictEqual((yield* read(folder)).map((it) => it.length), [3, 200_000])
      yield* append(folder, "four")
      assert.deepStrictEqual((yield* read(folder)).map((it) => it.length), [3, 200_000, 4])
      // Torn within the longest record, and within the first.
      truncateSync(path, 100_000)
      yield* append(folder, "five")
      assert.deepStrictEqual(yield* read(folder), ["one", "five"])
      truncateSync(path, 4)
      yield* append(folder, "six")
      assert.deepStrictEqual(yield* read(folder), ["six"])
    }))

  it.effect("leaves damaged records out, and reads on behind them", () =>
    Effect.gen(function*() {
      const folder = newFolder()
      const path = join(folder, "a.log")
      yield* append(folder, "one", "two", "three")
      const bytes = readFileSync(path)
      bytes[bytes.indexOf("two")]! ^= 0x20
      writeFileSync(path, bytes)
      assert.deepStrictEqual(yield* read(folder), ["one", "three"])
      appendFileSync(path, Buffer.alloc(5000))
      assert.deepStrictEqual(yield* read(folder), ["one", "three"])
    }))

  it.effect("a write that fails leaves nothing, and says what to do", () =>
    Effect.gen(function*() {
      if (!existsSync("/dev/full")) return
      const folder = newFolder()
      symlinkSync("/dev/full", join(folder, "a.log"))
      const error = yield* Effect.flip(append(folder, "one"))
      assert.include(error.message, "the disk is full: free some space (ENOSPC)")
    }))

  it.live("what was appended is there after kill -9, and nothing is half there", () =>
    Effect.promise(async () => {
      const folder = newFolder()
      for (let round = 0; round < 8; round++) {
        const child = spawn(process.execPath, [
          fileURLToPath(new URL("./killedAppender.ts", import.meta.url)),
          folder
        ], { stdio: ["ignore", "pipe", "inherit"] })
        let said = ""
        child.stdout.on("data", (data) => said += data)
        await once(child.stdout, "data")
        await setTimeout(Math.random() * 40)
        child.kill("SIGKILL")
        await once(child, "close")
        // The last number that came through whole; between them it may tell of a torn end that it cut off.
        const numbers = said.slice(0, said.lastIndexOf("\n")).split("\n").filter((line) => /^\d+$/.test(line))
        const last = Number(numbers.at(-1) ?? -1)
        const records = await Effect.runPromise(read(folder))
        assert.deepStrictEqual(records.map((record) => Number(record.split(" ")[0])), records.map((_, i) => i))
        assert.isAtLeast(records.length, last + 1)
      }
    }), 120_000)
})

describe("AppendFiles.layerMemory", () => {
  appendFilesConformance(() => AppendFiles.layerMemory)
})

describe("MemoryDisk", () => {
  it.effect("takes nothing while it is full, and loses what was not synced with the power", () =>
    Effect.gen(function*() {
      const disk = yield* MemoryDisk
      const files = yield* AppendFiles
      const file = yield* files.open("a.log")
      yield* files.lock("a.lock", "test")
      yield* file.append(["one"])
      yield* file.sync
      yield* file.append(["two"])
      yield* disk.setFull(true)
      assert.include((yield* Effect.flip(file.append(["three"]))).message, "the disk is full")
      yield* disk.setFull(false)
      const all = Stream.runCollect(files.read("a.log"))
      assert.deepStrictEqual(yield* all, ["one", "two"])
      yield* disk.crash({ power: false })
      assert.deepStrictEqual(yield* all, ["one", "two"])
      yield* disk.crash({ power: true })
      assert.deepStrictEqual(yield* all, ["one"])
      yield* Effect.flip(file.append(["from the dead"]))
      yield* Effect.scoped(files.lock("a.lock", "next"))
    }).pipe(Effect.scoped, Effect.provide(AppendFiles.layerDisk.pipe(Layer.provideMerge(MemoryDisk.layer)))))
})
