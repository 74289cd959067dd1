import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Exit, Layer, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Config } from "../../../src/config/Config.ts"
import { setDocuments } from "../../../src/config/memoryConfig.ts"
import { ed25519Signature } from "../../../src/consensus/sealed/ed25519.ts"
import type { Roster } from "../../../src/consensus/sealed/Roster.ts"
import { formatRosterFile, type RosterFile, signRosterFile } from "../../../src/consensus/sealed/rosterFile.ts"
import { keptRosters, RosterSource } from "../../../src/consensus/sealed/RosterSource.ts"
import { Conditions } from "../../../src/node/Conditions.ts"
import { DurableFiles } from "../../../src/node/DurableFiles.ts"
import { keyOfSeed } from "./fixtures.ts"

const members = [1, 2, 3, 4].map((byte) => ({
  id: `m${byte}`,
  key: keyOfSeed(byte).publicKey,
  role: "IBPMonitor" as const,
  ipv6: true
}))
const one: Roster = { cluster: "test", epoch: 1, minEpoch: 1, members: members.slice(0, 3) }
const two: RosterFile = { ...one, epoch: 2, members, earlier: [one] }

const operator = keyOfSeed(99)
const signed = (file: RosterFile): RosterFile =>
  signRosterFile(file, (text) => ed25519Signature(Redacted.value(operator.privateKey), text))

/** Files that outlive the layers on them. */
const disk = Layer.build(Layer.fresh(DurableFiles.layerMemory))

type Settings = { readonly Roster?: string | Record<string, unknown>; readonly OperatorKey?: string }

const start = (settings: Settings, files: Context.Context<DurableFiles>) =>
  Layer.build(
    Layer.fresh(
      RosterSource.layer((path) => path).pipe(
        Layer.provideMerge(Layer.mergeAll(
          Config.layerMemory({ local: { GeoDNS: { Consensus: settings as object } } }),
          Conditions.layerMemory,
          Layer.succeedContext(files)
        ))
      )
    )
  )

const epochOf = (services: Context.Context<RosterSource>) => Context.get(services, RosterSource).current().current.epoch

const problemsOf = (services: Context.Context<Conditions>) =>
  Effect.map(Context.get(services, Conditions).current, (all) => all.map(({ detail, name }) => `${name}: ${detail}`))

const json = (file: RosterFile): Record<string, unknown> => JSON.parse(formatRosterFile(file))

describe("RosterSource", () => {
  it.effect("takes the roster of the document, and the next one when that changes; those that do not follow are conditions", () =>
    Effect.gen(function*() {
      const services = yield* start({ Roster: json(one) }, yield* disk)
      assert.strictEqual(epochOf(services), 1)
      const seen: Array<number> = []
      yield* Stream.runForEach(
        Context.get(services, RosterSource).changes,
        ({ current }) => Effect.sync(() => seen.push(current.epoch))
      ).pipe(Effect.forkScoped({ startImmediately: true }))
      const change = (Roster: Record<string, unknown>) =>
        Effect.gen(function*() {
          yield* setDocuments({ local: { GeoDNS: { Consensus: { Roster } as object } } })
          yield* Config.use((config) => config.reload)
          yield* TestClock.adjust("1 second")
        }).pipe(Effect.provide(services))
      yield* change(json({ ...two, cluster: "other" }))
      assert.strictEqual(epochOf(services), 1)
      assert.match(
        (yield* problemsOf(services)).join(),
        /consensus:roster: .*epoch 1 stays in use.*cluster other, ours is test/
      )
      yield* change(json(two))
      assert.strictEqual(epochOf(services), 2)
      assert.deepStrictEqual(yield* problemsOf(services), [])
      yield* change(json(one))
      assert.strictEqual(epochOf(services), 2)
      assert.match((yield* problemsOf(services)).join(), /an epoch never falls/)
      yield* change({ cluster: 7 })
      assert.match((yield* problemsOf(services)).join(), /epoch 2 stays in use/)
      assert.deepStrictEqual(seen, [1, 2])
    }))

  it.effect("never falls back over a restart, and starts from what it kept when the file is gone", () =>
    Effect.gen(function*() {
      const files = yield* disk
      yield* Effect.scoped(start({ Roster: json(two) }, files))
      const rolledBack = yield* start({ Roster: json(one) }, files)
      assert.strictEqual(epochOf(rolledBack), 2)
      assert.match((yield* problemsOf(rolledBack)).join(), /an epoch never falls/)
      const gone = yield* start({ Roster: "/nowhere/roster.json" }, files)
      assert.strictEqual(epochOf(gone), 2)
      assert.match((yield* problemsOf(gone)).join(), /there is no such file/)
      assert.deepStrictEqual(Context.get(gone, RosterSource).current().all().map(({ epoch }) => epoch), [1, 2])
    }))

  it.effect("fails where no roster can be used, and says why", () =>
    Effect.gen(function*() {
      const why = (settings: Settings) =>
        Effect.flatMap(disk, (files) => Effect.flip(Effect.scoped(start(settings, files)))).pipe(
          Effect.map(({ message }) => message)
        )
      assert.match(yield* why({}), /there is none/)
      assert.match(yield* why({ Roster: "/nowhere/roster.json" }), /there is no such file/)
      assert.match(yield* why({ Roster: json({ ...one, members: members.slice(0, 1) }) }), /at least 2/)
      assert.match(yield* why({ Roster: json(one), OperatorKey: operator.publicKey }), /not signed/)
    }))

  it.effect("takes only what the pinned operator signed, also of what it kept", () =>
    Effect.gen(function*() {
      const files = yield* disk
      yield* Effect.scoped(start({ Roster: json(two) }, files))
      // What was kept is not signed: it does not count any more.
      const first = yield* start({ Roster: json(signed(one)), OperatorKey: operator.publicKey }, files)
      assert.strictEqual(epochOf(first), 1)
      assert.match((yield* problemsOf(first)).join(), /consensus:rosters-file/)
      const source = Context.get(first, RosterSource)
      yield* source.offer(two)
      assert.strictEqual(epochOf(first), 1)
      yield* source.offer(signed(two))
      assert.strictEqual(epochOf(first), 2)
      const again = yield* start({ Roster: "/nowhere", OperatorKey: operator.publicKey }, files)
      assert.strictEqual(epochOf(again), 2)
    }))

  it.live("reads its file again when it changes", () =>
    Effect.gen(function*() {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-roster-"))),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
      )
      const file = join(folder, "roster.json")
      writeFileSync(file, formatRosterFile(one))
      const services = yield* start({ Roster: file }, yield* disk)
      writeFileSync(file, formatRosterFile(two))
      const { changes } = Context.get(services, RosterSource)
      const found = yield* changes.pipe(
        Stream.filter(({ current }) => current.epoch === 2),
        Stream.runHead,
        Effect.timeout("25 seconds"),
        Effect.exit
      )
      assert.isTrue(Exit.isSuccess(found))
    }).pipe(Effect.scoped), 120_000)

  it.effect("keeps the file of a node as it is written", () =>
    Effect.gen(function*() {
      const files = yield* disk
      yield* Effect.scoped(start({ Roster: json(signed(two)) }, files))
      const text = yield* Context.get(files, DurableFiles).read(keptRosters)
      assert.deepStrictEqual(JSON.parse(text._tag === "Some" ? text.value : "null"), json(signed(two)))
    }))
})
