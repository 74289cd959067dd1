import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Logger, Option, Redacted, Stream } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { TestClock } from "effect/testing"
import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Config, type ConfigOptions } from "../../src/config/Config.ts"
import { BadStatus } from "../../src/config/DocumentError.ts"
import { Documents } from "../../src/config/Documents.ts"
import {
  encodeMemoryDocuments,
  memoryLocal,
  memoryLocation,
  minimalDocuments,
  type RawDocuments,
  setDocuments
} from "../../src/config/memoryConfig.ts"
import { MemoryDocuments } from "../../src/config/MemoryDocuments.ts"
import { readLocal } from "../../src/config/readDocuments.ts"
import type { ConfigChange } from "../../src/config/Snapshot.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFileError, DurableFiles } from "../../src/node/DurableFiles.ts"

const member = (name: string, change: object = {}) => ({
  Details: { Name: name },
  Membership: { MemberLevel: 6 },
  Service: { Active: 1 as const, ServiceIPv4: "192.0.2.1" },
  Location: { Region: "", Latitude: 1, Longitude: 2 },
  ...change
})
const service = (...urls: ReadonlyArray<string>) => ({
  Configuration: { Name: "x", ServiceType: "RPC", Active: 1 as const, LevelRequired: 1 },
  Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
  Providers: { Ibp: { RpcUrls: urls } }
})
const check = (Name: string, change: object = {}) => ({
  Name,
  Enabled: 1 as const,
  CheckType: "site" as const,
  ...change
})

/** Config over memory, with what is below it in the tests' hands. */
const world = (
  documents: RawDocuments = {},
  options: ConfigOptions & { readonly files?: Layer.Layer<DurableFiles> } = {}
) =>
  Config.layer({ ...options, path: memoryLocal }).pipe(
    Layer.provideMerge(Layer.mergeAll(
      Documents.layerMemory(encodeMemoryDocuments({ ...minimalDocuments, ...documents })),
      options.files ?? DurableFiles.layerMemory,
      Conditions.layerMemory
    ))
  )

const current = Config.use((config) => config.current)
const reload = Config.use((config) => config.reload)
const raised = Conditions.use((conditions) => Effect.map(conditions.current, (all) => all.map(({ name }) => name)))
const breakDocument = (location: string, text = "{") => MemoryDocuments.use((memory) => memory.set(location, text))

/** The changes from now on, as they come. */
const watch = Effect.gen(function*() {
  const seen: Array<ConfigChange> = []
  const config = yield* Config
  yield* config.changes.pipe(
    Stream.runForEach((change) => Effect.sync(() => void seen.push(change))),
    Effect.forkScoped({ startImmediately: true })
  )
  return seen
})

describe("Config", () => {
  it.effect("one version of everything, with the catalog", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(5_000)
      const snapshot = yield* current.pipe(Effect.provide(Config.layerMemory({
        members: { Potomac: member("Potomac Works", { ServiceAssignments: { any: ["Paseo"] } }) },
        services: { Paseo: service("wss://rpc.example/paseo") },
        local: { Checks: [check("ssl")], Nats: { NodeID: "M1" } }
      })))
      assert.deepStrictEqual([snapshot.version, snapshot.loadedAt], [1, 5_000])
      assert.strictEqual(snapshot.local.Nats.NodeID, "M1")
      assert.strictEqual(snapshot.catalog.member("potomac")?.services[0]?.key, "Paseo")
      assert.deepStrictEqual(snapshot.documents.MembersConfig, {
        location: memoryLocation("MembersConfig"),
        loadedAt: 5_000,
        problem: undefined
      })
    }))

  it.effect("needs nothing but a local document", () =>
    Effect.gen(function*() {
      const snapshot = yield* current
      assert.deepStrictEqual(
        [snapshot.members, snapshot.services, snapshot.staticDns, snapshot.pricing, snapshot.requests],
        [{}, {}, [], {}, {}]
      )
      assert.strictEqual(snapshot.local.System.ConfigReloadTime, 300)
      assert.deepStrictEqual(yield* reload, { version: 1, changed: false, problems: [] })
    }).pipe(Effect.provide(Config.layerMemory())))

  it.effect("a location that is empty is an empty document and no condition, also when it becomes empty", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* current).pricing, {})
      assert.deepStrictEqual(yield* raised, [])
      assert.deepStrictEqual(Object.keys((yield* current).members), ["A"])
      yield* setDocuments({ local: { System: { ConfigUrls: { MembersConfig: "", IaasPricingConfig: "" } } } })
      assert.isTrue((yield* reload).changed)
      assert.deepStrictEqual((yield* current).members, {})
      assert.deepStrictEqual(yield* raised, [])
    }).pipe(Effect.provide(world({
      members: { A: member("a") },
      local: { System: { ConfigUrls: { IaasPricingConfig: "" } } }
    }, { required: ["IaasPricingConfig"] }))))
})

describe("Config, start", () => {
  const failure = (documents: Readonly<Record<string, string>>, options: ConfigOptions = {}) =>
    Config.pipe(
      Effect.provide(Config.layer({ ...options, path: memoryLocal })),
      Effect.provide([Documents.layerMemory(documents), DurableFiles.layerMemory, Conditions.layerMemory]),
      Effect.flip
    )

  it.effect("a missing local document fails it, and says where it should be", () =>
    Effect.gen(function*() {
      const error = yield* failure({})
      assert.strictEqual(error._tag, "ConfigError")
      assert.strictEqual(error.problems.length, 1)
      assert.match(
        error.message,
        /local: expected a document at https:\/\/documents\.example\/local\.json, found nothing/
      )
    }))

  it.effect("an invalid local document fails it with every problem, also those of the documents that it requires", () =>
    Effect.gen(function*() {
      const texts = encodeMemoryDocuments(minimalDocuments)
      const local = JSON.parse(texts[memoryLocal]!) as { readonly System: object }
      const error = yield* failure({
        ...texts,
        [memoryLocal]: JSON.stringify({
          ...local,
          System: { ...local.System, ConfigReloadTime: "5m", LogLvel: "x" },
          Checks: [{ Name: "" }]
        }),
        [memoryLocation("MembersConfig")]: JSON.stringify({ A: member("a", { Location: {} }) }),
        [memoryLocation("ServicesConfig")]: "{"
      }, { required: ["MembersConfig"] })
      assert.deepStrictEqual(error.problems.map(({ document, path, severity }) => [severity, document, path]), [
        ["error", "local", "System.ConfigReloadTime"],
        ["warning", "local", "System.LogLvel"],
        ["error", "local", "Checks[0].Name"],
        ["error", "local", "Checks[0].Enabled"],
        ["error", "local", "Checks[0].CheckType"],
        ["error", "MembersConfig", "A.Location.Latitude"],
        ["error", "MembersConfig", "A.Location.Longitude"]
      ])
      assert.strictEqual(error.message.split("\n").length, 8)
    }))

  it.effect("no good copy of a required document fails it", () =>
    Effect.gen(function*() {
      const texts = { ...encodeMemoryDocuments(minimalDocuments), [memoryLocation("MembersConfig")]: "[]" }
      const error = yield* failure(texts, { required: ["MembersConfig", "ServicesConfig"] })
      assert.deepStrictEqual(error.problems.map(({ document }) => document), ["MembersConfig"])
    }))

  it.effect("a failed download of a document that the role does not need does not stop the process", () =>
    Effect.gen(function*() {
      const config = Config.layer({ path: memoryLocal, required: ["MembersConfig"] })
      const { [memoryLocation("ServicesRequestsConfig")]: _, ...texts } = encodeMemoryDocuments(minimalDocuments)
      yield* Effect.gen(function*() {
        const { documents, requests } = yield* current
        assert.deepStrictEqual(requests, {})
        assert.match(documents.ServicesRequestsConfig.problem ?? "", /found nothing/)
        const [condition, ...others] = yield* Conditions.use((conditions) => conditions.current)
        assert.strictEqual(condition?.name, "config:ServicesRequestsConfig")
        assert.match(condition?.detail ?? "", /In use: an empty document/)
        assert.deepStrictEqual(others, [])
        yield* setDocuments({ requests: { Paseo: {} } })
        assert.isTrue((yield* reload).changed)
        assert.deepStrictEqual(yield* raised, [])
        assert.deepStrictEqual((yield* current).requests, { Paseo: {} })
      }).pipe(
        Effect.provide(config.pipe(
          Layer.provideMerge(Layer.mergeAll(Documents.layerMemory(texts), DurableFiles.layerMemory, Conditions.layer))
        ))
      )
    }))
})

describe("Config, last good copies", () => {
  const documents = { members: { A: member("a") }, services: { S: service("wss://s.example") } }

  it.effect("a node starts without the network, even for required documents, and says how old its copies are", () =>
    Effect.gen(function*() {
      const files = Layer.succeed(DurableFiles, yield* DurableFiles)
      yield* TestClock.setTime(1_000)
      yield* current.pipe(Effect.provide(world(documents, { files })))
      yield* TestClock.setTime(9_000)
      const broken = Documents.layerMemory({ [memoryLocal]: encodeMemoryDocuments({ local: {} })[memoryLocal]! })
      yield* Effect.gen(function*() {
        const snapshot = yield* current
        assert.deepStrictEqual(Object.keys(snapshot.members), ["A"])
        assert.strictEqual(snapshot.catalog.services[0]?.key, "S")
        assert.strictEqual(snapshot.documents.MembersConfig.loadedAt, 1_000)
        assert.match(snapshot.documents.MembersConfig.problem ?? "", /found nothing/)
        assert.strictEqual((yield* raised).length, 6)
        const [first] = yield* Conditions.use((conditions) => conditions.current)
        assert.match(first?.detail ?? "", /In use: the copy of 1970-01-01T00:00:01\.000Z\.$/)
      }).pipe(Effect.provide(
        Config.layer({ path: memoryLocal, required: ["MembersConfig", "ServicesConfig"] }).pipe(
          Layer.provideMerge(Layer.mergeAll(broken, files, Conditions.layerMemory))
        )
      ))
    }).pipe(Effect.provide(DurableFiles.layerMemory)))

  it.effect("keeps the text letter by letter, in a file per document, written only when it changed", () =>
    Effect.gen(function*() {
      const written: Array<string> = []
      const inner = yield* DurableFiles
      const files = Layer.succeed(DurableFiles, {
        read: inner.read,
        write: (name, content) => {
          written.push(name)
          return inner.write(name, content)
        }
      })
      yield* Effect.gen(function*() {
        assert.strictEqual(written.length, 6)
        yield* reload
        assert.strictEqual(written.length, 6)
        yield* breakDocument(memoryLocation("MembersConfig"))
        yield* reload
        assert.strictEqual(written.length, 6)
        yield* breakDocument(memoryLocation("MembersConfig"), " {}\n")
        yield* reload
        assert.deepStrictEqual(written.slice(6), ["config-MembersConfig.json"])
      }).pipe(Effect.provide(world(documents, { files })))
      const stored = Option.getOrThrow(yield* inner.read("config-MembersConfig.json"))
      assert.deepStrictEqual(JSON.parse(stored), {
        location: memoryLocation("MembersConfig"),
        loadedAt: 0,
        text: " {}\n"
      })
      yield* current.pipe(Effect.provide(world({ ...documents }, { files })))
      assert.deepStrictEqual(written.slice(7), ["config-MembersConfig.json"])
    }).pipe(Effect.provide(DurableFiles.layerMemory)))

  it.effect("a damaged copy is as good as none", () =>
    Effect.gen(function*() {
      const files = yield* DurableFiles
      yield* files.write("config-MembersConfig.json", '{"text": "{')
      yield* files.write("config-ServicesConfig.json", JSON.stringify({ location: "x", loadedAt: 0, text: "[" }))
      const error = yield* Config.pipe(
        Effect.provide(Config.layer({ path: memoryLocal, required: ["MembersConfig", "ServicesConfig"] })),
        Effect.provide([
          Documents.layerMemory(encodeMemoryDocuments({ local: {} })),
          Layer.succeed(DurableFiles, files),
          Conditions.layerMemory
        ]),
        Effect.flip
      )
      assert.deepStrictEqual(error.problems.map(({ document, found }) => [document, found]), [
        ["MembersConfig", "nothing"],
        ["MembersConfig", "config-MembersConfig.json is damaged"],
        ["ServicesConfig", "nothing"],
        ["ServicesConfig", "one that this version does not take"]
      ])
    }).pipe(Effect.provide(DurableFiles.layerMemory)))

  it.effect("a full disk is a condition, not the end; it is tried again", () =>
    Effect.gen(function*() {
      let full = true
      const files = Layer.succeed(DurableFiles, {
        read: () => Effect.succeedNone,
        write: (file) =>
          full
            ? Effect.fail(new DurableFileError({ operation: "write", file, message: "the disk is full", cause: "" }))
            : Effect.void
      })
      yield* Effect.gen(function*() {
        assert.deepStrictEqual(yield* raised, ["config:disk"])
        yield* setDocuments({ members: { B: member("b") } })
        assert.isTrue((yield* reload).changed)
        full = false
        yield* reload
        assert.deepStrictEqual(yield* raised, [])
      }).pipe(Effect.provide(world(documents, { files })))
    }))
})

describe("Config, reload", () => {
  it.effect("what changed gets a new version with its diff; what did not keeps the old one", () =>
    Effect.gen(function*() {
      const seen = yield* watch
      yield* breakDocument(memoryLocation("MembersConfig"), JSON.stringify({ B: member("b"), A: member("a") }, null, 8))
      assert.deepStrictEqual(yield* reload, { version: 1, changed: false, problems: [] })
      yield* setDocuments({
        members: { A: member("a"), B: member("b", { Override: true }), C: member("c") },
        pricing: { Europe: { cores: 1, memory: 1, disk: 1, bandwidth: 1 } }
      })
      assert.deepStrictEqual(yield* reload, { version: 2, changed: true, problems: [] })
      yield* setDocuments({
        members: { A: member("a") },
        local: {
          Checks: [check("ssl", { Timeout: 9 }), check("tcp"), check("new")],
          GeoDNS: { Checks: { tcp: { FailAfter: 5 } } }
        }
      })
      yield* reload
      yield* setDocuments({ local: { Checks: [check("new")], Nats: { Pass: "other" } } })
      yield* reload
      yield* Effect.yieldNow
      assert.deepStrictEqual(
        seen.map(({ after, before }) => [before.version, after.version]),
        [[1, 2], [2, 3], [3, 4]]
      )
      const [one, two, three] = seen
      assert.deepStrictEqual(one?.members, { added: ["C"], removed: [], changed: ["B"] })
      assert.deepStrictEqual([one?.pricing, one?.settings, one?.staticDns, one?.requests, one?.alerts], [
        true,
        false,
        false,
        false,
        false
      ])
      assert.deepStrictEqual(one?.checks, { added: [], removed: [], changed: [] })
      assert.deepStrictEqual(two?.members, { added: [], removed: ["B", "C"], changed: [] })
      assert.deepStrictEqual(two?.checks, { added: ["new"], removed: [], changed: ["ssl", "tcp"] })
      assert.deepStrictEqual([two?.settings, two?.sections], [false, []])
      assert.deepStrictEqual(three?.checks, { added: [], removed: ["ssl", "tcp"], changed: [] })
      assert.deepStrictEqual([three?.settings, three?.sections], [true, ["Nats"]])
    }).pipe(
      Effect.scoped,
      Effect.provide(world({
        members: { A: member("a"), B: member("b") },
        local: { Checks: [check("ssl"), check("tcp")] }
      }))
    ))

  it.effect("a change names the sections and the names of records that it concerns, and no others", () =>
    Effect.gen(function*() {
      const seen = yield* watch
      const record = (qname: string, content: string) => ({ qname, qtype: "A", content })
      yield* setDocuments({
        local: {
          Checks: [check("ssl")],
          GeoDNS: { Steering: { Ttl: 9 }, Dns: { Tcp: false } },
          MgmtApi: { ListenPort: 1 }
        },
        staticDns: [
          record("A.example.", "192.0.2.1"),
          record("b.example", "192.0.2.9"),
          record("c.example", "192.0.2.1")
        ]
      })
      yield* reload
      yield* setDocuments({ staticDns: [] })
      yield* reload
      yield* Effect.yieldNow
      const [one, two] = seen
      assert.deepStrictEqual([...one?.sections ?? []].sort(), ["GeoDNS.Dns", "GeoDNS.Steering", "MgmtApi"])
      assert.deepStrictEqual(one?.staticNames, { added: ["c.example"], removed: [], changed: ["b.example"] })
      assert.deepStrictEqual(two?.sections, [])
      assert.deepStrictEqual(two?.staticNames.removed, ["a.example", "b.example", "c.example"])
    }).pipe(
      Effect.scoped,
      Effect.provide(world({
        local: { Checks: [check("ssl")] },
        staticDns: [{ qname: "a.example", qtype: "A", content: "192.0.2.1" }, {
          qname: "b.example",
          qtype: "A",
          content: "192.0.2.1"
        }].map((record) => record.qname === "a.example" ? { ...record, qname: "A.example." } : record)
      }))
    ))

  it.effect("what did not change stays the same object, down to the member", () =>
    Effect.gen(function*() {
      const { members } = yield* current
      yield* setDocuments({ members: { B: member("b", { Override: true }), A: member("a") } })
      yield* reload
      const after = (yield* current).members
      assert.strictEqual(after["A"], members["A"])
      assert.notStrictEqual(after["B"], members["B"])
      yield* breakDocument(
        memoryLocation("MembersConfig"),
        ` ${JSON.stringify(after, null, 1).replace(/"Active": true/g, '"Active": 1')}`
      )
      assert.isFalse((yield* reload).changed)
      assert.strictEqual((yield* current).members, after)
    }).pipe(Effect.provide(world({ members: { A: member("a"), B: member("b") } }))))

  it.effect("a file that is touched is read again without waiting for the time", () =>
    Effect.gen(function*() {
      yield* setDocuments({ members: { B: member("b") } })
      for (let tries = 0; tries < 100 && (yield* current).version === 1; tries++) {
        yield* MemoryDocuments.use((memory) => memory.touch(memoryLocation("MembersConfig")))
        yield* Effect.yieldNow
      }
      assert.deepStrictEqual(Object.keys((yield* current).members), ["B"])
    }).pipe(Effect.provide(world())))

  it.effect("a bad document costs nothing: the last good one stays, the others go on, and it is reported until it is good", () =>
    Effect.gen(function*() {
      const members = { A: member("a") }
      yield* setDocuments({ members: { A: member("a", { Location: { Latitude: 91, Longitude: 0 } }) } })
      yield* setDocuments({ services: { S: service() } })
      const { changed, problems, version } = yield* reload
      assert.deepStrictEqual([changed, version], [true, 2])
      assert.deepStrictEqual(problems, [
        "MembersConfig: A.Location.Latitude: expected a value between -90 and 90, found 91"
      ])
      const snapshot = yield* current
      assert.strictEqual(snapshot.members.A?.Location.Latitude, 1)
      assert.deepStrictEqual(Object.keys(snapshot.services), ["S"])
      assert.strictEqual(snapshot.documents.MembersConfig.problem, problems[0])
      assert.isUndefined(snapshot.documents.ServicesConfig.problem)
      assert.deepStrictEqual(yield* raised, ["config:MembersConfig"])

      yield* MemoryDocuments.use((memory) =>
        memory.fail(memoryLocation("MembersConfig"), new BadStatus({ status: 502 }))
      )
      assert.deepStrictEqual(yield* reload, {
        version: 2,
        changed: false,
        problems: [
          "MembersConfig: expected a document at https://documents.example/MembersConfig.json, " +
          "found the status 502 (ask whoever runs the server)"
        ]
      })
      assert.match((yield* current).documents.MembersConfig.problem ?? "", /status 502/)

      yield* setDocuments({ members })
      assert.deepStrictEqual(yield* reload, { version: 2, changed: false, problems: [] })
      assert.isUndefined((yield* current).documents.MembersConfig.problem)
      assert.deepStrictEqual(yield* raised, [])
    }).pipe(Effect.provide(world({ members: { A: member("a") } }))))

  it.effect("a broken local document keeps the old one, and the shared ones still come from its locations", () =>
    Effect.gen(function*() {
      yield* breakDocument(memoryLocal, '{"System": ')
      yield* setDocuments({ members: { B: member("b") } })
      const report = yield* reload
      assert.deepStrictEqual([report.version, report.problems.length], [2, 1])
      assert.match(report.problems[0]!, /^local: line 1, column 12: expected a value, found the end of the document/)
      const snapshot = yield* current
      assert.deepStrictEqual([snapshot.local.Nats.NodeID, Object.keys(snapshot.members)], ["M1", ["B"]])
      assert.deepStrictEqual(yield* raised, ["config:local"])
      yield* setDocuments({ local: { Nats: { NodeID: "M2" } } })
      yield* reload
      assert.strictEqual((yield* current).local.Nats.NodeID, "M2")
      assert.deepStrictEqual(yield* raised, [])
    }).pipe(Effect.provide(world({ members: { A: member("a") }, local: { Nats: { NodeID: "M1" } } }))))

  it.effect("happens every ConfigReloadTime, and follows its value", () =>
    Effect.gen(function*() {
      const version = Effect.map(current, (snapshot) => snapshot.version)
      const touch = (n: number) => setDocuments({ members: { [`m${n}`]: member("a") } })
      yield* touch(1)
      yield* TestClock.adjust("99 seconds")
      assert.strictEqual(yield* version, 1)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* version, 2)
      yield* setDocuments({ local: { System: { ConfigReloadTime: 10 } } })
      yield* reload
      yield* touch(2)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* version, 4)
      yield* setDocuments({ local: { System: { ConfigReloadTime: 1_000 } } })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* version, 5)
      yield* touch(3)
      yield* TestClock.adjust("999 seconds")
      assert.strictEqual(yield* version, 5)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* version, 6)
    }).pipe(Effect.provide(world({ local: { System: { ConfigReloadTime: 100 } } }))))

  it.effect("is at most once a second, whatever is configured", () =>
    Effect.gen(function*() {
      const reloads = (metrics: string) => Number(/^geodns_config_reloads_total (\d+)$/m.exec(metrics)?.[1] ?? 0)
      const before = reloads(yield* PrometheusMetrics.format())
      yield* TestClock.adjust("10 seconds")
      const metrics = yield* PrometheusMetrics.format()
      assert.strictEqual(reloads(metrics) - before, 10)
      assert.match(metrics, /^geodns_config_version 1$/m)
      assert.match(metrics, /^geodns_config_problems\{document="MembersConfig"\} 0$/m)
    }).pipe(Effect.provide(world({ local: { System: { ConfigReloadTime: 0.001 } } }))))

  it.effect("two at once follow each other; readers see the old version until the new one is whole", () =>
    Effect.gen(function*() {
      const memory = Context.get(
        yield* Layer.build(Documents.layerMemory(encodeMemoryDocuments(minimalDocuments))),
        Documents
      )
      let running = 0
      let most = 0
      const gate = yield* Deferred.make<void>()
      const documents = Layer.succeed(Documents, {
        watch: () => Stream.never,
        read: (location) =>
          Effect.gen(function*() {
            if (location === memoryLocal) most = Math.max(most, ++running)
            if (started && location === memoryLocation("AlertsConfig")) {
              yield* Deferred.await(gate)
              running--
            }
            if (started && location === memoryLocation("MembersConfig")) return JSON.stringify({ A: member("a") })
            return yield* memory.read(location)
          })
      })
      let started = false
      yield* Effect.gen(function*() {
        const config = yield* Config
        running = 0
        started = true
        const both = yield* Effect.forkChild(
          Effect.all([config.reload, config.reload], { concurrency: "unbounded" }),
          { startImmediately: true }
        )
        yield* Effect.yieldNow
        assert.deepStrictEqual((yield* config.current).members, {})
        yield* Deferred.succeed(gate, undefined)
        const reports = yield* Fiber.join(both)
        assert.deepStrictEqual(reports.map(({ changed, version }) => [changed, version]), [[true, 2], [false, 2]])
        assert.strictEqual(most, 1)
      }).pipe(Effect.provide(
        Config.layer({ path: memoryLocal }).pipe(
          Layer.provide([documents, DurableFiles.layerMemory, Conditions.layerMemory])
        )
      ))
    }).pipe(Effect.scoped))

  it.effect("a reader that is slow gets the versions in between as one change", () =>
    Effect.gen(function*() {
      const config = yield* Config
      const gate = yield* Deferred.make<void>()
      const reader = yield* config.changes.pipe(
        Stream.tap(() => Deferred.await(gate)),
        Stream.takeUntil(({ after }) => after.version === 41),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      for (let i = 0; i < 40; i++) {
        yield* setDocuments({ members: { [`m${i}`]: member("a") } })
        yield* config.reload
      }
      yield* Deferred.succeed(gate, undefined)
      const changes = Array.from(yield* Fiber.join(reader))
      assert.isBelow(changes.length, 40)
      assert.strictEqual(changes[0]?.before.version, 1)
      for (const [i, change] of changes.entries()) {
        if (i > 0) assert.strictEqual(change.before, changes[i - 1]!.after)
      }
    }).pipe(Effect.provide(world())))

  it.effect("a defect does not end the reloading", () =>
    Effect.gen(function*() {
      const texts = encodeMemoryDocuments(minimalDocuments)
      let reads = 0
      const documents = Layer.succeed(Documents, {
        watch: () => Stream.never,
        read: (location) => {
          if (location === memoryLocal && ++reads === 2) return Effect.die("boom")
          const text = reads < 3 || location !== memoryLocation("MembersConfig") ? texts[location]! : undefined
          return Effect.succeed(text ?? JSON.stringify({ A: member("a") }))
        }
      })
      yield* Effect.gen(function*() {
        const config = yield* Config
        yield* TestClock.adjust("300 seconds")
        assert.strictEqual((yield* config.current).version, 1)
        yield* TestClock.adjust("300 seconds")
        assert.strictEqual((yield* config.current).version, 2)
      }).pipe(Effect.provide(
        Config.layer({ path: memoryLocal }).pipe(
          Layer.provide([documents, DurableFiles.layerMemory, Conditions.layerMemory])
        )
      ))
    }).pipe(Effect.provide(Logger.layer([]))))
})

describe("Config, secrets", () => {
  it.effect("never stand in a log line, an error, a condition, a report or a snapshot that is printed", () => {
    const planted = "s3cr3t-hunter2"
    const lines: Array<string> = []
    const capture = Logger.layer([Logger.map(Logger.formatJson, (line) => void lines.push(line))])
    const local: RawDocuments["local"] = {
      Nats: { Pass: planted },
      Mysql: { Pass: planted },
      Maxmind: { LicenseKey: planted },
      Matrix: { Password: planted },
      MonitorApi: { AuthKeys: { a: planted } },
      GeoDNS: { Alerts: { Webhooks: [{ Url: "https://hook.example", Secret: planted }] } },
      System: { ConfigUrls: { MembersConfig: `https://u:${planted}@documents.example/m?token=${planted}` } }
    }
    return Effect.gen(function*() {
      const shown: Array<unknown> = []
      const show = Effect.map(current, ({ documents, local: { System: _, ...local } }) => ({ documents, local }))
      shown.push(yield* show, yield* reload)
      yield* setDocuments({ local: { ...local, Nats: { Pass: [planted] as never }, Matrix: planted as never } })
      shown.push(yield* reload)
      yield* breakDocument(memoryLocal, `{"Nats": {"Pass": "${planted}"${planted}`)
      shown.push(yield* reload, yield* show, yield* Conditions.use((conditions) => conditions.current))
      shown.push(yield* Effect.flip(readLocal(memoryLocal)))
      assert.strictEqual(Redacted.value((yield* current).local.Nats.Pass), planted)
      assert.isAbove(lines.length, 0)
      assert.deepStrictEqual(yield* raised, ["config:MembersConfig", "config:local"])
      for (const value of [...shown, ...shown.map(String)]) assert.notInclude(JSON.stringify(value), planted)
      assert.notInclude(lines.join("\n"), planted)
    }).pipe(Effect.provide(world({ local })), Effect.provide(capture))
  })
})

describe("Config over files", () => {
  const fixtures = fileURLToPath(new URL("../fixtures/config/", import.meta.url))
  const folder = Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-config-"))),
    (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
  )
  const layer = (path: string) =>
    Config.layer({ path: join(path, "local.json"), required: ["MembersConfig", "ServicesConfig"] }).pipe(
      Layer.provideMerge(Layer.mergeAll(Documents.layer, DurableFiles.layer(join(path, "work")), Conditions.layer))
    )

  it.live("a complete set: one document that breaks leaves the other five fresh, now and after a restart", () =>
    Effect.gen(function*() {
      const path = yield* folder
      cpSync(fixtures, path, { recursive: true })
      const broken = join(path, "broken-services_rpc_requests.json")
      yield* Effect.gen(function*() {
        const snapshot = yield* current
        assert.deepStrictEqual([Object.keys(snapshot.members).length, Object.keys(snapshot.services).length], [12, 23])
        assert.deepStrictEqual(yield* raised, [])
        cpSync(broken, join(path, "services_rpc_requests.json"))
        const report = yield* reload
        assert.deepStrictEqual([report.version, report.changed, report.problems.length], [1, false, 1])
        assert.match(report.problems[0]!, /^ServicesRequestsConfig: line 1, column 1: expected an object or a list/)
        assert.deepStrictEqual((yield* current).requests, snapshot.requests)
      }).pipe(Effect.provide(layer(path)))
      yield* Effect.gen(function*() {
        const { documents, requests } = yield* current
        assert.deepStrictEqual(Object.keys(requests), ["Paseo"])
        const bad = Object.entries(documents).filter(([, { problem }]) => problem !== undefined)
        assert.deepStrictEqual(bad.map(([key]) => key), ["ServicesRequestsConfig"])
        assert.deepStrictEqual(yield* raised, ["config:ServicesRequestsConfig"])
      }).pipe(Effect.provide(layer(path)))
    }).pipe(Effect.provide(Logger.layer([]))))

  it.live("readLocal gives the local document before everything else", () =>
    Effect.gen(function*() {
      const local = yield* readLocal(join(fixtures, "local.json"))
      assert.strictEqual(local.Nats.NodeID, "MONITOR-EXAMPLE-1")
      assert.match((yield* Effect.flip(readLocal(join(fixtures, "none.json")))).message, /none\.json/)
    }).pipe(Effect.provide(Documents.layer)))
})
