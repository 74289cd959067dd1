import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import { join } from "node:path"
import { collector } from "./collector.ts"
import { eventually, lines, startProgram } from "./geodns.ts"

const child = join(import.meta.dirname, "telemetry.child.ts")

/** Stops a service, and says what it wrote, its exit code and how many milliseconds it took. */
const stopped = Effect.fnUntraced(function*(running: Effect.Success<ReturnType<typeof startProgram>>) {
  const began = yield* Clock.currentTimeMillis
  yield* running.kill("SIGTERM")
  const ended = yield* running.ended
  return { ...ended, took: (yield* Clock.currentTimeMillis) - began }
})

const attribute = (attributes: ReadonlyArray<any>, key: string) =>
  attributes.find((one) => one.key === key)?.value.stringValue

/** The values at a path of field numbers in a message of protobuf. Throws when it is none. */
const fieldsAt = (message: Buffer, [field, ...path]: ReadonlyArray<number>): ReadonlyArray<Buffer> => {
  let at = 0
  const varint = () => {
    for (let value = 0n, shift = 0n;; shift += 7n) {
      const byte = message.readUInt8(at++)
      value |= BigInt(byte & 127) << shift
      if (byte < 128) return Number(value)
    }
  }
  const found: Array<Buffer> = []
  while (at < message.length) {
    const tag = varint()
    const wire = tag & 7
    if (wire === 0) varint()
    else if (wire === 1 || wire === 5) at += wire === 1 ? 8 : 4
    else {
      assert.strictEqual(wire, 2)
      const length = varint()
      const value = message.subarray(at, at += length)
      assert.strictEqual(value.length, length)
      if (tag >> 3 === field) found.push(...path.length === 0 ? [value] : fieldsAt(value, path))
    }
  }
  assert.strictEqual(at, message.length)
  return found
}

describe.concurrent("the export to OpenTelemetry", () => {
  it.live(
    "sends logs, traces and metrics of a node, with what the environment says, and no secret",
    () =>
      Effect.gen(function*() {
        const to = yield* collector("at once")
        const running = yield* startProgram(child, [], {
          env: {
            OTEL_EXPORTER_OTLP_ENDPOINT: to.url,
            OTEL_EXPORTER_OTLP_HEADERS: "x-team=geo%20dns",
            OTEL_RESOURCE_ATTRIBUTES: "service.instance.id=dns-1,region=eu",
            OTEL_METRIC_EXPORT_INTERVAL: "200"
          }
        })
        yield* running.says(/runs/)
        for (const path of ["/v1/logs", "/v1/traces", "/v1/metrics"]) {
          yield* eventually(
            path,
            Effect.sync(() => Option.fromUndefinedOr(to.received.find((one) => one.path === path)))
          )
        }
        const { code, stderr, took } = yield* stopped(running)
        assert.strictEqual(code, 0, stderr)
        assert.isBelow(took, 3_000)
        const first = (path: string) => JSON.parse(to.received.find((one) => one.path === path)!.text)
        const { resource, scopeLogs } = first("/v1/logs").resourceLogs[0]
        assert.strictEqual(attribute(resource.attributes, "service.name"), "geodns")
        assert.strictEqual(attribute(resource.attributes, "service.instance.id"), "dns-1")
        assert.strictEqual(attribute(resource.attributes, "region"), "eu")
        const [record] = scopeLogs[0].logRecords
        assert.strictEqual(record.severityText, "Info")
        assert.strictEqual(attribute(record.attributes, "node"), "dns-1")
        const spans = first("/v1/traces").resourceSpans[0].scopeSpans[0].spans
        assert.include(spans.map(({ name }: { readonly name: string }) => name), "Test.work")
        assert.strictEqual(record.traceId, spans[0].traceId)
        const metrics = first("/v1/metrics").resourceMetrics[0].scopeMetrics[0].metrics
        const counter = metrics.find(({ name }: { readonly name: string }) => name === "geodns_test_answers_total")
        assert.strictEqual(Number(counter.sum.dataPoints[0].asDouble ?? counter.sum.dataPoints[0].asInt), 7)
        for (const { headers, text } of to.received) {
          assert.strictEqual(headers["x-team"], "geo dns")
          assert.notInclude(text, "planted")
        }
        assert.notInclude(stderr, "planted")
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "speaks protobuf when it is asked to",
    () =>
      Effect.gen(function*() {
        const to = yield* collector("at once")
        const running = yield* startProgram(child, [], {
          env: {
            OTEL_EXPORTER_OTLP_ENDPOINT: to.url,
            OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
            OTEL_METRIC_EXPORT_INTERVAL: "200"
          }
        })
        yield* running.says(/runs/)
        const sent = (path: string) =>
          eventually(path, Effect.sync(() => Option.fromUndefinedOr(to.received.find((one) => one.path === path))))
        const [logs, traces, metrics] = yield* Effect.all([sent("/v1/logs"), sent("/v1/traces"), sent("/v1/metrics")])
        assert.strictEqual((yield* stopped(running)).code, 0)
        for (const { headers } of [logs, traces, metrics]) {
          assert.strictEqual(headers["content-type"], "application/x-protobuf")
        }
        // By the numbers of opentelemetry-proto: resource_logs.scope_logs.log_records.body.array_value.values.string_value, and so on.
        const text = (values: ReadonlyArray<Buffer>) => values.map(String)
        assert.include(text(fieldsAt(logs.body, [1, 2, 2, 5, 5, 1, 1])), "began")
        assert.include(text(fieldsAt(logs.body, [1, 1, 1, 1])), "service.name")
        assert.include(text(fieldsAt(traces.body, [1, 2, 2, 5])), "Test.work")
        assert.include(text(fieldsAt(metrics.body, [1, 2, 2, 1])), "geodns_test_answers_total")
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "costs next to nothing when the collector hangs, and delays the end by two seconds at most",
    () =>
      Effect.gen(function*() {
        const to = yield* collector("never")
        const running = yield* startProgram(child, ["20000"], { env: { OTEL_EXPORTER_OTLP_ENDPOINT: to.url } })
        yield* running.says(/runs/)
        yield* eventually("a request", Effect.sync(() => Option.fromUndefinedOr(to.received[0])))
        const { code, took } = yield* stopped(running)
        assert.strictEqual(code, 0)
        assert.isBelow(took, 4_500)
        assert.isAtMost(to.waiting(), 8)
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("stops no node when its settings are wrong, or nobody listens", () =>
    Effect.gen(function*() {
      for (
        const [env, warning] of [
          [{ OTEL_EXPORTER_OTLP_ENDPOINT: "no url" }, /Nothing is exported to OpenTelemetry/],
          [
            { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
            /Nothing is exported to OpenTelemetry.*Expected.*http\/json/
          ],
          [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1" }, undefined],
          [{}, undefined]
        ] as const
      ) {
        const running = yield* startProgram(child, [], { env })
        yield* running.says(/runs/)
        const { code, stderr, took } = yield* stopped(running)
        assert.strictEqual(code, 0, stderr)
        assert.isBelow(took, 4_500)
        if (warning === undefined) assert.notInclude(stderr, "Nothing is exported")
        else assert.match(stderr, warning)
      }
    }).pipe(Effect.scoped), 120_000)

  it.live("leaves the log as it is: one JSON object a line, or for people when asked so", () =>
    Effect.gen(function*() {
      const json = yield* startProgram(child, ["1"])
      yield* json.says(/runs/)
      const written = lines((yield* stopped(json)).stderr).map((line) => JSON.parse(line))
      assert.deepStrictEqual(written.map(({ level }) => level), ["INFO", "INFO"])
      assert.deepStrictEqual(Object.keys(written[0]).slice().sort(), [
        "annotations",
        "fiberId",
        "level",
        "message",
        "spans",
        "timestamp"
      ])
      assert.deepStrictEqual(written[0].annotations.node, "dns-1")
      assert.notInclude(JSON.stringify(written), "planted")
      assert.isFalse(Number.isNaN(Date.parse(written[0].timestamp)))
      const pretty = yield* startProgram(child, ["1"], { env: { GEODNS_LOG_FORMAT: "pretty" } })
      yield* pretty.says(/runs/)
      const { stderr } = yield* stopped(pretty)
      assert.match(stderr, /^\[.*\] INFO .*: line 0$/m)
      assert.notInclude(stderr, "planted")
    }).pipe(Effect.scoped), 120_000)
})
