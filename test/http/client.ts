import { Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import { layerServer, serve } from "../../src/http/Server.ts"

/** What a server answered. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: any
}

/** The port of the server that runs. */
export const port = Effect.map(
  HttpServer.HttpServer,
  ({ address }) => NetAddress.isUnixPathAddress(address) ? 0 : address.port
)

/** Asks the server that runs. */
export const ask = Effect.fnUntraced(function*(path: string, init: RequestInit = {}) {
  const url = `http://127.0.0.1:${yield* port}${path}`
  return yield* Effect.promise(async (signal): Promise<Answer> => {
    const response = await fetch(url, { signal, redirect: "manual", ...init })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: response.headers.get("content-type")?.startsWith("application/json") && text !== ""
        ? JSON.parse(text)
        : undefined
    }
  })
})

/** Serves routes on loopback, on a port that the system chooses. */
export const served = <E, R>(routes: Parameters<typeof serve<E, R>>[0]) =>
  serve(routes).pipe(Layer.provideMerge(layerServer({ host: "127.0.0.1", port: 0 })))
