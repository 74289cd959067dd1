import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger, Redacted, type Scope } from "effect"
import type { AlertMessage } from "../../src/alerts/AlertMessage.ts"
import { afterEvent, type AlertThread, makeMatrixClient, matrixChannel, messageOf } from "../../src/alerts/index.ts"
import { mentionsOf } from "../../src/alerts/mentions.ts"
import { Config } from "../../src/config/Config.ts"
import type { Outage } from "../../src/domain/Outage.ts"
import { AlertStore } from "../../src/store/index.ts"
import { Homeserver } from "./homeserver.ts"
import { ended, march, minute, outage } from "./samples.ts"

const member = (Name: string) => ({
  Details: { Name },
  Membership: { MemberLevel: 1 },
  Service: { Active: 1 as const, ServiceIPv4: "192.0.2.1" },
  ServiceAssignments: {},
  Location: { Latitude: 1, Longitude: 1 }
})
const documents = {
  members: { potomac: member("Potomac Works"), lagoon: member("Lagoon"), harbour: member("Harbour") },
  alerts: {
    matrix: {
      room: "!public:example",
      internal_room: "!internal:example",
      members: {
        POTOMAC: ["@ann:example", "no user id"],
        "potomac works": ["@ann:example", "@bob:example"],
        lagoon: ["@chao:example"]
      }
    }
  }
}
const snapshotOf = (alerts: unknown = documents.alerts) =>
  Config.use((config) => config.current).pipe(
    Effect.provide(Config.layerMemory({ ...documents, alerts } as never)),
    Effect.provide(Logger.layer([]))
  )

const threadOf = (it: Outage): AlertThread =>
  afterEvent(undefined, { _tag: it.end === undefined ? "Opened" : "Closed", outage: it })
const message = (kind: AlertMessage["kind"], outages: ReadonlyArray<Outage>, receipt?: string | void) =>
  messageOf(outages.map(threadOf) as never, kind, { receipt: typeof receipt === "string" ? receipt : undefined })
const o1 = outage("o1", { error: '<b>no & "nothing"</b>' })

/** A channel to a homeserver, and more of them with the same store, as after a restart. */
const world = Effect.gen(function*() {
  const server = new Homeserver()
  const { url } = yield* server.serve
  const store = yield* AlertStore
  const snapshot = yield* snapshotOf()
  const start = (which: "room" | "internal_room" = "room", password = "pässword") =>
    matrixChannel(
      makeMatrixClient(
        { homeserver: url, user: "alerts", password: Redacted.make(password), allowed: [] },
        store,
        "matrix"
      ),
      which,
      Effect.succeed(snapshot)
    )
  return { server, start, store, url }
})
const live = (name: string, body: Effect.Effect<void, unknown, AlertStore | Scope.Scope>) =>
  it.live(name, () => body.pipe(Effect.scoped, Effect.provide(AlertStore.layerMemory)))

describe("Matrix", () => {
  live(
    "one message with all that is known, which becomes ONLINE in its place, and calls nobody again",
    Effect.gen(function*() {
      const { server, start } = yield* world
      const channel = start()
      const receipt = yield* channel.deliver(message("opened", [o1]))
      const [event] = server.events
      const { body, format, formatted_body: html } = event!.content
      for (
        const part of [
          "OFFLINE (warning): Potomac Works",
          "Member: Potomac Works",
          "Check: endpoint o1",
          "Domain: rpc.example",
          "Endpoint: wss://rpc.example/kusama",
          "IP version: IPv4",
          'Error: <b>no & "nothing"</b>',
          "Since: 2026-03-01 00:00:00 UTC",
          "Votes: 2 of 2 (m1, m2)",
          "@ann:example @bob:example"
        ]
      ) assert.include(body, part)
      assert.strictEqual(format, "org.matrix.custom.html")
      assert.include(html, "&lt;b&gt;no &amp; &quot;nothing&quot;&lt;/b&gt;")
      assert.include(html, `<a href="https://matrix.to/#/%40ann%3Aexample">@ann:example</a>`)
      assert.strictEqual(event!.content["msgtype"], "m.text")
      assert.deepStrictEqual(event!.content["m.mentions"], { user_ids: ["@ann:example", "@bob:example"] })

      yield* channel.deliver(message("resolved", [ended(o1, march + 75 * minute)], receipt))
      const [first, second, ...none] = server.events
      assert.deepStrictEqual(none, [])
      assert.deepStrictEqual(second!.content["m.relates_to"], { rel_type: "m.replace", event_id: first!.id })
      assert.deepStrictEqual(second!.content["m.mentions"], {})
      assert.include(second!.content["m.new_content"].body, "ONLINE: Potomac Works after 1h 15m")
      assert.deepStrictEqual(server.seen("!public:example").map(({ edits }) => edits), [1])
    })
  )

  live(
    "a repeat is the same message, also after a restart, and when the answer was lost",
    Effect.gen(function*() {
      const { server, start } = yield* world
      const first = yield* start().deliver(message("opened", [o1]))
      // Killed before it was stored.
      const again = yield* start().deliver(message("opened", [o1]))
      assert.strictEqual(again, first)
      assert.lengthOf(server.events, 1)
      assert.lengthOf(server.logins, 1)
      yield* start().deliver(message("resolved", [ended(o1)], first))
      yield* start().deliver(message("resolved", [ended(o1)], first))
      assert.lengthOf(server.events, 2)
      // The other room has messages of its own.
      yield* start("internal_room").deliver(message("opened", [o1]))
      assert.lengthOf(server.seen("!internal:example"), 1)
    })
  )

  live(
    "logs in again as the same device when its token is over, also for several messages at once",
    Effect.gen(function*() {
      const { server, start } = yield* world
      const channel = start()
      yield* channel.deliver(message("opened", [outage("a")]))
      server.expire()
      yield* Effect.forEach(["b", "c", "d"], (id) => channel.deliver(message("opened", [outage(id)])), {
        concurrency: 3
      })
      assert.lengthOf(server.events, 4)
      assert.lengthOf(server.logins, 2)
      assert.strictEqual(server.logins[0]!.device, server.logins[1]!.device)
      // Another process logs in: ours takes the token that it has stored.
      server.expire()
      yield* start().deliver(message("opened", [outage("e")]))
      yield* channel.deliver(message("opened", [outage("f")]))
      assert.lengthOf(server.logins, 3)
      assert.strictEqual(new Set(server.logins.map(({ device }) => device)).size, 1)
    })
  )

  live(
    "waits as long as the server asks, and with a wrong password much longer",
    Effect.gen(function*() {
      const { server, start } = yield* world
      const channel = start()
      yield* channel.deliver(message("opened", [outage("a")]))
      server.limit = 1
      const limited = yield* Effect.flip(channel.deliver(message("opened", [o1])))
      assert.deepInclude({ ...limited }, { isRetryable: true, isDown: true, retryAfter: 90_000 })
      assert.include(limited.problem, "M_LIMIT_EXCEEDED")
      yield* channel.deliver(message("opened", [o1]))
      server.expire()
      server.password = "another"
      const wrong = yield* Effect.flip(channel.deliver(message("opened", [outage("b")])))
      assert.deepInclude({ ...wrong }, { isRetryable: true, isDown: true, retryAfter: 300_000 })
      assert.include(wrong.problem, "M_FORBIDDEN")
      assert.notInclude(wrong.message, "pässword")
    })
  )

  live(
    "joins a room that it is invited to, and replies where an edit is not taken",
    Effect.gen(function*() {
      const { server, start } = yield* world
      server.invited.add("!public:example")
      const channel = start()
      const receipt = yield* channel.deliver(message("opened", [o1]))
      assert.include(server.asked, "POST join")
      server.noEdits = true
      yield* channel.deliver(message("resolved", [ended(o1)], receipt))
      const [first, reply] = server.events
      assert.deepStrictEqual(reply!.content["m.relates_to"], { "m.in_reply_to": { event_id: first!.id } })
      assert.include(reply!.content["body"], "ONLINE")
      assert.deepStrictEqual(reply!.content["m.mentions"], {})
    })
  )

  live(
    "a storm is one message with a list, and those who are new in it are called",
    Effect.gen(function*() {
      const { server, start } = yield* world
      const channel = start()
      const [a, b] = [outage("a"), outage("b", {}, { member: "lagoon" })]
      const first = yield* channel.deliver(message("opened", [a]))
      const second = yield* channel.deliver(message("updated", [a, b], first))
      assert.deepStrictEqual(server.events[1]!.content["m.mentions"], { user_ids: ["@chao:example"] })
      assert.deepStrictEqual(server.events[1]!.content["m.new_content"]["m.mentions"], {
        user_ids: ["@ann:example", "@bob:example", "@chao:example"]
      })
      yield* channel.deliver(message("updated", [ended(a), b], second))
      assert.deepStrictEqual(server.events[2]!.content["m.mentions"], {})
      const [seen] = server.seen("!public:example")
      assert.include(seen!.body, "2 members, 2 targets, 1 of them still")
      assert.include(seen!.body, "- lagoon endpoint b wss://rpc.example/kusama IPv4: connection refused")
      assert.include(seen!.body, "- Potomac Works endpoint a wss://rpc.example/kusama IPv4: ONLINE after 1m")
      const many = Array.from({ length: 500 }, (_, i) => outage(`m${i}`, { error: "€".repeat(5_000) }))
      yield* channel.deliver(message("updated", [a, ...many], second))
      // A homeserver takes 65,536 bytes.
      assert.isBelow(Buffer.byteLength(JSON.stringify(server.events.at(-1)!.content)), 65_000)
    })
  )

  live(
    "a test says so in its first words, calls the people, and is over",
    Effect.gen(function*() {
      const { server, start } = yield* world
      const of = (kind: AlertMessage["kind"], it: Outage, receipt?: string | void) =>
        messageOf([threadOf(it)], kind, { isTest: true, receipt: typeof receipt === "string" ? receipt : undefined })
      const channel = start()
      const receipt = yield* channel.deliver(of("opened", o1))
      const { body, formatted_body: html, "m.mentions": mentions } = server.events[0]!.content
      assert.match(body, /^🧪 TEST, nothing is down: Potomac Works\n/)
      assert.include(html, "<strong>TEST, nothing is down: Potomac Works</strong>")
      assert.notMatch(body + html, /OFFLINE|🔴|Votes|Endpoint/)
      assert.deepStrictEqual(mentions, { user_ids: ["@ann:example", "@bob:example"] })
      yield* channel.deliver(of("resolved", ended(o1), receipt))
      const [seen] = server.seen("!public:example")
      assert.match(seen!.body, /^🧪 TEST is over: Potomac Works\n/)
      assert.notInclude(seen!.body, "ONLINE")
    })
  )

  live(
    "without any room alerts wait for one; without an internal room there is nothing to tell there",
    Effect.gen(function*() {
      const { server, start, store, url } = yield* world
      const account = { homeserver: url, user: "alerts", password: Redacted.make("pässword"), allowed: [] }
      const channelOf = (which: "room" | "internal_room", alerts: unknown) =>
        Effect.map(
          snapshotOf(alerts),
          (snapshot) => matrixChannel(makeMatrixClient(account, store, "matrix"), which, Effect.succeed(snapshot))
        )
      const error = yield* Effect.flip((yield* channelOf("room", {})).deliver(message("opened", [o1])))
      assert.deepInclude({ ...error }, { isRetryable: true, isDown: true })
      assert.strictEqual(error.problem, "no room: give matrix.room of the alerts document, or Matrix.RoomID")
      const internal = yield* channelOf("internal_room", {})
      assert.isFalse(yield* internal.isSet!)
      yield* internal.deliver(message("opened", [o1]))
      // Who has an internal room alone is told there.
      const only = { matrix: { internal_room: "!internal:example" } }
      yield* (yield* channelOf("room", only)).deliver(message("opened", [o1]))
      assert.isTrue(yield* (yield* channelOf("internal_room", only)).isSet!)
      assert.deepStrictEqual(server.asked, [])
      yield* start("internal_room").deliver(message("opened", [o1]))
      assert.lengthOf(server.events, 1)
    })
  )

  live(
    "a session that is in no store is given up, and one that is stays",
    Effect.gen(function*() {
      const { server, start, store, url } = yield* world
      const stored = start()
      yield* stored.deliver(message("opened", [o1]))
      yield* stored.release!
      assert.lengthOf(server.devices, 1)
      const account = { homeserver: url, user: "alerts", password: Redacted.make("pässword"), allowed: [] }
      const client = makeMatrixClient(account, undefined, "matrix")
      yield* client.release
      yield* client.send("!public:example", "t1", {})
      assert.lengthOf(server.devices, 2)
      yield* client.release
      yield* client.release
      assert.lengthOf(server.devices, 1)
      // Also when the store takes nothing.
      const broken = { ...store, kept: () => Effect.undefined, keep: () => Effect.die("broken") }
      const other = makeMatrixClient(account, broken, "matrix")
      yield* other.send("!public:example", "t2", {})
      yield* other.release
      assert.lengthOf(server.devices, 1)
    })
  )

  live(
    "when the answer is lost it is not known whether the message came, and the repeat is the same",
    Effect.gen(function*() {
      const { server, start } = yield* world
      const channel = start()
      yield* channel.deliver(message("opened", [outage("a")]))
      server.loses = 1
      const trying = yield* Effect.forkChild(channel.deliver(message("opened", [o1])))
      const deadline = performance.now() + 5_000
      while (server.events.length < 2 && performance.now() < deadline) yield* Effect.sleep(5)
      yield* Fiber.interrupt(trying)
      yield* channel.deliver(message("opened", [o1]))
      assert.lengthOf(server.events, 2)
    })
  )
})

describe("mentions", () => {
  it.effect("are found by key and by name, in any case, each person once", () =>
    Effect.gen(function*() {
      const { alerts, catalog } = yield* snapshotOf()
      const both = ["@ann:example", "@bob:example"]
      for (const name of ["Potomac Works", "potomac", "POTOMAC WORKS"]) {
        assert.deepStrictEqual(mentionsOf(alerts, catalog, [name]), both)
      }
      assert.deepStrictEqual(mentionsOf(alerts, catalog, ["Lagoon"]), ["@chao:example"])
      assert.deepStrictEqual(mentionsOf(alerts, catalog, ["Harbour", "nobody"]), [])
      assert.deepStrictEqual(mentionsOf(alerts, catalog, ["Lagoon", "Potomac Works"]), [...both, "@chao:example"])
    }))
})
