import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join, resolve } from "node:path"
import { Bus } from "../../src/bus/Bus.ts"
import * as consensus from "../../src/consensus/metrics.ts"
import { Metrics } from "../../src/http/index.ts"
import * as monitor from "../../src/monitor/metrics.ts"
import { Overrides } from "../../src/status/Overrides.ts"
import { Shadow } from "../../src/status/Shadow.ts"
import { ask, served } from "./client.ts"
import * as Fakes from "./fakes.ts"
import { parseExposition } from "./prometheus.ts"

const root = resolve(import.meta.dirname, "../..")
const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    return statSync(path).isDirectory() ? filesBelow(path) : [path]
  })
const namesIn = (text: string, pattern: RegExp) => new Set([...text.matchAll(pattern)].map(([, name]) => name!))
const source = filesBelow(join(root, "src")).map((file) => readFileSync(file, "utf8")).join("\n")
const definitions = /"(geodns_[a-z0-9_]+)"/g
const defined = namesIn(source, definitions)
const inDocs = (file: string) => namesIn(readFileSync(join(root, "docs", file), "utf8"), /`(geodns_[a-z0-9_]+)/g)

const hostile = 'a"b\\c\nd{}'

describe("/metrics", () => {
  it.live("is what Prometheus reads, whatever names there are", () =>
    Effect.gen(function*() {
      yield* ask("/metrics")
      yield* Effect.forEach([0.001, 0.2, 3, 1000], (seconds) => Metric.update(monitor.duration, seconds))
      yield* Effect.forEach([0.02, 40, 1000], (seconds) => Metric.update(consensus.latency, seconds))
      yield* Metric.update(Metric.withAttributes(consensus.dropped, { what: hostile, reason: "x" }), 2)
      yield* Metric.update(monitor.outcomes.up, 5)
      const { text } = yield* ask("/metrics")
      const families = parseExposition(text)
      const values = (name: string) => families.get(name)?.samples.map(({ labels, value }) => [labels, value])

      assert.strictEqual(families.get("geodns_official_up")!.samples[0]!.labels["member"], hostile)
      assert.deepStrictEqual<unknown>(values("geodns_consensus_dropped_total"), [[{ what: hostile, reason: "x" }, 2]])
      assert.strictEqual(families.get("geodns_probe_duration_seconds")!.type, "histogram")
      assert.deepStrictEqual(
        families.get("geodns_probe_duration_seconds")!.samples.filter(({ name }) => name.endsWith("_count"))
          .map(({ value }) => value),
        [4]
      )
      assert.deepStrictEqual<unknown>(values("geodns_bus_connected"), [[{}, 0]])
      assert.deepInclude<unknown>(values("geodns_overrides"), [{ kind: "override", state: "active" }, 1])
      assert.deepStrictEqual<unknown>(values("geodns_shadow_differences"), [[{}, 1]])
      assert.deepStrictEqual(values("geodns_config_age_seconds")!.length, 1)
      assert.match(families.get("geodns_build_info")!.samples[0]!.labels["version"]!, /^\d+\.\d+\.\d+/)
      assert.isAbove(families.get("geodns_process_resident_memory_bytes")!.samples[0]!.value, 1e6)
      assert.deepStrictEqual(families.get("geodns_process_cpu_seconds_total")!.type, "counter")
      for (const { value } of families.get("geodns_process_event_loop_lag_seconds")!.samples) assert.isBelow(value, 60)
      for (const name of families.keys()) assert.isTrue(defined.has(name), `${name} is defined in src`)
    }).pipe(
      Effect.provide(served(Metrics.layer.pipe(Layer.provide([
        Fakes.identity,
        Fakes.officialStatus([Fakes.official(Fakes.site(hostile)), Fakes.official(Fakes.site("Amber"))]),
        Fakes.membership([Fakes.node("mon-1", "IBPMonitor")], ["mon-1"]),
        Fakes.config(Fakes.snapshotOf({})),
        Fakes.geoIp,
        Layer.mock(Bus, { connected: Effect.succeed(false) }),
        Layer.mock(Overrides, {
          list: Effect.succeed([{
            id: "o",
            kind: "override" as const,
            member: hostile,
            reason: "",
            author: "",
            node: "",
            at: 1,
            from: 1,
            until: undefined,
            ended: undefined
          }])
        }),
        Layer.mock(Shadow, {
          comparison: Effect.succeed({
            against: "x",
            at: undefined,
            problem: undefined,
            compared: 2,
            agreed: 1,
            differences: [{ target: Fakes.site("Amber"), here: true, there: false, since: 1 }]
          })
        })
      ])))),
      Effect.provide(Layer.sync(Metric.MetricRegistry, () => new Map()))
    ))

  it("are each defined in one place: Prometheus takes no metric twice", () => {
    const all = [...source.matchAll(definitions)].map(([, name]) => name)
    assert.deepStrictEqual(all.filter((name, i) => all.indexOf(name) !== i), [])
  })

  it("are all described, and none that is described is missing", () => {
    assert.deepStrictEqual([...defined].filter((name) => !inDocs("metrics.md").has(name)), [])
    for (const file of ["metrics.md", "operations.md"]) {
      assert.deepStrictEqual([...inDocs(file)].filter((name) => !defined.has(name)), [], file)
    }
  })
})

describe("the parser of these tests", () => {
  it("refuses what is not the format", () => {
    const head = "# HELP a b\n# TYPE a gauge\n"
    assert.strictEqual(parseExposition(`${head}a 1\n`).size, 1)
    for (
      const bad of [
        "a 1\n",
        `${head}a 1`,
        `${head}a one\n`,
        `${head}a{x="1} 1\n`,
        `${head}a{x="1",} 1\n`,
        `${head}a{x="1",x="2"} 1\n`,
        `${head}a 1\na 2\n`,
        `${head}a 1\n${head}a{x="1"} 1\n`,
        `${head}b 1\n`,
        `${head}`,
        '# HELP a b\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
        '# HELP a b\n# TYPE a histogram\na_bucket{le="+Inf"} 1\na_sum 1\na_count 2\n'
      ]
    ) assert.throws(() => parseExposition(bad), undefined, undefined, bad)
  })
})
