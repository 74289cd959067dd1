import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import { followRedirects, type RedirectRules } from "../../src/config/redirects.ts"

/** Follows from `first` where `targets` lead, one after the other; gives what was asked, and why it stopped. */
const follow = (first: string, targets: ReadonlyArray<string>, rules: RedirectRules = {}) => {
  const asked: Array<readonly [href: string, isSameOrigin: boolean]> = []
  return followRedirects(new URL(first), rules, (url, isSameOrigin) =>
    Effect.sync(() => {
      const location = targets[asked.length]
      asked.push([url.href, isSameOrigin])
      return HttpClientResponse.fromWeb(
        HttpClientRequest.get(url),
        location === undefined ? new Response("here") : new Response(null, { status: 302, headers: { location } })
      )
    })).pipe(
      Effect.map(({ response, stopped, url }) => ({ asked, stopped, status: response.status, at: url.href }))
    )
}

describe("followRedirects", () => {
  it.effect("follows five, with credentials for the scheme, host and port of the first alone", () =>
    Effect.gen(function*() {
      const { asked, at, status, stopped } = yield* follow("https://one.test/a", [
        "/b",
        "https://one.test:8443/c",
        "https://two.test/d",
        "//one.test/e",
        "http://one.test/f"
      ])
      assert.deepStrictEqual(asked, [
        ["https://one.test/a", true],
        ["https://one.test/b", true],
        ["https://one.test:8443/c", false],
        ["https://two.test/d", false],
        ["https://one.test/e", true],
        ["http://one.test/f", false]
      ])
      assert.deepStrictEqual([at, status, stopped], ["http://one.test/f", 200, undefined])
      const endless = yield* follow("https://one.test/a", Array(20).fill("/a"))
      assert.lengthOf(endless.asked, 6)
      assert.deepStrictEqual([endless.status, endless.stopped], [302, "too many"])
    }))

  it.effect("leaves user and password of a redirect out", () =>
    Effect.gen(function*() {
      const { asked } = yield* follow("http://one.test/", ["http://user:pass@two.test/x"])
      assert.deepStrictEqual(asked.at(-1), ["http://two.test/x", false])
    }))

  it.effect("never leaves the web, nor https or the host when that is the rule", () =>
    Effect.gen(function*() {
      const cases: ReadonlyArray<readonly [target: string, rules: RedirectRules, isFollowed: boolean]> = [
        ["file:///etc/passwd", {}, false],
        ["ftp://one.test/", {}, false],
        ["http://[broken", {}, false],
        ["http://one.test/", {}, true],
        ["http://one.test/", { httpsStays: true }, false],
        ["https://two.test/", { httpsStays: true }, true],
        ["https://two.test/", { sameHost: true }, false],
        ["https://one.test.two.test/", { sameHost: true }, false],
        ["https://ONE.test:8443/", { sameHost: true }, true]
      ]
      for (const [target, rules, isFollowed] of cases) {
        const { asked, status, stopped } = yield* follow("https://one.test/", [target], rules)
        const said = `${target} ${JSON.stringify(rules)}`
        assert.strictEqual(asked.length, isFollowed ? 2 : 1, said)
        assert.strictEqual(stopped, isFollowed ? undefined : "forbidden", said)
        assert.strictEqual(status, isFollowed ? 200 : 302, said)
      }
      // The rule counts from where it is now, and the host from where it began.
      const back = yield* follow("http://one.test/", ["https://one.test/", "http://one.test/"], { httpsStays: true })
      assert.strictEqual(back.stopped, "forbidden")
      assert.lengthOf(back.asked, 2)
    }))
})
