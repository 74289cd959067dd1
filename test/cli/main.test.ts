import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { run, temporaryFolder } from "./geodns.ts"

const root = resolve(import.meta.dirname, "../..")
const main = join(root, "src/cli/main.ts")

describe.concurrent("the entry", () => {
  it.live("says that Node is too old, and imports nothing of the product then", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      for (const [version, ends] of [["20.20.2", 1], ["22.18.9", 1], ["22.19.0", 0], ["30.0.0", 0]] as const) {
        const preload = join(folder, `${version}.mjs`)
        writeFileSync(
          preload,
          `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } })`
        )
        const { status, stderr, stdout } = spawnSync(
          process.execPath,
          ["--import", preload, main, "--version"],
          { encoding: "utf8" }
        )
        assert.strictEqual(status, ends, stderr)
        if (ends === 1) {
          assert.deepStrictEqual([stdout, stderr], ["", `geodns needs Node 22.19 or newer, this is ${version}\n`])
        } else assert.match(stdout, /^geodns v/)
      }
    }).pipe(Effect.scoped), 120_000)

  it.live("names the defaults in the help", () =>
    Effect.gen(function*() {
      for (
        const [command, defaults] of [
          ["demo", ["failover", "5300", "6100"]],
          ["dig", ["A", "127.0.0.1:5300"]],
          ["explain", ["A", "http://127.0.0.1:6100"]]
        ] as const
      ) {
        const { stdout } = yield* run(command, "--help")
        for (const value of defaults) assert.include(stdout, `(default ${value})`)
      }
    }), 120_000)
})
