import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Schema } from "effect"
import { writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { collectionText } from "../../src/cli/usageCollection.ts"
import { Store } from "../../src/store/index.ts"
import { CollectionLedger, LedgerDocument, ledgerFile } from "../../src/usage/CollectionLedger.ts"
import { command } from "./inProcess.ts"
import { fillStores, writeLocal } from "./storeSamples.ts"

/** The day so many days ago, and its noon. The ledger tells of days of which nodes may still be asked. */
const ago = Effect.map(Clock.currentTimeMillis, (now) => {
  const noon = (days: number) => Math.floor(now / 86_400_000) * 86_400_000 - (days - 0.5) * 86_400_000
  return { noon, day: (days: number) => new Date(noon(days)).toISOString().slice(0, 10) }
})

const march = ["--from", "2026-03-01", "--to", "2026-03-03"]

/** A document whose SQLite file holds the samples, and its work directory. */
const filled = Effect.gen(function*() {
  const { file, sqlite } = yield* writeLocal()
  yield* Effect.provide(fillStores, Store.layerSqlite({ filename: sqlite }))
  return { file, workDir: dirname(sqlite) }
})

describe("geodns usage: how old and complete the figures are", () => {
  it.live("is told in the table, in JSON, and beside CSV", () =>
    Effect.gen(function*() {
      const { file, workDir } = yield* filled
      const { day, noon } = yield* ago
      const ledger = new CollectionLedger()
      ledger.expect(["dns-1", "dns-2"], noon(4))
      ledger.collected("dns-1", day(5), 7, noon(4) + 1)
      ledger.collected("dns-1", day(4), 7, noon(3) + 2)
      writeFileSync(join(workDir, ledgerFile), Schema.encodeSync(LedgerDocument)(ledger.toDocument()))
      const of = (...args: ReadonlyArray<string>) =>
        command(["usage", "--config", file, "--from", day(5), "--to", day(3), ...args])
      const text = `collected at ${day(3)}T12:00:00.002Z; incomplete: ${day(4)}/dns-2; nothing is known of ${day(3)}`
      assert.strictEqual((yield* of()).stdout.split("\n").at(-1), text)
      assert.deepStrictEqual(JSON.parse((yield* of("--json")).stdout).collection, {
        by: "collector",
        collectedAt: `${day(3)}T12:00:00.002Z`,
        incomplete: [{ day: day(4), node: "dns-2", state: "missing" }],
        unknown: [{ from: day(3), to: day(3) }]
      })
      const csv = yield* of("--csv")
      assert.strictEqual(csv.stdout.split("\n")[0], "member,hits")
      assert.notInclude(csv.stdout, "collected")
      assert.strictEqual(csv.stderr, text)
      const first = yield* command(["usage", "--config", file, "--from", day(5), "--to", day(5)])
      assert.strictEqual(first.stdout.split("\n").at(-1), `collected at ${day(4)}T12:00:00.001Z; complete`)
    }).pipe(Effect.scoped))

  it.live("is not known without a collector, nor of a damaged ledger; a node that counts by itself says so", () =>
    Effect.gen(function*() {
      const { file, workDir } = yield* filled
      const told = Effect.gen(function*() {
        const { ok, stdout } = yield* command(["usage", "--config", file, ...march])
        assert.isTrue(ok)
        const { collection } = JSON.parse((yield* command(["usage", "--config", file, ...march, "--json"])).stdout)
        return [stdout.split("\n").at(-1), collection] as const
      })
      const path = join(workDir, ledgerFile)
      const unknown = "how old and complete these figures are is not known: "
      assert.deepStrictEqual(yield* told, [`${unknown}no collector has kept ${path}`, null])
      writeFileSync(join(workDir, "usage-2026-03-01-0123456789abcdef.journal"), "")
      const [text, collection] = yield* told
      assert.match(text ?? "", /^counted by the node of this document itself/)
      assert.deepStrictEqual(collection, { by: "node" })
      writeFileSync(path, "{}")
      assert.deepStrictEqual(yield* told, [`${unknown}${path} cannot be read`, null])
    }).pipe(Effect.scoped))

  it("names ten days and nodes, and how many more there are", () => {
    const incomplete = Array.from(
      { length: 12 },
      (_, i) => ({ day: "2026-03-01", node: `n${i}`, state: "missing" as const })
    )
    const running = { day: "2026-03-02", node: "n1", state: "running" as const }
    const text = collectionText({
      _tag: "Collected",
      of: { collectedAt: undefined, incomplete: [...incomplete, running], unknown: [] }
    })
    assert.match(text, /^never collected; incomplete: 2026-03-01\/n0, .*\/n9 and 2 more; not over yet: 2026-03-02$/)
  })
})
