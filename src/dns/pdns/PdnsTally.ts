import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"

const requests = Metric.counter("geodns_pdns_requests_total", {
  description: "Requests of PowerDNS, by method",
  incremental: true
})

const dropped = Metric.counter("geodns_pdns_dropped_total", {
  description: "Requests and connections of PowerDNS that got no proper answer",
  incremental: true
})

const openConnections = Metric.gauge("geodns_pdns_connections", {
  description: "Connections of PowerDNS that are open"
})

/**
 * Why there was no proper answer: what came was no request, or too long; something of ours failed; there were too many
 * connections; a request or its answer took too long on its way; or one came over HTTP before the last was answered.
 */
export type PdnsDrop = "malformed" | "length" | "defect" | "connections" | "slow" | "pipelined"

/** Methods with a name of their own in the metrics; the rest is `other`. */
const known = new Set([
  "initialize",
  "lookup",
  "list",
  "getAllDomains",
  "getAllDomainMetadata",
  "getDomainMetadata",
  "getDomainInfo",
  "getDomainKeys"
])

/** Counts without Effect, as `QueryTally` does. */
export class PdnsTally {
  readonly #requests = new Map<string, number>()
  readonly #dropped = new Map<PdnsDrop, number>()
  #connections = 0
  #defect: unknown

  /** A request with this method; `""` when there is none in it. */
  requested(method: string): void {
    if (method === "") return this.dropped("malformed")
    const name = known.has(method) ? method : "other"
    this.#requests.set(name, (this.#requests.get(name) ?? 0) + 1)
  }

  dropped(reason: PdnsDrop): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1)
  }

  /** Something of ours threw: the last one until the next report is logged. */
  failed(defect: unknown): void {
    this.dropped("defect")
    this.#defect = defect
  }

  opened(): void {
    this.#connections++
  }

  closed(): void {
    this.#connections--
  }

  /** Adds what was counted since the last report to the metrics. */
  readonly report: Effect.Effect<void> = Effect.suspend(() => {
    const requested = [...this.#requests]
    const drops = [...this.#dropped]
    const defect = this.#defect
    this.#requests.clear()
    this.#dropped.clear()
    this.#defect = undefined
    return Effect.gen({ self: this }, function*() {
      yield* Metric.update(openConnections, this.#connections)
      for (const [method, count] of requested) {
        yield* Metric.update(Metric.withAttributes(requests, { method }), count)
      }
      for (const [reason, count] of drops) yield* Metric.update(Metric.withAttributes(dropped, { reason }), count)
      if (defect !== undefined) yield* Effect.logError("A request of PowerDNS could not be answered", defect)
    })
  })
}

/** A tally that reports every second, and once more at the end. */
export const makePdnsTally: Effect.Effect<PdnsTally, never, Scope.Scope> = Effect.gen(function*() {
  const tally = new PdnsTally()
  yield* Effect.addFinalizer(() => tally.report)
  yield* tally.report.pipe(Effect.repeat(Schedule.spaced("1 second")), Effect.forkScoped)
  return tally
})
