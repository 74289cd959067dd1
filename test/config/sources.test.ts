import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Logger, Redacted } from "effect"
import { inspect } from "node:util"
import { Config, type ConfigOptions } from "../../src/config/Config.ts"
import { Documents, maxDocumentBytes } from "../../src/config/Documents.ts"
import { MemoryDocuments } from "../../src/config/MemoryDocuments.ts"
import { describeProblem } from "../../src/config/Problem.ts"
import { readLocal } from "../../src/config/readDocuments.ts"
import { maxSecretBytes, readLocalDocument } from "../../src/config/readLocalDocument.ts"
import { settingsOf } from "../../src/config/settings.ts"
import type { LocalPart } from "../../src/config/usedSettings.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { DurableFiles } from "../../src/node/DurableFiles.ts"

const path = "/etc/geodns/local.json"
const local = (document: object) => JSON.stringify({ System: { ConfigUrls: {} }, ...document })
const environment = (variables: Readonly<Record<string, unknown>>) =>
  Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(variables))

const read = (
  document: object,
  options: {
    readonly env?: Readonly<Record<string, unknown>>
    readonly files?: Readonly<Record<string, string>>
    readonly uses?: ReadonlyArray<LocalPart>
    readonly location?: string
  } = {}
) =>
  readLocalDocument(local(document), options.location ?? path, options.uses ?? []).pipe(
    environment(options.env ?? {}),
    Effect.provide(Documents.layerMemory(options.files ?? {}))
  )

describe("values that refer to something", () => {
  it.effect("are filled in before decoding, alone or inside a longer text", () =>
    Effect.gen(function*() {
      const { problems, value } = yield* read({
        Nats: { Url: "nats://${HOST}:${PORT},nats://b", User: "$${USER}", Pass: "file:/run/secrets/nats" },
        Mysql: { Port: "${PORT}", Pass: "file:secrets/mysql" },
        Matrix: { Password: "${NOTHING_BUT_TEXT}" }
      }, {
        env: { HOST: "a", PORT: "4222", NOTHING_BUT_TEXT: "file:/etc/shadow ${HOST}" },
        files: { "/run/secrets/nats": "one\n\n", "/etc/geodns/secrets/mysql": "two\r\n" }
      })
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual([value?.Nats.Url, value?.Nats.User], ["nats://a:4222,nats://b", "${USER}"])
      assert.strictEqual(value?.Mysql.Port, 4222)
      assert.strictEqual(Redacted.value(value!.Nats.Pass), "one\n")
      assert.strictEqual(Redacted.value(value!.Mysql.Pass), "two")
      assert.strictEqual(Redacted.value(value!.Matrix.Password), "file:/etc/shadow ${HOST}")
    }))

  it.effect("what is missing is a problem with its path, an error only where the role needs the value", () =>
    Effect.gen(function*() {
      const document = {
        Nats: { Url: "nats://a", Pass: "${NATS_PASS}" },
        Mysql: { Host: "", Pass: "${MYSQL_PASS}" },
        System: { ConfigUrls: {}, WorkDir: "${DIR}/work" },
        Matrix: { HomeServerURL: "https://m.example", Password: "file:/run/none" }
      }
      const { problems, value } = yield* read(document, { uses: ["Nats", "Mysql"] })
      assert.isUndefined(value)
      assert.deepStrictEqual(problems.map((problem) => `${problem.severity} ${describeProblem(problem)}`), [
        "error local: System.WorkDir: expected the environment variable DIR, found nothing (set it for this process)",
        "error local: Nats.Pass: expected the environment variable NATS_PASS, found nothing (set it for this process)",
        "warning local: Mysql.Pass: expected the environment variable MYSQL_PASS, found nothing (set it for this process; until then the value counts as missing)",
        "warning local: Matrix.Password: expected a secret in the file /run/none, found nothing (create it, or name another file; until then the value counts as missing)"
      ])
      const used = yield* read({ Mysql: { Host: "db", Pass: "${P}" } }, { uses: ["Mysql"] })
      assert.isUndefined(used.value)
      const sqlite = { Mysql: { Host: "db", Pass: "${P}" }, GeoDNS: { Store: { Driver: "sqlite" } } }
      assert.strictEqual(Redacted.value((yield* read(sqlite, { uses: ["Mysql"] })).value!.Mysql.Pass), "")
      assert.isDefined((yield* read({ Nats: { Pass: "${P}" } }, { uses: ["Nats"] })).value)
    }))

  it.effect("a key of an API that is not given opens nothing: it is neither empty nor the text itself", () =>
    Effect.gen(function*() {
      const keys = { a: "${UNSET}", b: "", c: "good", d: "file:/run/empty", e: "file:/run/none", f: "${EMPTY}" }
      const { problems, value } = yield* read(
        { MgmtApi: { ListenPort: 1, AuthKeys: keys } },
        { uses: ["MgmtApi"], env: { EMPTY: "" }, files: { "/run/empty": "\n" } }
      )
      assert.deepStrictEqual(Object.keys(value!.MgmtApi.AuthKeys), ["c"])
      assert.deepStrictEqual(problems.map(({ path, severity }) => `${severity} ${path}`).sort(), [
        "warning MgmtApi.AuthKeys.a",
        "warning MgmtApi.AuthKeys.b",
        "warning MgmtApi.AuthKeys.d",
        "warning MgmtApi.AuthKeys.e",
        "warning MgmtApi.AuthKeys.f"
      ])
      const malformed = yield* read({ MgmtApi: { AuthKeys: { a: "${DASH-KEY}" } } })
      assert.isUndefined(malformed.value)
      assert.match(describeProblem(malformed.problems[0]!), /the name of a variable in \$\{…\}.*write \$\$\{/)
    }))

  it.effect("a file is bounded, and read again", () =>
    Effect.gen(function*() {
      const files = { "/run/long": "x".repeat(maxSecretBytes + 1), "/run/fits": "x".repeat(maxSecretBytes) }
      const { problems, value } = yield* read(
        { Nats: { Url: "x", Pass: "file:/run/long" }, Matrix: { Password: "file:/run/fits" } },
        { files, uses: ["Nats"] }
      )
      assert.isUndefined(value)
      assert.deepStrictEqual(problems.map(describeProblem), [
        "local: Nats.Pass: expected a secret in the file /run/long, found more than 65536 bytes (is this the right location?)"
      ])
      assert.isAbove(maxDocumentBytes, maxSecretBytes)
    }))

  it.effect("a document from the web reads nothing of this machine; its settings may come from the environment", () =>
    Effect.gen(function*() {
      const location = "https://documents.example/local.json"
      const env = { HOME: "planted", GEODNS_NATS_PASS: "given" }
      const bad = { System: { ConfigUrls: { MembersConfig: "https://x.example/${HOME}" } } }
      const refused = yield* read(bad, { location, env, files: { "/etc/passwd": "planted" } })
      assert.isUndefined(refused.value)
      assert.match(describeProblem(refused.problems[0]!), /found the name of an environment variable .* from the web/)
      const files = { "/etc/passwd": "planted" }
      const taken = yield* read({ Nats: { User: "file:/etc/passwd", Pass: "${HOME}" } }, { location, env, files })
      assert.strictEqual(taken.value?.Nats.User, "")
      assert.strictEqual(Redacted.value(taken.value!.Nats.Pass), "given")
      assert.notInclude(JSON.stringify([refused, taken.value, taken.problems]), "planted")
    }))

  it.effect("what was filled in is never shown, wherever it stands and whatever is wrong with it", () =>
    Effect.gen(function*() {
      const planted = "s3cr3t-hunter2"
      const { problems, value } = yield* read({
        System: { ConfigUrls: {}, ConfigReloadTime: "${X}" },
        DnsApi: { ListenPort: "file:/run/x" },
        Checks: [{ Name: "a", Enabled: 1, CheckType: "${X}" }],
        GeoDNS: { Dns: { Listen: "${X}" } }
      }, { env: { X: planted, GEODNS_MONITOR_API_LISTEN_PORT: planted }, files: { "/run/x": planted } })
      assert.isUndefined(value)
      assert.strictEqual(problems.length, 5)
      assert.match(
        problems.map(describeProblem).join("\n"),
        /DnsApi\.ListenPort: .*found what file:\/run\/x gives, which is not shown/
      )
      assert.notInclude(JSON.stringify(problems), planted)
    }))
})

describe("the environment", () => {
  it("names every setting once, from its path", () => {
    const names = settingsOf().flatMap(({ variable }) => variable ?? [])
    assert.isAbove(names.length, 80)
    assert.strictEqual(new Set(names).size, names.length)
    for (const name of names) assert.match(name, /^GEODNS(_[A-Z0-9]+)+$/)
    for (const name of ["GEODNS_NATS_URL", "GEODNS_SYSTEM_WORK_DIR", "GEODNS_NATS_NODE_ID", "GEODNS_MYSQL_DB"]) {
      assert.include(names, name)
    }
  })

  it.effect("wins over the document: texts, numbers, switches, lists and objects", () =>
    Effect.gen(function*() {
      const { problems, value } = yield* read({ Nats: { Url: "old", User: "stays" }, Checks: [] }, {
        env: {
          GEODNS_NATS_URL: "new ${X}",
          GEODNS_NATS_PASS: "file:/run/p",
          GEODNS_SYSTEM_CONFIG_RELOAD_TIME: "60",
          GEODNS_GEO_DNS_DNS_TCP: "false",
          GEODNS_GEO_DNS_STORE_TLS_VERIFY: "0",
          GEODNS_DNS_API_LISTEN_PORT: "53",
          GEODNS_CHECKS: '[{"Name": "ssl", "Enabled": 1, "CheckType": "domain"}]',
          GEODNS_MGMT_API_AUTH_KEYS: '{"me": "file:/run/p"}',
          GEODNS_GEO_DNS_CONSENSUS_ROSTER: "roster.json"
        },
        files: { "/run/p": "pass\n" }
      })
      assert.deepStrictEqual(problems, [])
      assert.deepStrictEqual([value?.Nats.Url, value?.Nats.User], ["new ${X}", "stays"])
      assert.strictEqual(Redacted.value(value!.Nats.Pass), "pass")
      assert.deepStrictEqual([value?.System.ConfigReloadTime, value?.DnsApi.ListenPort], [60, 53])
      assert.deepStrictEqual([value?.GeoDNS.Dns.Tcp, value?.GeoDNS.Store.Tls?.Verify], [false, false])
      assert.deepStrictEqual(value?.Checks.map(({ Name }) => Name), ["ssl"])
      assert.strictEqual(Redacted.value(value!.MgmtApi.AuthKeys["me"]!), "pass")
      assert.strictEqual(value?.GeoDNS.Consensus.Roster, "roster.json")
    }))

  it.effect("what does not fit is an error without the value; what nothing reads names the nearest", () =>
    Effect.gen(function*() {
      const env = {
        GEODNS_CHECKS: "planted{",
        GEODNS_SYSTEM_CONFIG_RELOAD_TIME: "planted",
        GEODNS_NATS_URI: "planted",
        GEODNS_KEY: "planted"
      }
      const { problems } = yield* read({}, { env })
      assert.deepStrictEqual(problems.map((problem) => `${problem.severity} ${describeProblem(problem)}`), [
        "error local: Checks: expected list as JSON in GEODNS_CHECKS, found a text that is no JSON, and is not shown (as '[\"…\"]')",
        'warning local: expected no variable GEODNS_NATS_URI, as there is no such setting, found one in the environment (did you mean "GEODNS_NATS_URL"?)',
        "error local: System.ConfigReloadTime: expected a number, found what GEODNS_SYSTEM_CONFIG_RELOAD_TIME gives, which is not shown"
      ])
    }))

  it.effect("an environment as the operating system gives it is read the same", () =>
    Effect.gen(function*() {
      const env = { GEODNS_NATS_URL: "nats://x", GEODNS_NATS_URI: "x", GEODNS: "x", PATH: "/bin", X: "y" }
      const { problems, value } = yield* readLocalDocument(local({ Nats: { User: "${X}" } }), path, []).pipe(
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })),
        Effect.provide(Documents.layerMemory())
      )
      assert.deepStrictEqual([value?.Nats.Url, value?.Nats.User], ["nats://x", "y"])
      assert.deepStrictEqual(problems.map(({ expected }) => expected.split(",")[0]), [
        "no variable GEODNS",
        "no variable GEODNS_NATS_URI"
      ])
    }))

  const world = (
    layer: Layer.Layer<Config, unknown, Documents | DurableFiles | Conditions>,
    documents: Readonly<Record<string, string>> = {}
  ) =>
    layer.pipe(
      Layer.provideMerge(
        Layer.mergeAll(Documents.layerMemory(documents), DurableFiles.layerMemory, Conditions.layerMemory)
      )
    )

  it.effect("is enough: no file at all is needed", () =>
    Effect.gen(function*() {
      const { local, members } = yield* Config.use((config) => config.current)
      assert.deepStrictEqual([local.Nats.NodeID, Object.keys(members)], ["M1", []])
      assert.strictEqual((yield* readLocal(undefined)).System.WorkDir, "/var/lib/geodns")
      // Whoever reloads, the variables are those of the node.
      assert.isFalse((yield* Config.use((config) => config.reload).pipe(environment({}))).changed)
    }).pipe(
      Effect.provide(world(Config.layerConfig({ required: ["MembersConfig"] }), { "/srv/members.json": "{}" })),
      environment({
        GEODNS_NATS_NODE_ID: "M1",
        GEODNS_SYSTEM_WORK_DIR: "/var/lib/geodns",
        GEODNS_SYSTEM_CONFIG_URLS_MEMBERS_CONFIG: "/srv/members.json"
      })
    ))

  it.effect("a secret in a file is read again at every reload, and one that vanished keeps the old settings", () => {
    const options: ConfigOptions & { readonly path: string } = { path, uses: ["Nats"] }
    return Effect.gen(function*() {
      const config = yield* Config
      const pass = Effect.map(config.current, ({ local }) => Redacted.value(local.Nats.Pass))
      assert.strictEqual(yield* pass, "one")
      yield* MemoryDocuments.use((memory) => memory.set("/run/p", "two"))
      assert.deepStrictEqual(yield* config.reload, { version: 2, changed: true, problems: [] })
      assert.strictEqual(yield* pass, "two")
      yield* MemoryDocuments.use((memory) => memory.remove("/run/p"))
      assert.strictEqual((yield* config.reload).problems.length, 1)
      assert.strictEqual(yield* pass, "two")
    }).pipe(Effect.provide(world(Config.layer(options), {
      [path]: local({ Nats: { Url: "nats://x", Pass: "file:/run/p" } }),
      "/run/p": "one\n"
    })))
  })

  it.effect("a token that is filled into a location is shown nowhere: errors, conditions, logs, files on the disk", () => {
    const planted = "s3cr3t-hunter2"
    const lines: Array<string> = []
    const capture = Logger.layer([Logger.map(Logger.formatJson, (line) => void lines.push(line))])
    const url = `https://documents.example/${planted}/members.json`
    return Effect.gen(function*() {
      const config = yield* Config
      const shown = "https://documents.example/${TOKEN}/members.json"
      assert.strictEqual((yield* config.current).documents.MembersConfig.location, shown)
      const kept = yield* DurableFiles.use((files) => files.read("config-MembersConfig.json"))
      yield* MemoryDocuments.use((memory) => memory.remove(url))
      const report = yield* config.reload
      assert.deepStrictEqual(report.problems.length, 1)
      assert.include(report.problems[0], shown)
      const { documents, local: { System: _, ...rest } } = yield* config.current
      const conditions = yield* Conditions.use((conditions) => conditions.current)
      const everything = inspect([report, conditions, documents, rest, kept, lines], { depth: 20 })
      assert.include(everything, "${TOKEN}")
      assert.notInclude(everything, planted)
      const broken = local({
        System: { ConfigUrls: { MembersConfig: "https://documents.example/${TOKEN}/members.json" } },
        Nats: 5
      })
      yield* MemoryDocuments.use((memory) => memory.set(path, broken))
      assert.notInclude(inspect([yield* config.reload, lines], { depth: 20 }), planted)
      const error = yield* Effect.flip(readLocal(path))
      assert.notInclude(inspect(error, { depth: 20 }) + error.message, planted)
    }).pipe(
      Effect.provide(world(Config.layer({ path }), {
        [path]: local({
          System: { ConfigUrls: { MembersConfig: "https://documents.example/${TOKEN}/members.json" } },
          Matrix: { Password: "${TOKEN}" }
        }),
        [url]: "{}"
      })),
      environment({ TOKEN: planted }),
      Effect.provide(capture)
    )
  })
})
