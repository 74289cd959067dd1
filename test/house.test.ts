import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"

/** The rooms of the house in order: a room imports only rooms before it. */
const rooms = [
  "domain",
  "node",
  "config",
  "seal",
  "bus",
  "cluster",
  "geo",
  "store",
  "status",
  "consensus",
  "monitor",
  "steering",
  "usage",
  "dns",
  "alerts",
  "sla",
  "http",
  "roles",
  "demo",
  "cli"
]

const src = resolve(import.meta.dirname, "../src")

const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesBelow(path) : path.endsWith(".ts") ? [path] : []
  })

const roomOf = (path: string): string => relative(src, path).split("/")[0]!

const importsOf = (file: string): ReadonlyArray<string> =>
  [...readFileSync(file, "utf8").matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)]
    .map((match) => resolve(dirname(file), match[1]!))

const files = filesBelow(src)

describe("the house", () => {
  it("has only the rooms of the plan", () => {
    assert.deepStrictEqual(readdirSync(src).filter((name) => !rooms.includes(name)), [])
  })

  it("imports only downwards", () => {
    const upwards = files.flatMap((file) =>
      importsOf(file)
        .filter((target) => rooms.indexOf(roomOf(target)) > rooms.indexOf(roomOf(file)))
        .map((target) => `${relative(src, file)} imports ${relative(src, target)}`)
    )
    assert.deepStrictEqual(upwards, [])
  })

  it("imports nothing from outside src by a relative path", () => {
    const outside = files.flatMap((file) =>
      importsOf(file).filter((target) => relative(src, target).startsWith("..")).map((target) => `${file}: ${target}`)
    )
    assert.deepStrictEqual(outside, [])
  })

  it("opens every room by its index, and exports every room from the package", () => {
    const manifest = JSON.parse(readFileSync(resolve(src, "../package.json"), "utf8")) as {
      readonly exports: Readonly<Record<string, unknown>>
    }
    // The command is not for import.
    const open = readdirSync(src).filter((room) => room !== "cli")
    for (const room of open) assert.include(readdirSync(join(src, room)), "index.ts", room)
    assert.deepStrictEqual(
      Object.keys(manifest.exports).filter((key) => key !== "./package.json").sort(),
      open.map((room) => `./${room}`).sort()
    )
  })

  it("takes the time and chance from Clock and Random", () => {
    const offenders = files.filter((file) => /\b(Date\.now|Math\.random)\(/.test(readFileSync(file, "utf8")))
    assert.deepStrictEqual(offenders.map((file) => relative(src, file)), [])
  })
})
