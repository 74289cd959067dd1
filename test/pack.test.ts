import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { promisify } from "node:util"

const run = promisify(execFile)
const root = resolve(import.meta.dirname, "..")

describe("the package", () => {
  it("packs, installs in a clean folder, and every room can be imported there", { timeout: 180_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "effect-geodns-pack-"))
    try {
      const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder], { cwd: root })
      const packed: unknown = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)))
      const [{ filename, files }] = Object.values(packed as Record<string, unknown>) as [
        { readonly filename: string; readonly files: ReadonlyArray<{ readonly path: string }> }
      ]
      const paths = files.map((file) => file.path)
      assert.includeMembers(paths, ["README.md", "LICENSE", "CHANGELOG.md", "dist/cli/main.js"])
      assert.deepStrictEqual(paths.filter((path) => /^(src|test|bench)\//.test(path)), [])

      const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as {
        readonly version: string
        readonly exports: Readonly<Record<string, unknown>>
        readonly peerDependencies: Readonly<Record<string, string>>
      }
      await writeFile(join(folder, "package.json"), JSON.stringify({ name: "clean", type: "module", private: true }))
      await run("npm", [
        "install",
        "--prefer-offline",
        "--no-audit",
        "--no-fund",
        `./${filename}`,
        `effect@${manifest.peerDependencies["effect"]}`
      ], { cwd: folder })

      const rooms = Object.keys(manifest.exports).filter((key) => key !== "./package.json")
      const program = rooms.map((room) =>
        `import * as ${room.slice(2)} from "effect-geodns${room.slice(1)}"`
      ).join("\n") +
        `\nconsole.log(JSON.stringify([${rooms.map((room) => `Object.keys(${room.slice(2)}).length`).join(", ")}]))`
      await writeFile(join(folder, "import.mjs"), program)
      const imported = JSON.parse((await run(process.execPath, ["import.mjs"], { cwd: folder })).stdout) as Array<
        number
      >
      assert.strictEqual(imported.length, rooms.length)
      imported.forEach((names, i) => assert.isAbove(names, 0, rooms[i]))

      const geodns = join(folder, "node_modules/.bin/geodns")
      assert.include((await run(process.execPath, [geodns, "--version"], { cwd: folder })).stdout, manifest.version)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
