import { type Keys, minimumKeyLength, presentedKey } from "./Keys.ts"

/** What a request wants, as far as it matters for whether it may. */
export interface Asked {
  readonly method: string
  /** As it came: path and query. */
  readonly url: string
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** Who may do what at one address. */
export interface Rules {
  /** Routes that may be read without a key. */
  readonly publicRoutes: ReadonlyArray<string>
  /** Open the reading of all other routes. */
  readonly readers: ReadonlyArray<Keys>
  /** Open writing, and reading too. */
  readonly writers: Keys
}

/** Why a request may not go on: for counters. */
export type RefusalReason =
  | "no-key"
  | "wrong-key"
  | "no-keys-configured"
  | "other-origin"
  | "content-type"
  | "rate"
  | "attempts"

/** Whether a request may go on, and as whom: `caller` is the name of its key, where one was needed. */
export type Verdict =
  | { readonly _tag: "Admitted"; readonly caller: string | undefined }
  | { readonly _tag: "Refused"; readonly reason: RefusalReason; readonly status: number; readonly error: string }

/** The path of a URL as it came. */
export const pathOf = (url: string): string => url.split(/[?#]/, 1)[0]!

/** Whether a path can be read in one way only: it has no escapes, no empty or dotted segments, no delimiters. */
export const isPlain = (path: string): boolean => /^(?=\/)(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*\/?$/.test(path)

/**
 * Whether a path is one of the routes, or below one; `/` is only itself. A path that could be read in two ways (escapes, empty
 * or dotted segments, delimiters) is none of them, so that no spelling of a route opens it.
 */
export const isBelow = (path: string, routes: ReadonlyArray<string>): boolean => {
  if (!isPlain(path)) return false
  const plain = path === "/" ? path : path.replace(/\/$/, "")
  return routes.some((route) => {
    const bare = route === "/" ? route : route.replace(/\/+$/, "")
    return plain === bare || (bare !== "" && bare !== "/" && plain.startsWith(`${bare}/`))
  })
}

const reads = (method: string): boolean => method === "GET" || method === "HEAD"

const isOwnOrigin = (origin: string, host: string | undefined): boolean =>
  host !== undefined && URL.parse(origin)?.host.toLowerCase() === host.toLowerCase()

/** What speaks against a write before its key is looked at: a page of somebody else in an operator's browser. */
const crossSite = ({ headers, method }: Asked): Verdict | undefined => {
  const { host, origin } = headers
  if ((origin !== undefined && !isOwnOrigin(origin, host)) || headers["sec-fetch-site"] === "cross-site") {
    return { _tag: "Refused", reason: "other-origin", status: 403, error: "Pages of other sites may not write here" }
  }
  const hasBody = method === "POST" || method === "PUT" || method === "PATCH"
  return hasBody && !/^application\/json *(?:;|$)/i.test(headers["content-type"] ?? "")
    ? {
      _tag: "Refused",
      reason: "content-type",
      status: 415,
      error: "The body has to be JSON, and to say so: Content-Type: application/json"
    }
    : undefined
}

const howToShow = "Show one as Authorization: Bearer KEY"

/**
 * Decides on a request. Reading a public route needs nothing; reading any other needs a key of a reader or writer; all else
 * counts as writing and needs the key of a writer. Without keys in the configuration nobody has one: nothing but the
 * public routes is open then.
 */
export const judge = (asked: Asked, rules: Rules): Verdict => {
  const isReading = reads(asked.method)
  if (isReading && isBelow(pathOf(asked.url), rules.publicRoutes)) return { _tag: "Admitted", caller: undefined }
  const foreign = isReading ? undefined : crossSite(asked)
  if (foreign !== undefined) return foreign
  const keys = isReading ? [rules.writers, ...rules.readers] : [rules.writers]
  if (keys.every(({ size }) => size === 0)) {
    return {
      _tag: "Refused",
      reason: "no-keys-configured",
      status: 403,
      error: isReading
        ? "This route is not public, and there is no key for it: name it in GeoDNS.Public, or give a key in AuthKeys of the API"
        : `Nobody may write here: MgmtApi.AuthKeys of the local document has no key (a name, and a key of at least ${minimumKeyLength} characters)`
    }
  }
  const presented = presentedKey(asked.headers)
  if (presented === undefined) {
    return {
      _tag: "Refused",
      reason: "no-key",
      status: 401,
      error: isReading
        ? `This route is not public and needs a key. ${howToShow}`
        : `Writing needs a key of MgmtApi.AuthKeys. ${howToShow}`
    }
  }
  // All of them, so that the time tells nothing.
  const names = keys.map((some) => some.nameOf(presented))
  const caller = names.find((name) => name !== undefined)
  return caller === undefined
    ? {
      _tag: "Refused",
      reason: "wrong-key",
      status: 401,
      error: isReading ? "That key does not open this route" : "That key is none of MgmtApi.AuthKeys"
    }
    : { _tag: "Admitted", caller }
}
