import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { kinds } from "./plan/makePlan.ts"
import { modes } from "./plan/Mode.ts"
import { tiers } from "./tier.ts"

const program = join(import.meta.dirname, "main.ts")
const main = (...args: ReadonlyArray<string>) => spawnSync(process.execPath, [program, ...args], { encoding: "utf8" })

describe("npm run simulate", () => {
  it("describes each of its flags, with its values and its default", () => {
    const { status, stdout } = main("--help")
    assert.strictEqual(status, 0)
    const flags = new Map(
      [...stdout.matchAll(/^ {2}--(\w+)([^]*?)(?=\n {2}--|\n\n)/gm)].map(([, name, text]) => [name!, text!])
    )
    const taken = readFileSync(program, "utf8").matchAll(/^ {2}(\w+): \{ type: "/gm)
    assert.sameMembers([...flags.keys()], Array.from(taken, ([, name]) => name!))
    assert.isAtLeast(flags.size, 9)
    for (const [flag, text] of flags) {
      if (flag !== "json" && flag !== "help") assert.match(text, /\(default[ :]/, flag)
    }
    for (const [flag, values] of [["tier", tiers.keys()], ["mode", modes], ["kind", kinds]] as const) {
      for (const value of values) assert.match(flags.get(flag)!, new RegExp(`\\b${value}\\b`), flag)
    }
    assert.include(flags.get("kind")!, `(default ${kinds[0]})`)
  }, 120_000)

  it("refuses what is no command line with 2", () => {
    const { status, stderr } = main("--tear", "core")
    assert.strictEqual(status, 2)
    assert.match(stderr, /--tear[^]*npm run simulate -- /)
  }, 120_000)
})
