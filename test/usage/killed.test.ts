import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { afterAll } from "vitest"
import * as Store from "../../src/store/Store.ts"
import { UsageStore } from "../../src/store/UsageStore.ts"

const folder = mkdtempSync(join(tmpdir(), "geodns-usage-"))
const children = new Set<ChildProcess>()
afterAll(() => {
  for (const child of children) child.kill("SIGKILL")
  rmSync(folder, { recursive: true, force: true })
})

const start = (directory: string, offset: number, ...more: ReadonlyArray<string>) => {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("./countingProcess.ts", import.meta.url)), directory, String(offset), ...more],
    { stdio: ["ignore", "pipe", "inherit"] }
  )
  children.add(child)
  child.once("exit", () => children.delete(child))
  return child
}

const stored = (directory: string) =>
  Effect.runPromise(
    UsageStore.use((store) => Stream.runCollect(store.find({}))).pipe(
      Effect.provide(Store.layerSqlite({ filename: join(directory, "usage.sqlite") }).pipe(Layer.orDie))
    )
  )

/** Runs a process, kills it at a random moment, and gives the bounds of what it has counted so that it must last. */
const runAndKill = async (directory: string, offset: number) => {
  const child = start(directory, offset)
  const said: Array<{ readonly at: number; readonly counted: number }> = []
  child.stdout!.on("data", (data: Buffer) => {
    for (const line of String(data).split("\n")) {
      if (line !== "") said.push({ at: performance.now(), counted: Number(line) })
    }
  })
  await once(child.stdout!, "data")
  await setTimeout(600 + Math.random() * 1_500)
  const killed = performance.now()
  child.kill("SIGKILL")
  await once(child, "close")
  // What was said a second before the kill was counted by then, but for the 40 of the moment.
  const before = said.filter(({ at }) => at <= killed - 1_000).at(-1)?.counted ?? 0
  return { atLeast: Math.max(0, before - 40), atMost: said.at(-1)?.counted ?? 0 }
}

describe("a process that counts and is killed with -9 at random moments", () => {
  it("loses at most the last second and doubles nothing, started again at once and on the next day", async () => {
    const day = 86_400_000
    let atLeast = 0
    let atMost = 0
    for (const offset of [0, 0, 0, day, day, 3 * day]) {
      const bounds = await runAndKill(folder, offset)
      atLeast += bounds.atLeast
      atMost += bounds.atMost
    }
    for (let again = 0; again < 2; again++) {
      await once(start(folder, 4 * day, "once"), "close")
      const totals = await stored(folder)
      const sum = totals.reduce((all, { hits }) => all + hits, 0)
      assert.isAtMost(sum, atMost)
      assert.isAtLeast(sum, atLeast)
      assert.isAtLeast(atLeast, 1)
      assert.isAtLeast(new Set(totals.map((it) => it.day)).size, 3)
      assert.deepStrictEqual([...new Set(totals.map((it) => it.node))], ["dns-1"])
    }
  }, 120_000)
})
