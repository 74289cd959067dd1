import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Subject from "../domain/wire/Subject.ts"
import type { Bus } from "./Bus.ts"

const muted = Metric.counter("geodns_bus_muted_total", {
  description: "Messages and questions that a node in shadow mode did not send",
  incremental: true
})

const subjects: ReadonlySet<string> = new Set(Object.values(Subject).map(({ name }) => name))

/** What a shadow may ask: it tells nobody anything by it, and nobody counts it for asking. */
const questions: ReadonlySet<string> = new Set([Subject.Status.name, Subject.Certificates.name])

/**
 * A bus that hears everything and says nothing: what would go out is counted (`geodns_bus_muted_total`, by subject; answers
 * as `answer`) and counts as sent, while questions get no answers. Only the questions of a shadow go out.
 */
export const makeMutedBus = (bus: Bus["Service"]): Bus["Service"] => {
  const count = (subject: string) =>
    Metric.update(Metric.withAttributes(muted, { subject: subjects.has(subject) ? subject : "answer" }), 1)
  return {
    ...bus,
    publish: (subject) => count(subject),
    askAll: (subject, data, options) =>
      questions.has(subject) ? bus.askAll(subject, data, options) : Effect.as(count(subject), [])
  }
}
