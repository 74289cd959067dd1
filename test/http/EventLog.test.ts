import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, PubSub, Schema, Stream } from "effect"
import { Consensus, type ConsensusEvent } from "../../src/consensus/Consensus.ts"
import type { Vote } from "../../src/domain/wire/Consensus.ts"
import { EventLog, keptEvents, Log, LogEvent } from "../../src/http/index.ts"
import { readLogQuestion } from "../../src/http/Log.ts"
import { readTime } from "../../src/http/rfc3339.ts"
import { type OverrideChange, Overrides } from "../../src/status/Overrides.ts"
import { ask, served } from "./client.ts"
import { eventually, openEvents } from "./events.ts"
import { now, official, proposal, site } from "./fakes.ts"

const makeVote = (id: string, by: string, agree: boolean): Vote => ({
  ProposalID: id,
  SenderNodeID: by,
  NodeID: by,
  Agree: agree,
  Timestamp: now
})

const decision = (n: number): ConsensusEvent => ({
  _tag: "Decided",
  decision: { ...official(site("Amber"), { up: false, error: "refused" }), id: `d${n}` }
})

/** What the fakes publish is what consensus and overrides say. */
const world = Effect.gen(function*() {
  const events = yield* PubSub.unbounded<ConsensusEvent>()
  const changes = yield* PubSub.unbounded<OverrideChange>()
  const layer = EventLog.layer.pipe(Layer.provide([
    Layer.mock(Consensus, { subscribe: Effect.map(PubSub.subscribe(events), Stream.fromSubscription) }),
    Layer.mock(Overrides, { subscribe: Effect.map(PubSub.subscribe(changes), Stream.fromSubscription) })
  ]))
  return {
    layer,
    say: (event: ConsensusEvent) => PubSub.publish(events, event),
    change: (c: OverrideChange) => PubSub.publish(changes, c)
  }
})

const all = Effect.flatMap(EventLog, ({ since }) => since(0))

const settled = (count: number) =>
  Effect.delay(all, "5 millis").pipe(
    Effect.repeat({ until: (events) => events.length >= count }),
    Effect.timeout("15 seconds")
  )

describe("EventLog", () => {
  it.live("tells every kind of event, as the API says it", () =>
    Effect.gen(function*() {
      const { change, layer, say } = yield* world
      yield* Effect.gen(function*() {
        const open = proposal(site("Amber")).proposal
        yield* say({ _tag: "Proposed", proposal: open, own: false })
        yield* say({ _tag: "Voted", proposal: open, vote: makeVote(open.ID, "mon-3", false), own: false })
        yield* say({ _tag: "Voted", proposal: undefined, vote: makeVote("early", "mon-3", true), own: false })
        yield* say(decision(1))
        yield* say({ _tag: "Rejected", proposal: open, votes: { "mon-2": true, "mon-3": false } })
        yield* settled(5)
        yield* change({
          change: "began",
          override: {
            id: "o",
            kind: "override",
            member: "Amber",
            reason: "disk",
            author: "anna",
            node: "mon-1",
            at: now,
            from: now,
            until: undefined,
            ended: undefined
          }
        })
        const events = yield* settled(6)
        assert.deepStrictEqual(events.map(({ _tag }) => _tag), [
          "Proposed",
          "Voted",
          "Voted",
          "Decided",
          "Rejected",
          "Override"
        ])
        for (const event of events) {
          assert.deepStrictEqual(Schema.decodeUnknownSync(LogEvent)(JSON.parse(JSON.stringify(event))), event)
        }
        assert.deepStrictEqual(events.map(({ id }) => id - events[0]!.id), [0, 1, 2, 3, 4, 5])
        assert.deepInclude(events[1], { by: "mon-3", agree: false, proposal: open.ID })
        assert.notProperty(events[2]!, "target")
        assert.deepInclude(events[4], { votes: { yes: ["mon-2"], no: ["mon-3"] } })
      }).pipe(Effect.provide(layer))
    }))

  it.live("keeps the last 500, small, whatever was sent", () =>
    Effect.gen(function*() {
      const { layer, say } = yield* world
      yield* Effect.gen(function*() {
        const long = "é".repeat(100_000)
        for (let i = 0; i < keptEvents + 100; i++) {
          yield* say({
            _tag: "Proposed",
            proposal: proposal(site(long), { error: `${i} ${long}` }).proposal,
            own: true
          })
        }
        const events = yield* Effect.delay(all, "5 millis").pipe(
          Effect.repeat({ until: (events) => events.some((e) => e._tag === "Proposed" && e.error.startsWith("599 ")) }),
          Effect.timeout("15 seconds")
        )
        assert.lengthOf(events, keptEvents)
        assert.isBelow(JSON.stringify(events).length, keptEvents * 2_000)
      }).pipe(Effect.provide(layer))
    }))
})

describe("GET /api/log", () => {
  const node = (layer: Layer.Layer<EventLog>) => served(Log.layer).pipe(Layer.provideMerge(layer))

  it.live("sends what there is, and then what comes", () =>
    Effect.gen(function*() {
      const { layer, say } = yield* world
      yield* Effect.gen(function*() {
        yield* say(decision(1))
        yield* say(decision(2))
        const kept = yield* settled(2)
        const reader = yield* openEvents("/api/log")
        const decisions = () => reader.events.filter(({ event }) => event === "Decided")
        yield* eventually("the two from before", () => decisions().length === 2)
        yield* say(decision(3))
        yield* eventually("the third", () => decisions().length === 3)
        const last = decisions()[2]!
        assert.strictEqual(last.id, String(kept[1]!.id + 1))
        assert.deepInclude(JSON.parse(last.data), { _tag: "Decided", proposal: "d3", error: "refused", by: "mon-1" })

        // A browser that comes back goes on where it was.
        const again = yield* openEvents("/api/log", { "last-event-id": String(kept[1]!.id) })
        yield* eventually("what was missed", () => again.events.some(({ id }) => id === last.id))
        assert.lengthOf(again.events.filter(({ event }) => event === "Decided"), 1)
      }).pipe(Effect.provide(node(layer)))
    }))

  it.live("ends when nobody wants to follow, and leaves out what is not asked for", () =>
    Effect.gen(function*() {
      const { layer, say } = yield* world
      yield* Effect.gen(function*() {
        for (let i = 1; i <= 3; i++) yield* say(decision(i))
        const kept = yield* settled(3)
        const ids = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))
        const { status, text } = yield* ask("/api/log?follow=false")
        assert.deepStrictEqual([status, ids(text)], [200, kept.map(({ id }) => id)])
        assert.deepStrictEqual(ids((yield* ask(`/api/log?follow=false&after=${kept[1]!.id}`)).text), [kept[2]!.id])
        // The id of an event that never was: all, rather than none for ever.
        assert.lengthOf(ids((yield* ask(`/api/log?follow=false&after=${kept[2]!.id + 10}`)).text), 3)
        assert.lengthOf(ids((yield* ask("/api/log?follow=false&since=2001-01-01T00:00:00Z")).text), 3)
        assert.lengthOf(ids((yield* ask("/api/log?follow=false&since=2199-01-01T00:00:00%2B01:00")).text), 0)
        const wrong = yield* ask("/api/log?follow=maybe&after=x&since=yesterday")
        assert.strictEqual(wrong.status, 400)
        assert.strictEqual(
          wrong.json.error,
          "after is the id of an event, a whole number; since is a time, as 2026-11-21T18:00:00Z; follow is either true or false"
        )
      }).pipe(Effect.provide(node(layer)))
    }))
})

describe("readLogQuestion", () => {
  it("forgives a browser what it saw last, and nobody two values", () => {
    assert.deepStrictEqual(readLogQuestion({ after: "7" }, "nonsense"), {
      after: 0,
      since: Number.NEGATIVE_INFINITY,
      follow: true
    })
    assert.deepInclude(readLogQuestion({ after: "7" }, "9"), { after: 9 })
    assert.strictEqual(readLogQuestion({ follow: ["true", "false"] }, undefined), "follow is given more than once")
  })
})

describe("readTime", () => {
  it("reads RFC 3339 and nothing else", () => {
    assert.strictEqual(readTime("2026-11-21T18:00:00Z"), Date.UTC(2026, 10, 21, 18))
    assert.strictEqual(readTime("2026-11-21t18:00:00.25+05:30"), Date.UTC(2026, 10, 21, 12, 30, 0, 250))
    assert.strictEqual(readTime("2024-02-29T00:00:00Z"), Date.UTC(2024, 1, 29))
    for (
      const text of [
        "",
        "2026-11-21",
        "2026-11-21T18:00Z",
        "2026-11-21T18:00:00",
        "2026-11-21 18:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2025-02-29T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T18:60:00Z",
        "2026-11-21T18:00:00+24:00",
        "Sat, 21 Nov 2026 18:00:00 GMT",
        "1795000000"
      ]
    ) assert.isUndefined(readTime(text), text)
  })
})
