import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import { addCounts, Counts, reporting, Tally } from "../Tally.ts"

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

/** What the backend of PowerDNS counts. */
export class PdnsTally extends Tally<PdnsDrop> {
  readonly #requests = new Counts<string>()
  #connections = 0

  constructor() {
    super(dropped, "A request of PowerDNS could not be answered")
  }

  /** A request with this method; `""` when there is none in it. */
  requested(method: string): void {
    if (method === "") return this.dropped("malformed")
    this.#requests.add(known.has(method) ? method : "other")
  }

  opened(): void {
    this.#connections++
  }

  closed(): void {
    this.#connections--
  }

  protected take(): Effect.Effect<void> {
    return Effect.andThen(
      Metric.update(openConnections, this.#connections),
      addCounts(requests, this.#requests.take(), (method) => ({ method }))
    )
  }
}

/** A tally that reports every second, and once more at the end. */
export const makePdnsTally: Effect.Effect<PdnsTally, never, Scope.Scope> = Effect.suspend(() =>
  reporting(new PdnsTally())
)
