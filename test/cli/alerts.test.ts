import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { encodeThread } from "../../src/alerts/AlertThread.ts"
import { webhookName } from "../../src/alerts/index.ts"
import { AlertStore, Store } from "../../src/store/index.ts"
import { Homeserver } from "../alerts/homeserver.ts"
import { type Asked, serveHttp } from "../alerts/httpServer.ts"
import { ended, outage } from "../alerts/samples.ts"
import { temporaryFolder } from "./geodns.ts"
import { command } from "./inProcess.ts"

const member = (Name: string) => ({
  Details: { Name },
  Membership: { MemberLevel: 1 },
  Service: { Active: 1, ServiceIPv4: "192.0.2.1" },
  ServiceAssignments: {},
  Location: { Region: "Europe", Latitude: 1, Longitude: 1 }
})

/** A local document and what it names. */
const written = Effect.fnUntraced(function*(
  settings: Readonly<Record<string, unknown>>,
  routing: unknown = { matrix: { room: "!public:example" } }
) {
  const folder = yield* temporaryFolder
  const file = join(folder, "local.json")
  writeFileSync(join(folder, "alerts.json"), JSON.stringify(routing))
  writeFileSync(
    join(folder, "members.json"),
    JSON.stringify({ gone: member("Gone Hosting"), rhine: member("Rhine Networks") })
  )
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
            Webhooks: [{ Url: `${hook.url}/hook`, Secret: "s3cret" }, {
              Name: "pager",
              Url: `${hook.url}/other?token=s3cret`
            }],
            Alertmanager: { Urls: ["http://127.0.0.1:1"] }
          }
        }
      })
      const { ok, stderr, stdout } = yield* command(["alerts", "test", "--config", file, "--json"])
      assert.isFalse(ok)
      const { channels } = JSON.parse(stdout)
      assert.deepStrictEqual(
        channels.map((one: { channel: string; name: string; state: string }) => [
          one.channel.slice(0, 7),
          one.name,
          one.state
        ]),
        [
          ["log", "log", "ok"],
          ["matrix", "matrix", "ok"],
          ["matrix:", "matrix:internal", "not set"],
          ["webhook", `Webhooks[0] (127.0.0.1:${hook.port})`, "ok"],
          ["webhook", `pager (127.0.0.1:${hook.port})`, "ok"],
          ["alertma", "alertmanager", "failed"]
        ]
      )
      assert.strictEqual(channels.at(-1).problem, "127.0.0.1:1: connection refused")
      assert.include(stderr, "1 of 5 channels did not take the test")
      const told = asked.filter(({ path }) => path === "/hook").map(({ body }) => JSON.parse(body))
      assert.deepStrictEqual(told.map(({ kind, test }) => [kind, test]), [["opened", true], ["resolved", true]])
      assert.include(asked[0]!.body, "This is a test of the alerts")
      const [seen] = server.seen("!public:example")
      assert.strictEqual(seen!.edits, 1)
      assert.match(seen!.body, /^🧪 TEST is over/)
      // There is no store yet: nothing of the test stays at the home server.
      assert.lengthOf(server.logins, 1)
      assert.deepStrictEqual(server.devices, [])
      const text = yield* command(["alerts", "test", "--config", file])
      assert.match(text.stdout, /^ok {3}matrix$/m)
      assert.match(text.stdout, /^- {4}matrix:internal: not set$/m)
      assert.match(text.stdout, /^ok {3}pager \(127\.0\.0\.1:\d+\)$/m)
      assert.match(text.stdout, /^FAIL alertmanager: 127\.0\.0\.1:1: connection refused$/m)
      assert.deepStrictEqual(server.devices, [])
      for (const secret of ["s3cret", "pässword"]) {
        assert.notInclude(stdout + stderr + text.stdout + text.stderr, secret)
      }
    }).pipe(Effect.scoped))

  it.live("test says that there is no room, and where to give one", () =>
    Effect.gen(function*() {
      const server = new Homeserver()
      const { url } = yield* server.serve
      const { file } = yield* written(
        { Matrix: { HomeServerURL: url, Username: "alerts", Password: "pässword" } },
        { matrix: { internal_room: "!internal:example" } }
      )
      const { ok, stderr, stdout } = yield* command(["alerts", "test", "--config", file])
      assert.isFalse(ok)
      assert.match(stdout, /^FAIL matrix: no room: give matrix\.room of the alerts document, or Matrix\.RoomID$/m)
      assert.match(stdout, /^ok {3}matrix:internal$/m)
      assert.include(stderr, "1 of 3 channels did not take the test")
    }).pipe(Effect.scoped))

  it.live("test is about a member that there is, or says which there are and sends nothing", () =>
    Effect.gen(function*() {
      const asked: Array<Asked> = []
      const hook = yield* serveHttp((one) => {
        asked.push(one)
        return { status: 204 }
      })
      const { file } = yield* written({ GeoDNS: { Alerts: { Webhooks: [{ Url: hook.url, Secret: "s3cret" }] } } })
      const test = (name: string) => command(["alerts", "test", "--config", file, "--member", name])
      for (
        const [name, hint] of [["Rhine Network", 'did you mean "Rhine Networks"?'], ["Nobody", "known: Gone Hosting"]]
      ) {
        const { ok, stderr } = yield* test(name!)
        assert.isFalse(ok)
        assert.include(stderr, `--member "${name}": the members document has no such member; ${hint}`)
      }
      assert.deepStrictEqual(asked, [])
      for (const name of ["gone", "GONE HOSTING"]) assert.isTrue((yield* test(name)).ok)
      assert.deepStrictEqual([...new Set(asked.map(({ body }) => JSON.parse(body).outages[0].member))], [
        "Gone Hosting"
      ])
    }).pipe(Effect.scoped))

  it.live("list shows what is open or waits, and what was refused", () =>
    Effect.gen(function*() {
      const filename = join(yield* temporaryFolder, "geodns.db")
      const hook = "https://hooks.example/geodns?token=s3cret"
      const { file } = yield* written({
        GeoDNS: { Store: { Driver: "sqlite", File: filename }, Alerts: { Webhooks: [{ Name: "pager", Url: hook }] } }
      })
      const empty = yield* command(["alerts", "list", "--config", file])
      assert.isFalse(empty.ok)
      assert.include(empty.stderr, "no collator or standalone node of this document has written it yet")
      yield* Effect.gen(function*() {
        const store = yield* AlertStore
        const thread = {
          outage: outage("o1"),
          state: "open" as const,
          delivered: { matrix: "opened" as const, [webhookName(hook)]: "opened" as const }
        }
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
      const { deadLetters, names, threads } = JSON.parse(stdout)
      assert.deepStrictEqual(names, { [webhookName(hook)]: "pager (hooks.example)" })
      assert.deepStrictEqual(
        threads.map((one: { outage: string; delivered: unknown }) => [one.outage, one.delivered]),
        [
          ["o1", { matrix: "opened", [webhookName(hook)]: "opened" }]
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
      assert.include(text.stdout, "matrix opened, pager (hooks.example) opened")
      assert.notInclude(text.stdout + stdout, "s3cret")
      assert.include(text.stdout, "HTTP status 422")
      assert.include(text.stdout, "1 alert open or waiting, 1 message refused for good")
    }).pipe(Effect.scoped))
})
