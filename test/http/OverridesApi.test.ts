import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import { Config } from "../../src/config/Config.ts"
import { Access } from "../../src/http/Access.ts"
import { GivenOverride, OverrideList, OverridesApi } from "../../src/http/index.ts"
import { NotKept, OverrideError, Overrides, TooMany } from "../../src/status/Overrides.ts"
import { membersOf, rpc, servicesOf } from "../steering/world.ts"
import { ask, served } from "./client.ts"
import { member } from "./fakes.ts"

const documents = { members: { amber: member("Amber"), birch: member("Birch Ltd") } }

const as = (caller: string) =>
  Layer.succeed(Access, { admit: () => Effect.succeed({ _tag: "Admitted" as const, caller }) })

const later = "2126-01-02T00:00:00Z"

/** Two members that serve one name. */
const serving = { members: membersOf({ amber: { name: "Amber" }, birch: {} }), services: servicesOf({ Main: {} }) }

const routes = (
  caller = "anna",
  overrides: Layer.Layer<Overrides, never, Config> = Overrides.layerMemory,
  shared: Parameters<typeof Config.layerMemory>[0] = documents
) =>
  served(OverridesApi.layer.pipe(Layer.provide(overrides)), as(caller)).pipe(
    Layer.provide(Config.layerMemory(shared))
  )

const post = (path: string, body: unknown) =>
  ask(path, { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } })

const give = (body: Record<string, unknown> = {}) =>
  post("/api/overrides", { kind: "override", member: "amber", reason: "disk swap", ...body })

describe("/api/overrides", () => {
  it.live("gives, lists and ends", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* ask("/api/overrides")).json, { overrides: [] })
      const given = yield* give({ author: "Anna A." })
      assert.strictEqual(given.status, 200, given.text)
      assert.deepStrictEqual<unknown>(Schema.decodeUnknownSync(GivenOverride)(given.json), given.json)
      assert.deepInclude(given.json, {
        kind: "override",
        member: "Amber",
        reason: "disk swap",
        author: "Anna A. (key anna)",
        state: "active"
      })
      assert.notProperty(given.json, "until")
      const listed = yield* ask("/api/overrides")
      assert.deepStrictEqual<unknown>(Schema.decodeUnknownSync(OverrideList)(listed.json), listed.json)
      assert.deepStrictEqual(listed.json.overrides.map(({ id }: { id: string }) => id), [given.json.id])

      const ended = yield* post("/api/overrides/end", { kind: "override", member: "Amber" })
      assert.strictEqual(ended.status, 200, ended.text)
      assert.deepInclude(ended.json.overrides[0], { id: given.json.id, state: "over" })
      assert.strictEqual(ended.json.overrides[0].ended.by, "anna")
      const again = yield* post("/api/overrides/end", { kind: "override", member: "Amber" })
      assert.deepStrictEqual([again.status, again.json.error], [404, "nothing is in force or planned for Amber"])
    }).pipe(Effect.provide(routes())))

  it.live("tells which names have no other member, and since when a member is out already", () =>
    Effect.gen(function*() {
      const first = yield* give()
      assert.deepInclude(first.json, { emptied: { total: 0, items: [] }, connected: true })
      assert.notProperty(first.json, "alreadySince")
      const again = yield* give({ reason: "the same" })
      assert.deepStrictEqual([again.status, again.json.alreadySince], [200, first.json.from])
      // Birch is the last one: for a plan, too, while Amber is out until somebody ends it.
      const emptied = { total: 1, items: [{ name: rpc }] }
      const planned = yield* give({ kind: "maintenance", member: "birch", from: later, until: "2126-01-03T00:00:00Z" })
      assert.deepStrictEqual(planned.json.emptied, emptied)
      assert.deepStrictEqual((yield* give({ member: "birch" })).json.emptied, emptied)
      yield* post("/api/overrides/end", { kind: "override", member: "birch" })
      yield* post("/api/overrides/end", { kind: "override", member: "amber" })
      assert.deepStrictEqual((yield* give({ member: "amber" })).json.emptied, { total: 0, items: [] })
      const overlap = yield* give({ kind: "maintenance", from: later, until: "2126-01-03T00:00:00Z" })
      assert.deepStrictEqual(overlap.json.emptied, emptied, "both will be out then")
    }).pipe(Effect.provide(routes("anna", Overrides.layerMemory, serving))))

  it.live("tells that the others do not hear of it now", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* give()).json.connected, true)
      yield* MemoryBroker.use((broker) => broker.disconnect("api"))
      assert.strictEqual((yield* give()).json.connected, false)
    }).pipe(Effect.provide(
      routes().pipe(Layer.provide(Bus.layerMemory({ name: "api" })), Layer.provideMerge(MemoryBroker.layer))
    )))

  it.live("plans maintenance, in any zone", () =>
    Effect.gen(function*() {
      const { json, status } = yield* give({
        kind: "maintenance",
        from: "2126-01-02T03:00:00+02:00",
        until: "2126-01-02T04:00:00.5Z"
      })
      assert.strictEqual(status, 200)
      assert.deepInclude(json, {
        from: "2126-01-02T01:00:00.000Z",
        until: "2126-01-02T04:00:00.500Z",
        state: "planned"
      })
    }).pipe(Effect.provide(routes())))

  it.live("says what is wrong, and takes nothing then", () =>
    Effect.gen(function*() {
      for (
        const until of [
          "tomorrow",
          "2126-01-02",
          "2126-01-02T03:00:00",
          "2126-02-30T03:00:00Z",
          "2126-01-02T24:00:00Z",
          "1h"
        ]
      ) {
        const { json, status } = yield* give({ until })
        assert.deepStrictEqual([status, json.error], [
          400,
          `until: ${JSON.stringify(until)} is no time; write it with its zone, as 2026-11-21T18:00:00Z`
        ])
      }
      const past = yield* give({ until: "2001-01-02T03:00:00Z" })
      assert.strictEqual(past.status, 400, past.text)
      const unknown = yield* give({ member: "ambr" })
      assert.strictEqual(unknown.status, 404)
      assert.match(unknown.json.error, /no member is called "ambr"; did you mean "[Aa]mber"\?/)
      for (const body of [{ reason: "" }, { member: "" }, { kind: "party" }, { member: 7 }, { until: 7 }]) {
        const { json, status } = yield* give(body)
        assert.strictEqual(status, 400)
        assert.include(json.error, Object.keys(body)[0])
      }
      const broken = yield* ask("/api/overrides", {
        method: "POST",
        body: "{",
        headers: { "content-type": "application/json" }
      })
      assert.strictEqual(broken.status, 400)
      assert.deepStrictEqual((yield* ask("/api/overrides")).json, { overrides: [] })
    }).pipe(Effect.provide(routes())))

  it.live("allows GET and POST", () =>
    Effect.gen(function*() {
      const deleted = yield* ask("/api/overrides", { method: "DELETE" })
      assert.deepStrictEqual([deleted.status, deleted.headers.get("allow")], [405, "GET, HEAD, POST"])
      const got = yield* ask("/api/overrides/end")
      assert.deepStrictEqual([got.status, got.json.error], [405, "GET is not allowed at /api/overrides/end: POST is"])
    }).pipe(Effect.provide(routes())))

  it.live("lets a key that is called like a member act for that member alone", () =>
    Effect.gen(function*() {
      const other = yield* give({ member: "amber" })
      assert.strictEqual(other.status, 403)
      assert.include(other.json.error, "only for Birch Ltd")
      assert.strictEqual((yield* post("/api/overrides/end", { kind: "override", member: "Amber" })).status, 403)
      assert.strictEqual((yield* give({ member: "Birch Ltd" })).status, 200)
    }).pipe(Effect.provide(routes("birch"))))

  it.live("takes nothing in shadow mode, and says so", () =>
    Effect.gen(function*() {
      for (
        const { json, status } of [
          yield* give(),
          yield* post("/api/overrides/end", { kind: "override", member: "Amber" })
        ]
      ) {
        assert.strictEqual(status, 403)
        assert.match(json.error, /^this node is in shadow mode and takes part in nothing/)
      }
      assert.deepStrictEqual((yield* ask("/api/overrides")).json, { overrides: [] })
    }).pipe(Effect.provide(
      served(OverridesApi.layer.pipe(Layer.provide(Overrides.layerMemory)), as("anna")).pipe(
        Layer.provide(Config.layerMemory({ ...documents, local: { GeoDNS: { Consensus: { Shadow: true } } } }))
      )
    )))

  it.live("tells when it cannot be done now", () =>
    Effect.gen(function*() {
      const { json, status } = yield* give()
      assert.strictEqual(status, 503)
      assert.include(json.error, "could not be kept on the disk")
      const ended = yield* post("/api/overrides/end", { kind: "override", member: "Amber" })
      assert.strictEqual(ended.status, 503)
    }).pipe(Effect.provide(routes(
      "anna",
      Layer.mock(Overrides, {
        list: Effect.succeed([]),
        add: () => Effect.fail(new OverrideError({ reason: new NotKept({ detail: "no space" }) })),
        end: () => Effect.fail(new OverrideError({ reason: new TooMany({ limit: 1 }) }))
      })
    ))))

  it.live("is not there on a node without overrides", () =>
    Effect.gen(function*() {
      for (const method of ["GET", "POST"]) {
        assert.strictEqual((yield* ask("/api/overrides", { method })).status, 404)
      }
    }).pipe(Effect.provide(served(OverridesApi.layer).pipe(Layer.provide(Config.layerMemory(documents))))))
})
