import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { spawn } from "node:child_process"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { OutageStore, Store, UsageStore } from "../../src/store/index.ts"
import { temporaryFolder } from "./databases.ts"
import { march } from "./samples.ts"

const program = new URL("./writer.child.ts", import.meta.url).pathname

/** Runs the writer until it has acknowledged so much, kills it without warning, and gives what it acknowledged last. */
const writeAndKill = (filename: string, acknowledged: number): Effect.Effect<number, Error> =>
  Effect.callback((resume) => {
    const child = spawn(process.execPath, [program, filename], { stdio: ["ignore", "pipe", "pipe"] })
    let out = ""
    let complaint = ""
    child.stderr.on("data", (data) => complaint += data)
    child.stdout.on("data", (data) => {
      out += data
      if (out.split("\n").length > acknowledged) child.kill("SIGKILL")
    })
    child.on("close", (_, signal) => {
      const last = Number(out.split("\n").at(-2))
      resume(signal === "SIGKILL" ? Effect.succeed(last) : Effect.fail(new Error(`the writer ended: ${complaint}`)))
    })
    return Effect.sync(() => child.kill("SIGKILL"))
  })

describe("a store on file", () => {
  it.live("keeps everything that it acknowledged before kill -9, again and again", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryFolder, "geodns.db")
      for (const acknowledged of [1, 60, 90]) {
        const last = yield* writeAndKill(filename, acknowledged)
        assert.isAtLeast(last, acknowledged)
        const database = new DatabaseSync(filename)
        assert.deepStrictEqual({ ...database.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" })
        database.close()
        yield* Effect.gen(function*() {
          const outages = yield* Stream.runCollect((yield* OutageStore).find({ open: false }))
          const ends = new Map(outages.map((it) => [it.id, it.end]))
          for (let i = 1; i <= last; i++) assert.strictEqual(ends.get(`o${i}`), march + i)
          const totals = yield* Stream.runCollect((yield* UsageStore).find({}))
          assert.lengthOf(totals, 20)
          for (const total of totals) assert.isAtLeast(total.hits, last)
        }).pipe(Effect.provide(Store.layerSqlite({ filename })))
      }
    }))
})
