import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { noting, ServedPaths } from "../../src/http/ServedPaths.ts"

const nothing = Effect.succeed(HttpServerResponse.empty())

describe("the paths of routes", () => {
  it.effect("are noted however they are added", () =>
    Effect.gen(function*() {
      const paths = new ServedPaths()
      const routes = Layer.mergeAll(
        HttpRouter.add("GET", "/", nothing),
        HttpRouter.add("GET", "/one", nothing),
        HttpRouter.addAll([HttpRouter.route("POST", "/two/three", nothing)]),
        HttpRouter.add("GET", "/of/:name", nothing),
        HttpRouter.use((router) => router.prefixed("/more").add("GET", "/deep", nothing))
      )
      yield* HttpRouter.toHttpEffect(noting(routes, paths))
      for (const path of ["/", "/one", "/one/", "/two/three", "/of/somebody", "/more/deep"]) {
        assert.isFalse(paths.lacks(path), path)
      }
      for (const path of ["/on", "/one/more", "/two", "/ONE", "/other/"]) assert.isTrue(paths.lacks(path), path)
      // They may mean a route.
      for (const path of ["/%6fne", "//one", "/x/../one", "/one;x", "*", ""]) assert.isFalse(paths.lacks(path), path)
    }).pipe(Effect.scoped))
})
