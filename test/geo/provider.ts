import { Effect, type Scope } from "effect"
import * as Result from "effect/Result"
import { createHash } from "node:crypto"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { gzipSync } from "node:zlib"
import { type GeoEntry, writeDatabase } from "../../src/geo/GeoEntry.ts"
import type { GeoKind } from "../../src/geo/GeoKind.ts"
import { tar } from "./tar.ts"

/** What was asked of a provider. */
export interface Asked {
  readonly method: string
  readonly suffix: string
  readonly edition: string
  readonly authorization: string | undefined
}

/** What a provider has of an edition. */
export interface Offer {
  readonly archive: Buffer
  readonly checksum: string
  /** Milliseconds since the epoch. */
  readonly lastModified: number
}

/** Answers in place of the provider, and says so with true. */
export type Otherwise = (asked: Asked, response: ServerResponse, request: IncomingMessage) => boolean

/** A provider of databases on this machine. */
export interface Provider {
  /** With `{edition}` in it. */
  readonly url: string
  readonly origin: string
  readonly offers: Map<string, Offer>
  readonly asked: Array<Asked>
  otherwise: Otherwise
}

export const entries = (longitude: number): ReadonlyArray<GeoEntry> => [
  {
    cidr: "203.0.113.0/24",
    location: { latitude: 1, longitude },
    country: "JP",
    countryName: "Japan",
    asn: 64_496,
    organization: `Net ${longitude}`
  }
]

/** A database that says where 203.0.113.0/24 is: at this longitude. */
export const database = (kind: GeoKind, longitude: number, builtAt = 1_700_000_000_000): Uint8Array =>
  Result.getOrThrow(writeDatabase(kind, entries(longitude), builtAt))

/** An archive as an offer. */
export const offer = (archive: Buffer, lastModified: number): Offer => ({
  archive,
  checksum: createHash("sha256").update(archive).digest("hex"),
  lastModified
})

/** An offer of a database, as MaxMind packs it. */
export const packed = (content: Uint8Array, lastModified: number): Offer =>
  offer(
    gzipSync(tar([
      { name: "GeoLite2_20260301/", type: "5" },
      { name: "GeoLite2_20260301/LICENSE.txt", content: "a licence" },
      { name: "GeoLite2_20260301/GeoLite2.mmdb", content }
    ])),
    lastModified
  )

/** Starts a provider, as long as the scope. */
export const startProvider: Effect.Effect<Provider, never, Scope.Scope> = Effect.acquireRelease(
  Effect.callback<Provider & { readonly stop: Effect.Effect<void> }>((resume) => {
    const server = createServer((request, response) => {
      const url = new URL(request.url!, "http://localhost")
      const asked: Asked = {
        method: request.method!,
        suffix: url.searchParams.get("suffix") ?? "",
        edition: url.pathname.split("/")[2] ?? "",
        authorization: request.headers.authorization
      }
      provider.asked.push(asked)
      if (provider.otherwise(asked, response, request)) return
      const found = provider.offers.get(asked.edition)
      if (found === undefined) return void response.writeHead(404).end()
      const isChecksum = asked.suffix === "tar.gz.sha256"
      const body = isChecksum ? Buffer.from(`${found.checksum}  ${asked.edition}_20260301.tar.gz\n`) : found.archive
      response.writeHead(200, {
        "last-modified": new Date(found.lastModified).toUTCString(),
        "content-length": body.length
      }).end(asked.method === "HEAD" ? undefined : body)
    })
    const provider: Provider & { origin: string; url: string; stop: Effect.Effect<void> } = {
      url: "",
      origin: "",
      offers: new Map(),
      asked: [],
      otherwise: () => false,
      stop: Effect.callback<void>((done) => {
        server.close(() => done(Effect.void))
        server.closeAllConnections()
      })
    }
    server.listen(0, "127.0.0.1", () => {
      provider.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      provider.url = `${provider.origin}/databases/{edition}/download`
      resume(Effect.succeed(provider))
    })
  }),
  ({ stop }) => stop
)
