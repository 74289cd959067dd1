import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { type Download, GeoIpSource } from "../../src/geo/GeoIpSource.ts"
import type { UpdateReason } from "../../src/geo/UpdateError.ts"

const download: Download = {
  edition: "GeoLite2-City",
  url: "https://provider.test/databases/{edition}",
  account: "1234",
  key: Redacted.make("a-licence-key")
}

describe("GeoIpSource", () => {
  it.effect("never follows from https to http, with whatever it asks for", () => {
    const asked: Array<string> = []
    const fetch = (input: RequestInfo | URL) => {
      asked.push(String(input))
      return Promise.resolve(
        asked.length > 1
          ? new Response("x", { headers: { "last-modified": new Date(0).toUTCString() } })
          : new Response(null, { status: 302, headers: { location: "http://provider.test/plain" } })
      )
    }
    return Effect.gen(function*() {
      const source = yield* GeoIpSource
      const asks: ReadonlyArray<Effect.Effect<unknown, UpdateReason, Scope.Scope>> = [
        source.lastModified(download),
        source.checksum(download),
        source.archive(download)
      ]
      for (const ask of asks) {
        asked.length = 0
        const said = yield* Effect.flip(Effect.scoped(ask))
        assert.include(JSON.stringify(said), "it redirects to where we do not follow, from provider.test")
        assert.lengthOf(asked, 1)
        assert.match(asked[0]!, /^https:/)
      }
    }).pipe(Effect.provide(GeoIpSource.layer), Effect.provideService(FetchHttpClient.Fetch, fetch))
  })
})
