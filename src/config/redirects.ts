import * as Effect from "effect/Effect"
import { isHttp } from "./location.ts"

/** How many are followed for one document or download. */
const maxRedirects = 5

const statuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Where redirects may lead, beside that they stay in the web: anywhere when nothing is said. */
export interface RedirectRules {
  /** Never from `https` to `http`. */
  readonly httpsStays?: boolean
  /** To the host of the first URL alone, whatever the port. */
  readonly sameHost?: boolean
}

/** As much of an answer as says where it leads. */
export interface Redirectable {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
}

/** What came in the end, and from where. */
export interface Followed<A extends Redirectable> {
  readonly response: A
  /** Without credentials, unless it is the first URL. */
  readonly url: URL
  /** Why the response is a redirect that was not followed. */
  readonly stopped: "forbidden" | "too many" | undefined
}

/** The next URL; undefined when the rules forbid it, or it is none. User and password in it are left out. */
const nextUrl = (target: string, from: URL, first: URL, rules: RedirectRules): URL | undefined => {
  if (!URL.canParse(target, from)) return undefined
  const url = new URL(target, from)
  url.username = ""
  url.password = ""
  const isAllowed = isHttp(url.href) &&
    !(rules.httpsStays === true && from.protocol === "https:" && url.protocol !== "https:") &&
    !(rules.sameHost === true && url.hostname !== first.hostname)
  return isAllowed ? url : undefined
}

/**
 * Asks a URL, and where its redirects lead. `ask` gets each URL, and whether it is of the same scheme, host and port as the
 * first: credentials are for those alone. It must not follow redirects by itself, as fetch does.
 */
export const followRedirects = Effect.fnUntraced(function*<A extends Redirectable, E, R>(
  first: URL,
  rules: RedirectRules,
  ask: (url: URL, isSameOrigin: boolean) => Effect.Effect<A, E, R>
): Effect.fn.Return<Followed<A>, E, R> {
  let url = first
  for (let hop = 0;; hop++) {
    const response = yield* ask(url, url.origin === first.origin)
    const target = response.headers["location"]
    if (!statuses.has(response.status) || target === undefined) return { response, url, stopped: undefined }
    const next = nextUrl(target, url, first, rules)
    if (next === undefined) return { response, url, stopped: "forbidden" }
    if (hop === maxRedirects) return { response, url, stopped: "too many" }
    url = next
  }
})
