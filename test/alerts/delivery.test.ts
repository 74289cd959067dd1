import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Logger, Queue, Ref } from "effect"
import { TestClock } from "effect/testing"
import fc from "fast-check"
import type { AlertMessage } from "../../src/alerts/AlertMessage.ts"
import { alertTarget, refused, unanswered } from "../../src/alerts/AlertTarget.ts"
import { afterEvent } from "../../src/alerts/AlertThread.ts"
import { Backlog } from "../../src/alerts/Backlog.ts"
import { deliverTo } from "../../src/alerts/Delivery.ts"
import { AlertError } from "../../src/alerts/index.ts"
import { type Due, Threads } from "../../src/alerts/Threads.ts"
import { NoAnswer } from "../../src/config/exchange.ts"
import { Conditions } from "../../src/node/Conditions.ts"
import { makeWorld, settle, startCollator, unreachable } from "./collating.ts"
import { march, minute, outage } from "./samples.ts"

const quietly = Effect.provide(Logger.layer([]))
const target = alertTarget("server", "http://hooks.example/x", [])!
const status = (code: number) => refused(target, { status: code, retryAfter: undefined })
const reset = unanswered(target)(new NoAnswer({ problem: "socket hang up", wasSent: true, isForbidden: false }))
const refusal = new AlertError({ channel: "server", problem: "HTTP status 413", isRetryable: false })
const storms = { severity: () => "warning" as const, belongs: () => true }

/** A channel that keeps what it is asked and what it takes, and when: seconds since the start. */
const makeChannel = (fails: (message: AlertMessage) => AlertError | undefined) => {
  const asked: Array<string> = []
  const taken: Array<string> = []
  const at: Array<number> = []
  const deliver = (message: AlertMessage) =>
    Effect.gen(function*() {
      asked.push(message.idempotencyKey)
      at.push((yield* Clock.currentTimeMillis) / 1_000)
      const error = fails(message)
      if (error !== undefined) return yield* error
      taken.push(message.idempotencyKey)
      return message.receipt ?? message.outage.id
    })
  const triesOf = (key: string) => asked.filter((one) => one === key).length
  return { asked, at, deliver, taken, triesOf }
}

const o1 = outage("o1")
const [o2, o3, o4] = ["o2", "o3", "o4"].map((id, i) => outage(id, { start: march + i + 1 })) as [
  typeof o1,
  typeof o1,
  typeof o1
]

describe("a message that never gets through", () => {
  for (
    const [name, error] of [
      ["403 of a filter", status(403)],
      ["404", status(404)],
      ["408", status(408)],
      ["a redirect", status(302)],
      ["a connection that is reset", reset],
      ["500", status(500)]
    ] as const
  ) {
    it.effect(`holds up no other: ${name}`, () =>
      Effect.gen(function*() {
        const world = yield* makeWorld
        const { deliver, taken, triesOf } = makeChannel(({ outage }) => outage.id === "o1" ? error : undefined)
        const { conditions } = yield* startCollator(world, { deliver })
        for (const one of [o1, o2, o3]) yield* world.opens(one)
        yield* world.closes(o2)
        yield* TestClock.adjust("10 seconds")
        yield* settle
        assert.sameMembers(taken, ["o2:resolved", "o3:opened"])
        assert.deepStrictEqual(yield* conditions, ["alerts:server"])
        assert.isAtMost(triesOf("o1:opened"), 8)
      }).pipe(Effect.scoped, quietly))
  }

  it.effect("while others do is a dead letter after three times an hour apart", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const { deliver, taken, triesOf } = makeChannel(({ outage }) => outage.id === "o1" ? status(403) : undefined)
      const { conditions } = yield* startCollator(world, { deliver })
      yield* world.opens(o1)
      yield* world.opens(o2)
      yield* TestClock.adjust("10 seconds")
      const tries = triesOf("o1:opened")
      yield* world.opens(o3)
      yield* TestClock.adjust("59 minutes")
      assert.strictEqual(triesOf("o1:opened"), tries)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(triesOf("o1:opened"), tries + 1)
      yield* world.opens(o4)
      yield* TestClock.adjust("59 minutes")
      assert.deepStrictEqual(yield* world.store.deadLetters, [])
      yield* TestClock.adjust("2 minutes")
      yield* settle
      assert.deepStrictEqual((yield* world.store.deadLetters).map(({ key, problem }) => [key, problem]), [
        ["o1:opened", "hooks.example answers with HTTP status 403"]
      ])
      assert.deepStrictEqual(taken, ["o2:opened", "o3:opened", "o4:opened"])
      assert.deepStrictEqual(yield* conditions, [])
    }).pipe(Effect.scoped, quietly))

  it.effect("is tried for ever while nothing else shows that the channel works", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const { deliver, triesOf } = makeChannel(() => status(403))
      yield* startCollator(world, { deliver })
      yield* world.opens(o1)
      yield* world.opens(o2)
      yield* TestClock.adjust("6 hours")
      assert.deepStrictEqual(yield* world.store.deadLetters, [])
      assert.isAbove(triesOf("o1:opened"), 250)
    }).pipe(Effect.scoped, quietly))
})

describe("a channel that fails for an hour", () => {
  for (
    const [name, error] of [["500", status(500)], ["503", status(503)], ["404", status(404)], [
      "a reset",
      reset
    ]] as const
  ) {
    it.effect(`gets everything once and in order, and is not hammered: ${name}`, () =>
      Effect.gen(function*() {
        const world = yield* makeWorld
        const state = { isDown: true }
        const { asked, deliver, taken } = makeChannel(() => state.isDown ? error : undefined)
        yield* startCollator(world, { deliver })
        const ids = Array.from({ length: 12 }, (_, i) => `o${String(i).padStart(2, "0")}`)
        for (const [i, id] of ids.entries()) {
          yield* world.opens(outage(id, { start: march + i * minute }))
          yield* TestClock.adjust("5 minutes")
        }
        assert.isBelow(asked.length, 140)
        state.isDown = false
        yield* TestClock.adjust("1 minute")
        yield* settle
        assert.deepStrictEqual(taken, ids.map((id) => `${id}:opened`))
      }).pipe(Effect.scoped, quietly))
  }

  it("has its messages in order when it is back, whatever it said meanwhile", () => {
    const errors = [status(500), status(503), status(404), reset, unreachable]
    const dueOf = (i: number): Due => {
      const thread = afterEvent(undefined, { _tag: "Opened", outage: outage(`o${i}`, { start: march + i }) })
      return { thread, storm: [thread], kind: "opened" }
    }
    fc.assert(fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.constantFrom(...errors), { minLength: 1, maxLength: 60 }),
      (count, failures) => {
        const backlog = new Backlog(() => true)
        let waiting = Array.from({ length: count }, (_, i) => dueOf(i))
        for (const error of failures) {
          // It is back only where it is left alone: another message is tried at once.
          for (let due = backlog.next(waiting, march).next; due !== undefined; due = backlog.other(waiting, march)) {
            assert.isFalse(backlog.failed(due, error, march))
          }
          assert.isUndefined(backlog.other(waiting, march))
        }
        assert.strictEqual(backlog.isTroubled, true)
        const taken: Array<number> = []
        while (waiting.length > 0) {
          const { next } = backlog.next(waiting, march)
          taken.push(next!.thread.outage.start - march)
          backlog.taken(next!, march)
          waiting = waiting.filter((one) => one !== next)
        }
        assert.deepStrictEqual(taken, Array.from({ length: count }, (_, i) => i))
        assert.isFalse(backlog.isTroubled)
      }
    ))
  })
})

describe("a storm", () => {
  for (const isTaken of [true, false]) {
    it.effect(`is told in full when the answer to its first message is lost, ${isTaken ? "taken" : "or not taken"}`, () =>
      Effect.gen(function*() {
        const world = yield* makeWorld
        const lost = status(502)
        /** What people see: of each key the first. */
        const seen = new Map<string, ReadonlyArray<string>>()
        let tries = 0
        const deliver = (message: AlertMessage) =>
          Effect.suspend(() => {
            tries += 1
            const { idempotencyKey, outages } = message
            if ((tries > 1 || isTaken) && !seen.has(idempotencyKey)) {
              seen.set(
                idempotencyKey,
                outages.map(({ id }) => id)
              )
            }
            return tries === 1 ? Effect.fail(lost) : Effect.succeed("receipt")
          })
        yield* startCollator(world, { surroundings: storms, deliver })
        for (const one of [o1, o2, o3]) yield* world.opens(one)
        yield* TestClock.adjust("1 minute")
        yield* settle
        assert.deepStrictEqual([...seen], [["o1:opened", ["o1"]], ["o1:updated:3", ["o1", "o2", "o3"]]])
        for (const one of [o1, o2, o3]) yield* world.closes(one)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([...seen.keys()].slice(2), ["o1:updated:4", "o1:resolved"])
      }).pipe(Effect.scoped, quietly))
  }

  it.effect("is told to be over at once, though news of it were refused", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      const { deliver, taken } = makeChannel(({ kind }) => kind === "updated" ? refusal : undefined)
      yield* startCollator(world, { surroundings: storms, deliver })
      yield* world.opens(o1)
      yield* world.opens(o2)
      yield* TestClock.adjust("1 minute")
      yield* world.closes(o1)
      yield* world.closes(o2)
      yield* TestClock.adjust("2 seconds")
      yield* settle
      assert.deepStrictEqual(taken, ["o1:opened", "o1:resolved"])
    }).pipe(Effect.scoped, quietly))
})

describe("a channel", () => {
  it.effect("is left alone for as long as it asks, and for ten minutes at most", () =>
    Effect.gen(function*() {
      for (const [retryAfter, waits] of [[90_000, 90], [1e300, 600], [10, 1]] as const) {
        const world = yield* makeWorld
        const began = (yield* Clock.currentTimeMillis) / 1_000
        const busy = status(429).but({ retryAfter })
        const { at, deliver } = makeChannel(() => at.length === 1 ? busy : undefined)
        const { stop } = yield* startCollator(world, { deliver })
        yield* world.opens(o1)
        yield* TestClock.adjust("11 minutes")
        assert.deepStrictEqual(at.map((one) => one - began), [0, waits])
        yield* stop
      }
    }).pipe(Effect.scoped, quietly))

  it.effect("is told nothing while somebody else is to tell", () =>
    Effect.gen(function*() {
      const { asked, deliver } = makeChannel(() => undefined)
      const threads = new Threads({ channels: ["server"], max: 10 })
      const mayTell = yield* Ref.make(false)
      threads.apply({ _tag: "Opened", outage: o1 })
      yield* deliverTo({
        channel: { name: "server", deliver },
        threads,
        surroundings: storms,
        wake: yield* Queue.sliding<void>(1),
        conditions: yield* Conditions,
        mayTell: Ref.get(mayTell),
        announce: () => Effect.void,
        delivered: Effect.void,
        bury: () => Effect.void
      }).pipe(Effect.forkScoped({ startImmediately: true }))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(asked, [])
      yield* Ref.set(mayTell, true)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(asked, ["o1:opened"])
    }).pipe(Effect.scoped, Effect.provide(Conditions.layer), quietly))
})
