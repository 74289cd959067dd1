import { Effect } from "effect"
import type { Scope } from "effect"
import { cpSync, readFileSync, writeFileSync } from "node:fs"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { join, resolve } from "node:path"
import { threadId } from "node:worker_threads"
import { temporaryFolder } from "./geodns.ts"

const fixtures = resolve(import.meta.dirname, "../fixtures/config")

/** Reads one of the example documents. */
export const fixture = (name: string): any => JSON.parse(readFileSync(join(fixtures, name), "utf8"))

/** The files of the shared documents by their keys in `System.ConfigUrls`. */
export const documentFiles: Readonly<Record<string, string>> = fixture("local.json").System.ConfigUrls

let taken = 0
/** A loopback address that nobody else on this machine uses: on it any port is free, also one that is written down before. */
export const ownAddress = (): string =>
  `127.${100 + (threadId * 10 + ++taken) % 100}.${process.pid >> 8 & 255}.${Math.max(1, process.pid & 255)}`

/** A folder with the example documents of an operator. `change` may change the local one. */
export const operatorFolder = Effect.fnUntraced(
  function*(
    change: (local: any, folder: string) => void = () => undefined
  ): Effect.fn.Return<string, never, Scope.Scope> {
    const folder = yield* temporaryFolder
    cpSync(fixtures, folder, { recursive: true })
    const local = fixture("local.json")
    change(local, folder)
    writeFileSync(join(folder, "local.json"), JSON.stringify(local, null, 2))
    return folder
  }
)

/** Lets a local document run as a node of a test: nothing is checked, for the members are addresses for documentation. */
export const quiet = (local: any, address: string): void => {
  for (const check of local.Checks) check.Enabled = 0
  local.DnsApi = { ListenAddress: address, ListenPort: "6100" }
  local.MonitorApi = local.DnsApi
  local.CollatorApi = { ...local.CollatorApi, ListenAddress: address, ListenPort: "6100" }
  local.GeoDNS = { Dns: { Listen: `${address}:0` } }
}

/** A web server of a test. */
export interface WebServer {
  /** `http://…/`. */
  readonly url: string
  /** Stops it before the scope closes. */
  readonly close: Effect.Effect<void>
}

/** Serves files by their name, as long as the scope. `answer` may answer otherwise, and says so with true. */
export const serveFolder = (
  folder: string,
  answer: (name: string, response: ServerResponse) => boolean = () => false
): Effect.Effect<WebServer, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<WebServer>((resume) => {
      const server = createServer((request, response) => {
        const name = new URL(request.url!, "http://localhost").pathname.slice(1)
        if (answer(name, response)) return
        try {
          const text = readFileSync(join(folder, name))
          response.writeHead(200, { "content-type": "application/json" }).end(text)
        } catch {
          response.writeHead(404).end()
        }
      })
      const close = Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close })))
    }),
    ({ close }) =>
      close
  )
