import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { createHmac } from "node:crypto"
import { labelOf, messageOf, webhookChannel } from "../../src/alerts/index.ts"
import { type Answering, type Asked, serveHttp } from "./httpServer.ts"
import { outage } from "./samples.ts"

const secret = Redacted.make("top secret of the hook")
const message = messageOf([{ outage: outage("o1"), state: "open", delivered: {} }], "opened", { severity: "critical" })

const calling = (answer: Answering, path = "/hook") =>
  Effect.gen(function*() {
    const asked: Array<Asked> = []
    const { url } = yield* serveHttp((one) => {
      asked.push(one)
      return answer(one)
    })
    return { asked, channel: webhookChannel({ url: `${url}${path}`, secret }, []) }
  })

describe("a webhook", () => {
  it.live("is called with the message as JSON, signed, with the key of the message", () =>
    Effect.gen(function*() {
      const { asked: [asked], channel } = yield* Effect.tap(
        calling(() => ({ status: 204 }), "/hook?token=abc"),
        ({ channel }) => channel.deliver(message)
      )
      assert.strictEqual(`${asked!.method} ${asked!.path}`, "POST /hook?token=abc")
      assert.strictEqual(asked!.headers["idempotency-key"], "o1:opened")
      assert.strictEqual(asked!.headers["content-type"], "application/json")
      const signature = createHmac("sha256", "top secret of the hook").update(asked!.body).digest("hex")
      assert.strictEqual(asked!.headers["geodns-signature"], `sha256=${signature}`)
      assert.deepStrictEqual(JSON.parse(asked!.body), {
        version: 1,
        key: "o1:opened",
        thread: "o1",
        kind: "opened",
        severity: "critical",
        outages: [{
          id: "o1",
          member: "Potomac Works",
          checkType: "endpoint",
          check: "o1",
          domain: "rpc.example",
          endpoint: "wss://rpc.example/kusama",
          ipVersion: 4,
          error: "connection refused",
          start: "2026-03-01T00:00:00.000Z",
          blip: false,
          votes: { yes: ["m1", "m2"], no: [] }
        }]
      })
      assert.match(channel.name, /^webhook:127\.0\.0\.1:\d+:[0-9a-f]{8}$/)
    }).pipe(Effect.scoped))

  it.live("says of a test that it is one", () =>
    Effect.gen(function*() {
      const { asked, channel } = yield* calling(() => ({ status: 204 }))
      const test = messageOf([{ outage: outage("o1"), state: "open", delivered: {} }], "opened", { isTest: true })
      yield* channel.deliver(test)
      assert.isTrue(JSON.parse(asked[0]!.body).test)
      yield* channel.deliver(message)
      assert.notProperty(JSON.parse(asked[1]!.body), "test")
    }).pipe(Effect.scoped))

  it("is known by the name that it has or by its place, and remembered by its URL alone", () => {
    const named = (label: string, path: string) =>
      webhookChannel({ url: `https://hooks.example/${path}?token=abc`, secret, label }, [])
    const [first, moved, renamed] = [named("Webhooks[0]", "a"), named("Webhooks[1]", "a"), named("pager", "a")]
    assert.deepStrictEqual([first, moved, renamed].map(labelOf), [
      "Webhooks[0] (hooks.example)",
      "Webhooks[1] (hooks.example)",
      "pager (hooks.example)"
    ])
    assert.strictEqual(new Set([first, moved, renamed].map(({ name }) => name)).size, 1)
    assert.notStrictEqual(named("Webhooks[0]", "b").name, first.name)
  })

  it.live("says once what happened, in the words of probes", () =>
    Effect.gen(function*() {
      const problem = (url: string) =>
        Effect.map(Effect.flip(webhookChannel({ url, secret }, []).deliver(message)), (error) => error.problem)
      assert.strictEqual(yield* problem("http://127.0.0.1:1/x"), "connection refused")
      const { channel } = yield* calling(() => ({ status: 500 }))
      assert.match((yield* Effect.flip(channel.deliver(message))).problem, /^it answers with HTTP status 500/)
    }).pipe(Effect.scoped))

  it.live("tells a refusal of the message from trouble of the server, and what was perhaps taken from what was not", () =>
    Effect.gen(function*() {
      const answers: ReadonlyArray<readonly [number, boolean, boolean | undefined, boolean | undefined]> = [
        [400, false, undefined, undefined],
        [422, false, undefined, undefined],
        [401, true, true, undefined],
        [429, true, true, undefined],
        [500, true, undefined, true],
        [503, true, true, true],
        [301, true, true, undefined]
      ]
      for (const [status, isRetryable, isDown, mayHaveArrived] of answers) {
        const headers = { "retry-after": "7", location: "http://127.0.0.1:1/elsewhere" }
        const { asked, channel } = yield* calling(() => ({ status, body: "no\u0000 thanks\n", headers }))
        const error = yield* Effect.flip(channel.deliver(message))
        assert.deepStrictEqual(
          [error.isRetryable, error.isDown, error.mayHaveArrived],
          [isRetryable, isDown, mayHaveArrived],
          String(status)
        )
        assert.strictEqual(error.retryAfter, 7_000)
        assert.match(error.problem, new RegExp(`answers with HTTP status ${status}$`))
        // Redirects lead nowhere.
        assert.lengthOf(asked, 1)
      }
      const gone = yield* Effect.flip(
        webhookChannel({ url: "http://127.0.0.1:1/x?token=abc", secret }, []).deliver(message)
      )
      assert.deepInclude({ ...gone }, { isRetryable: true, isDown: true, mayHaveArrived: false })
      assert.notInclude(gone.message, "abc")
    }).pipe(Effect.scoped))
})
