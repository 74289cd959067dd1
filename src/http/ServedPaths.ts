import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import { isPlain } from "./judge.ts"

/** Without the slash at the end, which makes no difference. */
const bare = (path: string): string => path.length > 1 ? path.replace(/\/$/, "") : path

/**
 * The paths of a server's routes, so that who asks for one that is none can be told so before a key is asked for: which there
 * are is no secret.
 */
export class ServedPaths {
  readonly #exact = new Set<string>()
  readonly #below: Array<string> = []

  /** Notes a route. Of one with parameters all below its fixed part counts. */
  add(path: string): void {
    const fixed = path.split(/[:*]/, 1)[0]!
    if (fixed === path) this.#exact.add(bare(path))
    else this.#below.push(fixed)
  }

  /** Whether there is surely nothing. A path that could be read in two ways may be anything. */
  lacks(path: string): boolean {
    return isPlain(path) && !this.#exact.has(bare(path)) && !this.#below.some((fixed) => path.startsWith(fixed))
  }
}

/** The same routes; where they are is noted as they are added. */
export const noting = <A, E, R>(routes: Layer.Layer<A, E, R>, paths: ServedPaths): Layer.Layer<A, E, R> => {
  const note = (router: HttpRouter.HttpRouter): HttpRouter.HttpRouter => ({
    ...router,
    addAll: (routes) => {
      for (const { path } of routes) paths.add(path)
      return router.addAll(routes)
    },
    add: (method, path, handler, options) => {
      paths.add(path)
      return router.add(method, path, handler, options)
    },
    prefixed: (prefix) => {
      // What is added there has its prefix only inside of the router.
      paths.add(`${prefix}/*`)
      return router.prefixed(prefix)
    }
  })
  const noted = Layer.effect(HttpRouter.HttpRouter, Effect.map(HttpRouter.HttpRouter, note))
  return Layer.provide(routes, noted) as Layer.Layer<A, E, R>
}
