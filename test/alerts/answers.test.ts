import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Redacted } from "effect"
import type { AlertMessage } from "../../src/alerts/AlertMessage.ts"
import { type AlertThread, makeMatrixClient, matrixChannel, messageOf, webhookChannel } from "../../src/alerts/index.ts"
import { Config } from "../../src/config/Config.ts"
import { AlertStore } from "../../src/store/index.ts"
import { type Answering, serveHttp } from "./httpServer.ts"
import { ended, outage } from "./samples.ts"

const threadOf = (id: string): AlertThread => ({ outage: outage(id), state: "open", delivered: {} })
const message = messageOf([threadOf("o1")], "opened")
const secret = /SECRET/
const quietly = Effect.provide(Logger.layer([]))

const failureOf = (answer: Answering) =>
  Effect.gen(function*() {
    const { url } = yield* serveHttp(answer)
    const account = { homeserver: url, user: "alerts", password: Redacted.make("PASSWORD-SECRET"), allowed: [] }
    const client = makeMatrixClient(account, yield* AlertStore, "matrix")
    return yield* Effect.flip(client.send("!r:x", "t", { body: "x" }))
  }).pipe(Effect.scoped, Effect.provide(AlertStore.layerMemory), Effect.provide(Logger.layer([])))

/** A homeserver that gives a token and says this to everything else. */
const afterLogin = (answer: Answering): Answering => (asked) =>
  asked.path.endsWith("/login") ? { status: 200, body: `{"access_token":"TOKEN-SECRET"}` } : answer(asked)

describe("what a server answers", () => {
  it.live("is not shown, since it may hold the URL, the password or the token", () =>
    Effect.gen(function*() {
      const { url } = yield* serveHttp(({ method, path }) => ({
        status: 404,
        body: `<pre>Cannot ${method} ${path}</pre>`
      }))
      const hook = webhookChannel(
        { url: `${url}/services/T000/SECRETTOKEN?key=SECRET2`, secret: Redacted.make("SECRET3") },
        []
      )
      const error = yield* Effect.flip(hook.deliver(message))
      assert.notMatch(`${error.message} ${JSON.stringify(error)}`, secret)
      assert.match(error.problem, /answers with HTTP status 404$/)
      const answers: ReadonlyArray<Answering> = [
        ({ body }) => ({ status: 500, body: `exception while handling ${body}` }),
        ({ body }) => ({ status: 403, body: JSON.stringify({ errcode: "M_FORBIDDEN", error: `no: ${body}` }) }),
        ({ body }) => ({ status: 400, body: JSON.stringify({ errcode: `M_BAD ${body}` }) }),
        afterLogin(({ headers }) => ({
          status: 400,
          body: JSON.stringify({ errcode: "M_BAD", error: `no: ${headers.authorization}` })
        }))
      ]
      for (const answer of answers) {
        const error = yield* failureOf(answer)
        assert.notMatch(`${error.message} ${JSON.stringify(error)}`, secret)
      }
      const { problem } = yield* failureOf(answers[3]!)
      assert.match(problem, /answers with HTTP status 400: M_BAD$/)
    }).pipe(Effect.scoped))

  it.live("says how long to wait: a number, a number as text, or a date", () =>
    Effect.gen(function*() {
      const limited = (wait: unknown, headers: Readonly<Record<string, string>> = {}) =>
        failureOf(() => ({
          status: 429,
          headers,
          body: JSON.stringify({ errcode: "M_LIMIT_EXCEEDED", retry_after_ms: wait })
        }))
      const day = "Sun, 01 Mar 2026 "
      const dated = (after: string) => ({ date: `${day}00:00:00 GMT`, "retry-after": after })
      assert.strictEqual((yield* limited(90_000)).retryAfter, 90_000)
      assert.strictEqual((yield* limited("90000")).retryAfter, 90_000)
      assert.strictEqual((yield* limited(undefined, dated(`${day}00:01:30 GMT`))).retryAfter, 90_000)
      assert.strictEqual((yield* limited(undefined, dated("90"))).retryAfter, 90_000)
      for (
        const [wait, header] of [[-1, undefined], ["soon", undefined], [null, "soon"], [
          null,
          "Sat, 28 Feb 2026 00:00:00 GMT"
        ]]
      ) {
        const error = yield* limited(wait, header === undefined ? {} : dated(String(header)))
        assert.isUndefined(error.retryAfter, `${wait} ${header}`)
      }
    }))

  it.live("to a login is of no message, whatever it is", () =>
    Effect.gen(function*() {
      for (const status of [400, 401, 403, 404]) {
        const error = yield* failureOf(() => ({ status, body: `{"errcode":"M_UNKNOWN"}` }))
        assert.deepInclude({ ...error }, { isRetryable: true, isDown: true, isOdd: false }, String(status))
      }
    }))
})

describe("a message", () => {
  it.live("of a storm lists 200 outages, those that are open first, and is of bounded size", () =>
    Effect.gen(function*() {
      const bodies: Array<string> = []
      const { url } = yield* serveHttp(({ body }) => {
        bodies.push(body)
        return { status: 200 }
      })
      const hook = webhookChannel({ url, secret: Redacted.make("") }, [])
      const tell = (threads: ReadonlyArray<AlertThread>) =>
        Effect.andThen(
          hook.deliver(messageOf(threads as never, "updated")),
          Effect.sync(() =>
            JSON.parse(bodies.at(-1)!) as {
              readonly more?: number
              readonly outages: ReadonlyArray<{ readonly id: string }>
            }
          )
        )
      const all = Array.from({ length: 10_000 }, (_, i): AlertThread => {
        const it = outage(`o${i}`, { error: "€".repeat(5_000) })
        return i < 9_950
          ? { outage: ended(it), state: "resolved", delivered: {} }
          : { outage: it, state: "open", delivered: {} }
      })
      const large = yield* tell(all)
      assert.lengthOf(large.outages, 200)
      assert.strictEqual(large.more, 9_800)
      assert.deepStrictEqual(large.outages.slice(0, 50).map(({ id }) => id), all.slice(9_950).map((it) => it.outage.id))
      assert.isBelow(Buffer.byteLength(bodies[0]!), 1_000_000)
      const small = yield* tell(all.slice(9_800))
      assert.lengthOf(small.outages, 200)
      assert.strictEqual(small.outages[0]!.id, "o9800")
      assert.notProperty(small, "more")
    }).pipe(Effect.scoped))

  it.effect("is another one in another room: a server may know transactions by their id alone", () =>
    Effect.gen(function*() {
      const sent: Array<readonly [string, string]> = []
      const client = {
        send: (room: string, transaction: string) =>
          Effect.sync(() => {
            sent.push([room, transaction])
            return "$1"
          }),
        release: Effect.void
      }
      const snapshotOf = (room: string) =>
        Config.use((config) => config.current).pipe(
          Effect.provide(Config.layerMemory({ alerts: { matrix: { room, internal_room: "", members: {} } } } as never)),
          quietly
        )
      const told = (room: string, it: AlertMessage) =>
        Effect.flatMap(
          snapshotOf(room),
          (snapshot) => matrixChannel(client, "room", Effect.succeed(snapshot)).deliver(it)
        )
      yield* told("!a:x", message)
      yield* told("!b:x", message)
      yield* told("!a:x", message)
      assert.deepStrictEqual(sent.map(([room]) => room), ["!a:x", "!b:x", "!a:x"])
      assert.notStrictEqual(sent[0]![1], sent[1]![1])
      assert.deepStrictEqual(sent[2], sent[0])
    }))
})
