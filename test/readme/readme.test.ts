import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Consensus } from "effect-geodns/consensus"
import { cp, mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { live } from "./decisions.ts"

const root = resolve(import.meta.dirname, "../..")
const readme = () => readFile(join(root, "README.md"), "utf8")

describe("the README", () => {
  it("shows the programs that the tests run, to the letter", async () => {
    const text = await readme()
    for (const name of ["decisions.ts", "decisions.test.ts", "ownProbe.ts", "ownNode.ts"]) {
      const program = (await readFile(join(import.meta.dirname, name), "utf8")).trimEnd()
      assert.include(text, `\`\`\`ts\n// ${name}\n${program}\n\`\`\``, name)
    }
  })

  it.live("has a live program that runs on an operator's documents", () =>
    Effect.gen(function*() {
      const before = process.cwd()
      const folder = yield* Effect.acquireRelease(
        Effect.promise(async () => {
          const folder = await mkdtemp(join(tmpdir(), "geodns-readme-"))
          await cp(join(root, "test/fixtures/config"), folder, { recursive: true })
          process.chdir(folder)
          return folder
        }),
        (folder) =>
          Effect.promise(async () => {
            process.chdir(before)
            await rm(folder, { recursive: true, force: true })
          })
      )
      assert.strictEqual(process.cwd(), folder)
      const open = yield* Consensus.use((consensus) => consensus.proposals).pipe(Effect.provide(live))
      assert.deepStrictEqual(open, [])
    }))

  it("has no gap left to fill", async () => {
    assert.notMatch(await readme(), /@@|TODO|TBD/)
  })

  it("names every dependency and every command", async () => {
    const text = await readme()
    const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Record<
      "dependencies" | "devDependencies" | "peerDependencies",
      Readonly<Record<string, string>>
    >
    const { dependencies, devDependencies, peerDependencies } = manifest
    for (const name of Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies })) {
      assert.include(text, `\`${name}\``, name)
    }
    for (const command of ["npm ci", "npm start", "npm test", "npm run verify", "npm run check", "npm run bench"]) {
      assert.include(text, command)
    }
  })
})
