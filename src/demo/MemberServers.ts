import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { DemoError } from "./DemoError.ts"
import { demoMembers } from "./places.ts"

/** The demo's members as small HTTP servers, all on one port, each on its own loopback address. */
export class MemberServers extends Context.Service<MemberServers, {
  readonly port: number
  /** From now on the member answers its requests well, or with 503. `key` as in the members document. */
  readonly setHealthy: (key: string, healthy: boolean) => Effect.Effect<void>
}>()("effect-geodns/demo/MemberServers") {
  static readonly layer = Layer.effect(
    MemberServers,
    Effect.gen(function*() {
      const failing = new Set<string>()
      let port = 0
      for (const { key, address, city } of demoMembers) {
        const server = createServer((request, response) => {
          request.resume()
          const healthy = !failing.has(key)
          response.writeHead(healthy ? 200 : 503, { "content-type": "text/plain" })
          response.end(healthy ? `${key}, ${city}\n` : "out of order\n")
        })
        port = yield* Effect.acquireRelease(listen(server, address, port), () => close(server))
      }
      return MemberServers.of({
        port,
        setHealthy: (key, healthy) => Effect.sync(() => void (healthy ? failing.delete(key) : failing.add(key)))
      })
    })
  )
}

const listen = (server: Server, address: string, port: number): Effect.Effect<number, DemoError> =>
  Effect.callback((resume) => {
    server.once("error", (cause: NodeJS.ErrnoException) =>
      resume(Effect.fail(
        new DemoError({
          message: cause.code === "EADDRNOTAVAIL"
            ? `${address} is not an address of this machine: the demo needs the loopback network 127.0.0.0/8 as Linux has it`
            : `a demo member cannot listen on ${address}:${port}: ${cause.message}`
        })
      )))
    server.listen(port, address, () => resume(Effect.succeed((server.address() as AddressInfo).port)))
  })

const close = (server: Server): Effect.Effect<void> =>
  Effect.callback((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })
