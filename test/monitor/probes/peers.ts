import * as Effect from "effect/Effect"
import { createServer as createHttp, type IncomingMessage } from "node:http"
import { createServer as createHttps } from "node:https"
import { type WebSocket, WebSocketServer } from "ws"
import { fixture, serve } from "../servers.ts"

export const bestHash = `0x${"be".repeat(32)}`
export const genesisHash = `0x${"00".repeat(32)}`
export const firstHash = `0x${"01".repeat(32)}`
export const stateRoot = `0x${"5a".repeat(32)}`
const timestampNow = "0xf0c365c3cf59d671eb72da0e7a4113c49f1f0515f462cdcf84e0f1d6045dfcbb"

/** What a method gives; an Error is a JSON-RPC error. */
export type Methods = Readonly<Record<string, (params: ReadonlyArray<unknown>) => unknown>>

/** A moment as storage has it. */
export const stored = (millis: number): string => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt(millis))
  return `0x${bytes.toString("hex")}`
}

/** A Substrate node as it should be. */
export const substrate: Methods = {
  chain_getBlockHash: ([number]) => number === undefined ? bestHash : number === 0 ? genesisHash : firstHash,
  system_chain: () => "Kusama",
  system_health: () => ({ peers: 20, isSyncing: false, shouldHavePeers: true }),
  chain_getHeader: () => ({ number: "0x0", stateRoot }),
  state_getStorage: ([key]) => key === timestampNow ? stored(Date.now() - 6_000) : "0x01000000"
}

let height = 5_000_000

/** An Ethereum node as it should be, with a block for each question. */
export const ethereum: Methods = {
  eth_chainId: () => "0x190f1b42",
  eth_blockNumber: () => `0x${(++height).toString(16)}`,
  net_version: () => "420420418",
  eth_syncing: () => false
}

/** The JSON-RPC answer to a request. */
export const answerTo = (methods: Methods, text: string): string => {
  const { id, method, params } = JSON.parse(text)
  const value = methods[method]?.(params) ?? null
  return value instanceof Error
    ? JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32000, message: value.message } })
    : JSON.stringify({ jsonrpc: "2.0", id, result: value })
}

/** What a peer does with a WebSocket. */
export type OnLine = (line: WebSocket, request: IncomingMessage) => void

/** A WebSocket server, with TLS when a certificate is named. */
export const webSocketServer = (onLine: OnLine, options: { readonly tls?: string; readonly address?: string } = {}) =>
  serve(() => {
    const server = options.tls === undefined ? createHttp() : createHttps(fixture(options.tls))
    const sockets = new WebSocketServer({ server })
    sockets.on("connection", (line, request) => onLine(line.on("error", () => undefined), request))
    sockets.on("error", () => undefined)
    return server
  }, options.address)

/** Answers each request at once. */
export const answering = (methods: Methods): OnLine => (line) =>
  void line.on("message", (text) => line.send(answerTo(methods, String(text))))

/** An HTTP server that answers JSON-RPC. */
export const rpcServer = (
  methods: Methods,
  options: { readonly tls?: string; readonly address?: string; readonly requests?: Array<IncomingMessage> } = {}
) =>
  serve(() => {
    const server = options.tls === undefined ? createHttp() : createHttps(fixture(options.tls))
    return server.on("request", (request: IncomingMessage, response) => {
      options.requests?.push(request)
      let body = ""
      request.on("data", (chunk) => body += chunk).on("end", () => response.end(answerTo(methods, body)))
    })
  }, options.address)

/** What something takes of this process: open sockets, servers, child processes and timers. */
export const resources = Effect.sync(() =>
  process.getActiveResourcesInfo().filter((name) => /TCP|UDP|TLS|Process|Pipe/i.test(name)).length
)
