import { Effect, Metric } from "effect"

/** What the counters of a name with these attributes have counted so far. */
export const counted = (name: string, attributes: Readonly<Record<string, string>> = {}): Effect.Effect<number> =>
  Effect.map(
    Metric.snapshot,
    (metrics) =>
      metrics.reduce((sum, metric) =>
        metric.type === "Counter" && metric.id === name
          && Object.entries(attributes).every(([key, value]) => metric.attributes?.[key] === value)
          ? sum + Number(metric.state.count)
          : sum, 0)
  )
