import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { copyFileSync } from "node:fs"
import { join } from "node:path"
import { Store } from "../../src/store/index.ts"
import { command } from "./inProcess.ts"
import { fillStores, writeLocal } from "./storeSamples.ts"

const fixtures = join(import.meta.dirname, "../fixtures/config")

/** A document that names members and services, and whose SQLite file holds the samples. */
const filled = Effect.gen(function*() {
  const local = yield* writeLocal({
    System: { ConfigUrls: { MembersConfig: "members.json", ServicesConfig: "services.json" } }
  })
  yield* Effect.provide(fillStores, Store.layerSqlite({ filename: local.sqlite }))
  copyFileSync(join(fixtures, "members_professional.json"), join(local.folder, "members.json"))
  copyFileSync(join(fixtures, "services_rpc.json"), join(local.folder, "services.json"))
  return local
})

const march = ["--from", "2026-03"]

describe("filters of geodns outages and usage", () => {
  it.live("that neither the documents nor the result know are warned of, with what was probably meant", () =>
    Effect.gen(function*() {
      const { file } = yield* filled
      const unknown = "neither the documents nor what was found know it"
      for (const name of ["outages", "usage"]) {
        for (const form of [[], ["--json"], ["--csv"]]) {
          const warnings = (...args: ReadonlyArray<string>) =>
            Effect.map(command([name, "--config", file, ...march, ...form, ...args]), ({ ok, stderr, stdout }) => {
              assert.isTrue(ok, stderr)
              assert.notInclude(stdout, "Warning")
              return stderr.split("\n").filter((line) => line.startsWith("Warning"))
            })
          assert.deepStrictEqual(yield* warnings("--member", "Potomak Works"), [
            `Warning: --member "Potomak Works": ${unknown}; did you mean "Potomac Works"?`
          ])
          assert.deepStrictEqual(yield* warnings("--member", "Nobody At All Of These", "--domain", "nope.example"), [
            `Warning: --member "Nobody At All Of These": ${unknown}`,
            `Warning: --domain "nope.example": ${unknown}`
          ])
          // The result knows it, and the documents do not.
          assert.deepStrictEqual(yield* warnings("--member", "Rhine Networks", "--domain", "OTHER.example"), [])
          // The documents know it, and nothing was found.
          assert.deepStrictEqual(yield* warnings("--member", "Alpenglow", "--domain", "rpc.DOTTERS.example"), [])
          assert.deepStrictEqual(yield* warnings(), [])
        }
      }
      const none = yield* command(["usage", "--config", file, ...march, "--member", "(none)"])
      assert.strictEqual(none.stderr, "")
    }).pipe(Effect.scoped))

  it.live("that no document could be asked about are warned of, too", () =>
    Effect.gen(function*() {
      const { file, sqlite } = yield* writeLocal({ System: { ConfigUrls: { MembersConfig: "missing.json" } } })
      yield* Effect.provide(fillStores, Store.layerSqlite({ filename: sqlite }))
      const { ok, stderr } = yield* command(["usage", "--config", file, ...march, "--member", "Nobody"])
      assert.isTrue(ok)
      assert.match(stderr, /^Warning: --member "Nobody": nothing was found, and the documents .* cannot be read$/m)
    }).pipe(Effect.scoped))

  it.live("that are no country are refused", () =>
    Effect.gen(function*() {
      const { file } = yield* filled
      for (const country of ["Atlantis", "B", "B1"]) {
        const { ok, stderr, stdout } = yield* command(["usage", "--config", file, "--country", country])
        assert.isFalse(ok)
        assert.strictEqual(stdout, "")
        assert.include(stderr, "the two letters of a country")
      }
      assert.isTrue((yield* command(["usage", "--config", file, "--country", "??"])).ok)
    }).pipe(Effect.scoped))
})
