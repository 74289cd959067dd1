import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
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

/**
 * Runs a process and kills it, at a random moment or while totals are on their way to the store. Gives the bounds of what it
 * has counted so that it must last, and whether a flush was under way.
 */
const runAndKill = async (directory: string, offset: number, moment: "any" | "flush") => {
  const child = start(directory, offset)
  const said: Array<{ readonly at: number; readonly counted: number }> = []
  let isFlushing = false
  let flushBegins = () => {}
  child.stdout!.on("data", (data: Buffer) => {
    for (const line of String(data).split("\n")) {
      if (line === "flushing") {
        isFlushing = true
        flushBegins()
      } else if (line === "flushed") isFlushing = false
      else if (line !== "") said.push({ at: performance.now(), counted: Number(line) })
    }
  })
  await once(child.stdout!, "data")
  await setTimeout(moment === "any" ? 600 + Math.random() * 1_500 : 1_100 + Math.random() * 300)
  if (moment === "flush") {
    await new Promise<void>((done) => {
      flushBegins = done
    })
    const until = performance.now() + Math.random() * 2
    // Not by a timer, which may wait for longer than a flush takes.
    while (performance.now() < until);
  }
  const killed = performance.now()
  child.kill("SIGKILL")
  await once(child, "close")
  // What was said a second before the kill was counted by then, but for the 40 of the moment.
  const before = said.filter(({ at }) => at <= killed - 1_000).at(-1)?.counted ?? 0
  return { atLeast: Math.max(0, before - 40), atMost: said.at(-1)?.counted ?? 0, isFlushing }
}

const day = 86_400_000

describe("a process that counts and is killed with -9", () => {
  for (
    const [moment, name, offsets] of [
      ["any", "at random moments", [0, 0, 0, day, day, 3 * day]],
      ["flush", "while totals are on their way to the store", [0, 0, day, 3 * day]]
    ] as const
  ) {
    it(
      `${name} loses at most the last second and doubles nothing, started again at once and on the next day`,
      async () => {
        const directory = join(folder, moment)
        mkdirSync(directory)
        let atLeast = 0
        let atMost = 0
        let inFlush = 0
        for (const offset of offsets) {
          const run = await runAndKill(directory, offset, moment)
          atLeast += run.atLeast
          atMost += run.atMost
          if (run.isFlushing) inFlush += 1
        }
        // The kill of the others came when it was just over.
        if (moment === "flush") assert.isAtLeast(inFlush, 2)
        for (let again = 0; again < 2; again++) {
          await once(start(directory, 4 * day, "once"), "close")
          const totals = await stored(directory)
          const sum = totals.reduce((all, { hits }) => all + hits, 0)
          assert.isAtMost(sum, atMost)
          assert.isAtLeast(sum, atLeast)
          assert.isAtLeast(atLeast, 1)
          assert.isAtLeast(new Set(totals.map((it) => it.day)).size, 3)
          assert.deepStrictEqual([...new Set(totals.map((it) => it.node))], ["dns-1"])
        }
      },
      120_000
    )
  }
})
