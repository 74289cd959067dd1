import * as Context from "effect/Context"

/** What one HTTP server gives its clients at most. Times in milliseconds, sizes in bytes. */
export interface Bounds {
  /** Connections at once; more are closed unanswered, and counted. */
  readonly connections: number
  /** Until the headers of a request are there. */
  readonly headers: number
  /** Until a whole request is there. */
  readonly request: number
  /** Until its answer is complete on our side. */
  readonly handler: number
  /** From a request to the last byte of its answer: a reader of a byte a second is not idle, but holds a connection. */
  readonly exchange: number
  /** An open connection without a request. */
  readonly keepAlive: number
  /** A connection on which nothing moves. */
  readonly idle: number
  /** Requests under way are given this long when the server closes. */
  readonly drain: number
  /** How often the files of the certificate are looked at. */
  readonly certificate: number
  /** Request line and headers together. */
  readonly headerBytes: number
  readonly urlBytes: number
  readonly bodyBytes: number
}

/** The bounds in force. By default far more than dashboards, scrapers and other nodes need. */
export const HttpBounds = Context.Reference<Bounds>("effect-geodns/http/HttpBounds", {
  defaultValue: () => ({
    connections: 512,
    headers: 10_000,
    request: 15_000,
    handler: 10_000,
    exchange: 60_000,
    keepAlive: 5_000,
    idle: 30_000,
    drain: 3_000,
    certificate: 10_000,
    headerBytes: 8 * 1024,
    urlBytes: 2 * 1024,
    bodyBytes: 64 * 1024
  })
})
