import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect } from "effect"
import { fileURLToPath } from "node:url"
import { checkDocuments } from "../../src/config/checkDocuments.ts"
import { Documents } from "../../src/config/Documents.ts"
import { encodeMemoryDocuments, memoryLocal, memoryLocation, minimalDocuments } from "../../src/config/memoryConfig.ts"
import { describeProblem } from "../../src/config/Problem.ts"

const fixture = fileURLToPath(new URL("../fixtures/config/local.json", import.meta.url))

const secrets = { NATS_PASS: "a", MYSQL_PASS: "b", DASHBOARD_KEY: "c" }

describe("checkDocuments", () => {
  it.live("a complete set of v2 documents has no errors; what nothing reads is named", () =>
    Effect.gen(function*() {
      const problems = yield* checkDocuments(fixture)
      assert.deepStrictEqual(problems.filter(({ severity }) => severity === "error"), [])
      const lines = problems.map(describeProblem)
      assert.isTrue(lines.some((line) => line.startsWith("AlertsConfig: telegram: expected a known key")))
      assert.deepStrictEqual(problems.filter(({ document }) => document === "local"), [])
    }).pipe(
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown(secrets)),
      Effect.provide(Documents.layer)
    ))

  it.live("variables that are not set are named, and stop nobody who does not need them", () =>
    Effect.gen(function*() {
      const problems = yield* checkDocuments(fixture)
      assert.deepStrictEqual(problems.filter(({ document }) => document === "local").map(describeProblem), [
        "local: Nats.Pass: expected the environment variable NATS_PASS, found nothing (set it for this process; until then the value counts as missing)",
        "local: Mysql.Pass: expected the environment variable MYSQL_PASS, found nothing (set it for this process; until then the value counts as missing)",
        "local: CollatorApi.AuthKeys.dashboard: expected the environment variable DASHBOARD_KEY, found nothing (set it for this process; until then this key opens nothing)"
      ])
      assert.isFalse(problems.some(({ severity }) => severity === "error"))
    }).pipe(
      Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromUnknown({})),
      Effect.provide(Documents.layer)
    ))

  it.effect("names every problem of every document in their order, even when the local one is invalid", () => {
    const texts = encodeMemoryDocuments(minimalDocuments)
    const documents = Documents.layerMemory({
      [memoryLocal]: texts[memoryLocal]!.replace("{", '{"Checks": [{"Name": 5}],'),
      [memoryLocation("StaticDNSConfig")]: "[{}]",
      [memoryLocation("MembersConfig")]: '{"A": 1, "B": 2}',
      [memoryLocation("AlertsConfig")]: '{"matrx": {}}'
    })
    return Effect.gen(function*() {
      const problems = yield* checkDocuments(memoryLocal)
      assert.deepStrictEqual(problems.map(({ document, path, severity }) => `${severity} ${document} ${path}`), [
        "error local Checks[0].Name",
        "error local Checks[0].Enabled",
        "error local Checks[0].CheckType",
        "error StaticDNSConfig [0].qname",
        "error StaticDNSConfig [0].qtype",
        "error StaticDNSConfig [0].content",
        "error MembersConfig A",
        "error MembersConfig B",
        "error ServicesConfig ",
        "error IaasPricingConfig ",
        "error ServicesRequestsConfig ",
        "warning AlertsConfig matrx"
      ])
    }).pipe(Effect.provide(documents))
  })

  it.effect("a local document that is not there is the one problem", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* checkDocuments(memoryLocal)).map(({ document }) => document), ["local"])
    }).pipe(Effect.provide(Documents.layerMemory())))
})
