import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as logging from "../../src/cli/logging.ts"
import { runNode } from "../../src/cli/runNode.ts"
import { teardown } from "../../src/cli/teardown.ts"
import { Config } from "../../src/config/Config.ts"

class Work extends Context.Service<Work, void>()("effect-geodns/test/Work") {}

const answered = Metric.counter("geodns_test_answers_total", { incremental: true })

/** A node of a test: it has a registry of its own, counts, logs as much as the first argument says, and has a span. */
const node = Layer.effect(
  Work,
  Effect.gen(function*() {
    yield* Metric.update(answered, 7)
    yield* Effect.logInfo("began", Redacted.make("planted-secret")).pipe(
      Effect.annotateLogs({ node: "dns-1", key: Redacted.make("planted-secret") }),
      Effect.withSpan("Test.work")
    )
    for (let i = 0; i < Number(process.argv[2] ?? 0); i++) yield* Effect.logInfo(`line ${i}`)
    yield* Effect.sync(() => console.log("runs"))
  })
).pipe(
  Layer.provideMerge(Config.layerMemory()),
  Layer.provideMerge(Layer.sync(Metric.MetricRegistry, () => new Map()))
)

NodeRuntime.runMain(Effect.provide(runNode(node), logging.layer), { teardown })
