import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, Redacted, Stream } from "effect"
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Config } from "../../src/config/Config.ts"
import { Documents } from "../../src/config/Documents.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-watch-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Reads a path, watches it, and hands out how often a change was told so far. */
const watching = Effect.fnUntraced(function*(...paths: ReadonlyArray<string>) {
  const documents = yield* Documents
  for (const path of paths) yield* Effect.exit(documents.read(path))
  let told = 0
  yield* documents.watch(paths).pipe(
    Stream.runForEach(() =>
      Effect.andThen(
        Effect.forEach(paths, (path) => Effect.exit(documents.read(path))),
        Effect.sync(() => void told++)
      )
    ),
    Effect.forkScoped({ startImmediately: true })
  )
  return { told: () => told }
})

const until = Effect.fnUntraced(function*(what: string, condition: () => boolean) {
  for (let tries = 0; tries < 400; tries++) {
    if (condition()) return
    yield* Effect.sleep("25 millis")
  }
  return yield* Effect.die(new Error(`not within 10 s: ${what}`))
})

describe("watching files", () => {
  it.live(
    "sees a file that is written, replaced, removed, and comes back, also in a folder that was not there",
    () =>
      Effect.gen(function*() {
        const path = join(yield* folder, "etc", "geodns", "local.json")
        const { told } = yield* watching(path)
        mkdirSync(join(path, ".."), { recursive: true })
        writeFileSync(path, "1")
        yield* until("the file came", () => told() === 1)
        writeFileSync(path, "22")
        yield* until("the file was written", () => told() === 2)
        writeFileSync(`${path}.new`, "33")
        renameSync(`${path}.new`, path)
        yield* until("the file was replaced", () => told() === 3)
        rmSync(join(path, "..", ".."), { recursive: true })
        yield* until("the file went", () => told() === 4)
        mkdirSync(join(path, ".."), { recursive: true })
        writeFileSync(path, "1")
        yield* until("the file came back", () => told() === 5)
      }).pipe(Effect.scoped, Effect.provide(Documents.layer)),
    120_000
  )

  it.live("sees links that move, as Kubernetes replaces its volumes", () =>
    Effect.gen(function*() {
      const root = yield* folder
      for (const [version, text] of [["v1", "one"], ["v2", "two"]] as const) {
        mkdirSync(join(root, version))
        writeFileSync(join(root, version, "local.json"), text)
      }
      symlinkSync("v1", join(root, "..data"))
      symlinkSync(join("..data", "local.json"), join(root, "local.json"))
      const path = join(root, "local.json")
      const { told } = yield* watching(path)
      symlinkSync("v2", join(root, "..data_tmp"))
      renameSync(join(root, "..data_tmp"), join(root, "..data"))
      rmSync(join(root, "v1"), { recursive: true })
      yield* until("the link moved", () => told() === 1)
      assert.strictEqual(yield* Documents.use((documents) => documents.read(path)), "two")
    }).pipe(Effect.scoped, Effect.provide(Documents.layer)), 120_000)

  it.live(
    "a node takes up its local document, a shared one and a secret without being told",
    () =>
      Effect.gen(function*() {
        const root = yield* folder
        const path = join(root, "local.json")
        const write = (name: string, value: unknown) => {
          writeFileSync(join(root, `${name}.new`), typeof value === "string" ? value : JSON.stringify(value))
          renameSync(join(root, `${name}.new`), join(root, name))
        }
        const local = (id: string) => ({
          System: { ConfigUrls: { IaasPricingConfig: "prices.json" } },
          Nats: { NodeID: id, Pass: "file:secret" }
        })
        write("local.json", local("M1"))
        write("prices.json", {})
        write("secret", "one\n")
        yield* Effect.gen(function*() {
          const config = yield* Config
          const { changes } = config
          let snapshot = yield* config.current
          yield* changes.pipe(
            Stream.runForEach(({ after }) => Effect.sync(() => void (snapshot = after))),
            Effect.forkScoped({ startImmediately: true })
          )
          write("local.json", local("M2"))
          yield* until("the local document", () => snapshot.local.Nats.NodeID === "M2")
          write("secret", "two\n")
          yield* until("the secret", () => Redacted.value(snapshot.local.Nats.Pass) === "two")
          write("prices.json", { Europe: { cores: 1, memory: 1, disk: 1, bandwidth: 1 } })
          yield* until("the prices", () => snapshot.pricing["Europe"] !== undefined)
          const version = snapshot.version
          write("local.json", "{")
          write("prices.json", {})
          yield* until("the rest, beside a broken local document", () => snapshot.version > version)
          assert.strictEqual(snapshot.local.Nats.NodeID, "M2")
        }).pipe(
          Effect.scoped,
          Effect.provide(
            Config.layer({ path }).pipe(
              Layer.provide([Documents.layer, DurableFiles.layerMemory, Conditions.layerMemory])
            )
          )
        )
      }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
    120_000
  )
})
