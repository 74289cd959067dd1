import { Effect, Layer } from "effect"
import { HttpServer } from "effect/http"
import { NetAddress } from "effect/net"
import { request } from "node:http"
import { Access } from "../../src/http/Access.ts"
import { layerServer, serve } from "../../src/http/Server.ts"
import { Conditions } from "../../src/node/Conditions.ts"

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

/** Lets everybody do everything. */
export const anybody = Layer.succeed(Access, {
  admit: () => Effect.succeed({ _tag: "Admitted" as const, caller: "anybody" })
})

/** Serves routes on loopback, on a port that the system chooses. */
export const served = <E, R, E2 = never, R2 = never>(
  routes: Parameters<typeof serve<E, R>>[0],
  access: Layer.Layer<Access, E2, R2> | Layer.Layer<Access> = anybody
) =>
  serve(routes).pipe(
    Layer.provideMerge(layerServer({ host: "127.0.0.1", port: 0 })),
    Layer.provide([access, Conditions.layer])
  )

/** Asks with a path exactly as it is written: `fetch` would tidy it up. */
export const askRaw = Effect.fnUntraced(function*(
  path: string,
  options: { readonly method?: string; readonly headers?: Record<string, string> } = {}
) {
  const number = yield* port
  return yield* Effect.callback<Pick<Answer, "status" | "text">>((resume) => {
    const asked = request({ host: "127.0.0.1", port: number, path, agent: false, ...options }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (data: string) => {
        text += data
      })
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, text })))
    })
    asked.on("error", (error) => resume(Effect.die(error)))
    asked.end()
  })
})
