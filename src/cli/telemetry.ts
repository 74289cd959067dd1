import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Layer from "effect/Layer"
import * as OtlpLogger from "effect/observability/OtlpLogger"
import * as OtlpMetrics from "effect/observability/OtlpMetrics"
import * as OtlpSerialization from "effect/observability/OtlpSerialization"
import * as OtlpTracer from "effect/observability/OtlpTracer"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { packageVersion } from "../node/packageVersion.ts"

/** Where a collector is, by the variables that every OpenTelemetry SDK knows. Any of them switches the export on. */
const endpoints = ["", "TRACES_", "METRICS_", "LOGS_"].map((signal) => `OTEL_EXPORTER_OTLP_${signal}ENDPOINT`)

const isConfigured = Effect.forEach(endpoints, (name) => Config.String(name).pipe(Config.withDefault(""))).pipe(
  Effect.map((values) => values.some((value) => value !== ""))
)

/** What the standard says when nothing is said; the name is ours. */
const defaults = ConfigProvider.fromUnknown({
  OTEL_SERVICE_NAME: "geodns",
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_LOGS_EXPORTER: "otlp"
})

/** Requests under way at once, each with up to 1,000 records. */
const maxRequests = 4

/** A collector that does not answer holds no more than so many requests, and each only for 5 seconds. */
const client = Layer.effect(
  HttpClient.HttpClient,
  Effect.gen(function*() {
    const requests = yield* Semaphore.make(maxRequests)
    return HttpClient.transform(yield* HttpClient.HttpClient, (send, request) => {
      const failed = (description: string) =>
        new HttpClientError.HttpClientError({
          reason: new HttpClientError.TransportError({ request, cause: undefined, description })
        })
      return send.pipe(
        Effect.timeoutOrElse({
          duration: "5 seconds",
          orElse: () => Effect.fail(failed("the collector did not answer within 5 s"))
        }),
        requests.withPermitsIfAvailable(1),
        Effect.flatMap(Effect.fromOption),
        Effect.catchTag("NoSuchElementError", () => Effect.fail(failed("the collector is too slow")))
      )
    })
  })
).pipe(Layer.provide(FetchHttpClient.layer))

const serialization = Layer.unwrap(
  Config.Literals(["http/json", "http/protobuf"], "OTEL_EXPORTER_OTLP_PROTOCOL").pipe(
    Config.withDefault("http/json"),
    Effect.map((protocol) => protocol === "http/json" ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf)
  )
)

/**
 * An export that the environment asks for, and that never stops or delays a node: what is wrong with its settings is
 * logged; what is left at the end is sent for two seconds. While the collector is away what is new is dropped.
 */
const whenConfigured = <A>(
  exporter: Layer.Layer<A, never, HttpClient.HttpClient | OtlpSerialization.OtlpSerialization>
): Layer.Layer<never> =>
  Layer.effectContext(Effect.gen(function*() {
    if (!(yield* Effect.orElseSucceed(isConfigured, () => false))) return Context.empty()
    const exporting = yield* Scope.make()
    yield* Effect.addFinalizer(() =>
      Scope.close(exporting, Exit.void).pipe(
        Effect.forkDetach,
        Effect.flatMap(Fiber.await),
        Effect.interruptible,
        Effect.timeoutOption("2 seconds")
      )
    )
    return yield* Layer.buildWithScope(Layer.provide(exporter, [client, serialization]), exporting).pipe(
      Effect.provide(ConfigProvider.layerAdd(defaults)),
      Effect.catchCause((cause) =>
        Effect.as(
          Effect.logWarning(
            `Nothing is exported to OpenTelemetry, because of its settings (OTEL_…): ${
              Cause.pretty(cause).split(/\n {4}at /, 1)[0]!.replace(/\s+/g, " ")
            }`
          ),
          Context.empty()
        )
      )
    )
  })) as Layer.Layer<never>

/** An exporter that tells our version, where the environment gives no other. */
const withVersion = <A, E, R>(
  exporter: (options: { readonly resource: { readonly serviceVersion: string } }) => Layer.Layer<A, E, R>
): Layer.Layer<A, E, R> =>
  Layer.unwrap(Effect.map(packageVersion, (serviceVersion) => exporter({ resource: { serviceVersion } })))

/** Logs and traces to OpenTelemetry, when `OTEL_EXPORTER_OTLP_ENDPOINT` is set. Outside of everything that logs. */
export const logsAndTraces: Layer.Layer<never> = Layer.merge(
  whenConfigured(withVersion(OtlpLogger.layerFromConfig)),
  whenConfigured(withVersion(OtlpTracer.layerFromConfig))
)

/** The metrics of a node to OpenTelemetry, when it is asked for. Over the node: each has a registry of its own. */
export const metrics: Layer.Layer<never> = whenConfigured(withVersion(OtlpMetrics.layerFromConfig))
