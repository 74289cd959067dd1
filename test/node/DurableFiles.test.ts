import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"
import { DurableFiles } from "../../src/node/DurableFiles.ts"
import { fileProblem } from "../../src/node/fileProblem.ts"
import { durableFilesConformance } from "./DurableFiles.conformance.ts"

const root = mkdtempSync(join(tmpdir(), "geodns-durable-"))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const newFolder = () => join(root, `${folders++}`)

describe("DurableFiles.layer", () => {
  durableFilesConformance(() => DurableFiles.layer(newFolder()))

  it.live("creates the folder, leaves no temporary file, and keeps others out", () =>
    Effect.gen(function*() {
      const folder = join(newFolder(), "deep", "er")
      yield* DurableFiles.use((files) => files.write("state.json", "x")).pipe(
        Effect.provide(DurableFiles.layer(folder))
      )
      assert.deepStrictEqual(readdirSync(folder), ["state.json"])
      assert.strictEqual(statSync(join(folder, "state.json")).mode & 0o077, 0)
    }))

  it.live("survives a restart", () =>
    Effect.gen(function*() {
      const folder = newFolder()
      yield* DurableFiles.use((files) => files.write("state.json", "kept")).pipe(
        Effect.provide(DurableFiles.layer(folder))
      )
      const content = yield* DurableFiles.use((files) => files.read("state.json")).pipe(
        Effect.provide(DurableFiles.layer(folder))
      )
      assert.deepStrictEqual(content, Option.some("kept"))
    }))

  it.live("a file in the way of the folder is an error that says so", () =>
    Effect.gen(function*() {
      const folder = newFolder()
      writeFileSync(folder, "a file")
      const error = yield* DurableFiles.use((files) => files.write("state.json", "x")).pipe(
        Effect.provide(DurableFiles.layer(join(folder, "work"))),
        Effect.flip
      )
      assert.strictEqual(error.operation, "write")
      assert.strictEqual(error.file, "state.json")
      assert.match(error.message, /a part of the path is a file/)
      assert.include(error.message, folder)
    }))

  it.live("a directory in the place of the file is an error, and its temporary file goes", () =>
    Effect.gen(function*() {
      const folder = newFolder()
      yield* Effect.gen(function*() {
        const files = yield* DurableFiles
        yield* files.write("other", "x")
        yield* DurableFiles.use((inner) => inner.write("x", "x")).pipe(
          Effect.provide(DurableFiles.layer(join(folder, "state.json")))
        )
        assert.strictEqual((yield* Effect.flip(files.read("state.json"))).operation, "read")
        assert.match((yield* Effect.flip(files.write("state.json", "x"))).message, /a directory has the name/)
      }).pipe(Effect.provide(DurableFiles.layer(folder)))
      assert.deepStrictEqual(readdirSync(folder).sort(), ["other", "state.json"])
    }))

  it.effect("a writer that is interrupted still finishes before the next one begins", () =>
    Effect.gen(function*() {
      const files = yield* DurableFiles
      const first = yield* Effect.forkChild(files.write("state.json", "a".repeat(5_000_000)), {
        startImmediately: true
      })
      yield* Effect.all([Fiber.interrupt(first), files.write("state.json", "second")], { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* files.read("state.json"), Option.some("second"))
    }).pipe(Effect.provide(DurableFiles.layer(newFolder()))))

  it.effect("temporary files of killed processes are removed once they are old", () =>
    Effect.gen(function*() {
      const folder = newFolder()
      yield* DurableFiles.use((files) => files.write("state.json", "x")).pipe(
        Effect.provide(DurableFiles.layer(folder))
      )
      const [old, young] = [".state.json.0123456789ab.tmp", ".state.json.ba9876543210.tmp"] as const
      for (const name of [old, young]) writeFileSync(join(folder, name), "part")
      const now = 1_700_000_000
      utimesSync(join(folder, old), now - 3600, now - 3600)
      utimesSync(join(folder, young), now - 5, now - 5)
      yield* TestClock.setTime(now * 1000)
      yield* DurableFiles.use((files) => files.read("state.json")).pipe(Effect.provide(DurableFiles.layer(folder)))
      assert.deepStrictEqual(readdirSync(folder).sort(), [young, "state.json"])
    }))

  it.live("a process killed at any moment leaves one whole version", () =>
    Effect.promise(async () => {
      const folder = newFolder()
      let last = -1
      for (let round = 0; round < 12; round++) {
        const child = spawn(process.execPath, [
          fileURLToPath(new URL("./killedWriter.ts", import.meta.url)),
          folder
        ], { stdio: ["ignore", "pipe", "inherit"] })
        await once(child.stdout, "data")
        await setTimeout(Math.random() * 40)
        child.kill("SIGKILL")
        await once(child, "exit")
        const content = await Effect.runPromise(
          DurableFiles.use((files) => files.read("state.json")).pipe(Effect.provide(DurableFiles.layer(folder)))
        )
        assert.isTrue(Option.isSome(content))
        const [n = "", body = ""] = Option.getOrThrow(content).split(":")
        last = Number(n)
        assert.strictEqual(body, String(last % 10).repeat(50_000 + (last % 7) * 40_000))
      }
      assert.isAtLeast(last, 0)
    }), 120_000)
})

describe("DurableFiles.layerMemory", () => {
  durableFilesConformance(() => DurableFiles.layerMemory)
})

describe("fileProblem", () => {
  const say = (code: string) =>
    fileProblem("write", "/work/state.json", Object.assign(new Error(`${code}: x`), { code }))

  it("says what to do", () => {
    assert.strictEqual(say("ENOSPC"), "cannot write /work/state.json: the disk is full: free some space (ENOSPC)")
    assert.match(say("EROFS"), /read-only: mount it writable/)
    assert.match(say("EACCES"), /must own the directory/)
    assert.match(say("EDQUOT"), /quota/)
    assert.match(say("EXDEV"), /EXDEV: x/)
    assert.strictEqual(fileProblem("read", "/a", "odd"), "cannot read /a: odd")
  })
})
