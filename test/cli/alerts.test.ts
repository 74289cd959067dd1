import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { encodeThread } from "../../src/alerts/AlertThread.ts"
import { AlertStore, Store } from "../../src/store/index.ts"
import { Homeserver } from "../alerts/homeserver.ts"
import { type Asked, serveHttp } from "../alerts/httpServer.ts"
import { ended, outage } from "../alerts/samples.ts"
import { temporaryFolder } from "./geodns.ts"
import { command } from "./inProcess.ts"

/** A local document and what it names. */
const written = Effect.fnUntraced(function*(settings: Readonly<Record<string, unknown>>) {
  const folder = yield* temporaryFolder
  const file = join(folder, "local.json")
  writeFileSync(join(folder, "alerts.json"), JSON.stringify({ matrix: { room: "!public:example" } }))
  writeFileSync(join(folder, "members.json"), "{}")
  writeFileSync(join(folder, "services.json"), "{}")
  writeFileSync(
    file,
    JSON.stringify({
      System: {
        WorkDir: "./work",
        ConfigUrls: { AlertsConfig: "alerts.json", MembersConfig: "members.json", ServicesConfig: "services.json" }
      },
      ...settings
    })
  )
  return { file }
})

describe("geodns alerts", () => {
  it.live("test sends through every channel, and says which does not take it", () =>
    Effect.gen(function*() {
      const asked: Array<Asked> = []
      const hook = yield* serveHttp((one) => {
        asked.push(one)
        return { status: 204 }
      })
      const server = new Homeserver()
      const { url } = yield* server.serve
      const { file } = yield* written({
        Matrix: { HomeServerURL: url, Username: "alerts", Password: "pässword" },
        GeoDNS: {
          Alerts: {
            Webhooks: [{ Url: `${hook.url}/hook`, Secret: "s3cret" }],
            Alertmanager: { Urls: ["http://127.0.0.1:1"] }
          }
        }
      })
      const { ok, stderr, stdout } = yield* command(["alerts", "test", "--config", file, "--json"])
      assert.isFalse(ok)
      const { channels } = JSON.parse(stdout)
      assert.deepStrictEqual(
        channels.map((one: { channel: string; ok: boolean }) => [one.channel.slice(0, 7), one.ok]),
        [
          ["log", true],
          ["matrix", true],
          ["matrix:", true],
          ["webhook", true],
          ["alertma", false]
        ]
      )
      assert.match(channels.at(-1).problem, /ECONNREFUSED/)
      assert.include(stderr, "1 of 5 channels did not take the test")
      assert.deepStrictEqual(asked.map(({ body }) => JSON.parse(body).kind), ["opened", "resolved"])
      assert.include(asked[0]!.body, "This is a test of the alerts")
      assert.deepStrictEqual(server.seen("!public:example").map(({ edits }) => edits), [1])
      const text = yield* command(["alerts", "test", "--config", file])
      assert.match(text.stdout, /ok {3}matrix$/m)
      for (const secret of ["s3cret", "pässword"]) {
        assert.notInclude(stdout + stderr + text.stdout + text.stderr, secret)
      }
    }).pipe(Effect.scoped))

  it.live("list shows what is open or waits, and what was refused", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryFolder, "geodns.db")
      const { file } = yield* written({ GeoDNS: { Store: { Driver: "sqlite", File: filename } } })
      const empty = yield* command(["alerts", "list", "--config", file])
      assert.isFalse(empty.ok)
      assert.include(empty.stderr, "no collator or standalone node of this document has written it yet")
      yield* Effect.gen(function*() {
        const store = yield* AlertStore
        const thread = { outage: outage("o1"), state: "open" as const, delivered: { matrix: "opened" as const } }
        yield* store.save({ outage: "o1", thread: encodeThread(thread), finished: false })
        const over = { outage: ended(outage("o2")), state: "resolved" as const, delivered: {}, silenced: "out" }
        yield* store.save({ outage: "o2", thread: encodeThread(over), finished: true })
        yield* store.bury({
          channel: "webhook:x",
          key: "o0:opened",
          at: 1_000,
          problem: "HTTP status 422",
          message: '{"a":1}'
        })
      }).pipe(Effect.provide(Store.layerSqlite({ filename })))
      const { stdout } = yield* command(["alerts", "list", "--config", file, "--json"])
      const { deadLetters, threads } = JSON.parse(stdout)
      assert.deepStrictEqual(
        threads.map((one: { outage: string; delivered: unknown }) => [one.outage, one.delivered]),
        [
          ["o1", { matrix: "opened" }]
        ]
      )
      assert.deepStrictEqual(deadLetters, [{
        channel: "webhook:x",
        key: "o0:opened",
        problem: "HTTP status 422",
        at: "1970-01-01T00:00:01.000Z",
        message: { a: 1 }
      }])
      const text = yield* command(["alerts", "list", "--config", file])
      assert.include(text.stdout, "matrix opened")
      assert.include(text.stdout, "HTTP status 422")
      assert.include(text.stdout, "1 alert open or waiting, 1 message refused for good")
    }).pipe(Effect.scoped))
})
