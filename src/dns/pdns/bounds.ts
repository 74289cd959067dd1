/** What PowerDNS, or whoever else comes to its socket, can hold of us. Times in milliseconds. */
export interface PdnsBounds {
  /** Of the socket, and of HTTP: PowerDNS has one for each of its threads. */
  readonly connections: number
  /** The longest request, in bytes. */
  readonly requestBytes: number
  /** How long a request may take to come in whole, and its answer to be taken. */
  readonly transfer: number
  /** How long a connection over HTTP is kept without a request. */
  readonly keepAlive: number
  /** Requests of one connection that are answered in a row before others get a turn. */
  readonly batch: number
  /** How long PowerDNS may take to read the last answers when we stop. */
  readonly drain: number
}

/** The bounds when nothing else is said. */
export const pdnsBounds: PdnsBounds = {
  connections: 512,
  requestBytes: 16_384,
  transfer: 10_000,
  keepAlive: 60_000,
  batch: 64,
  drain: 1_000
}
