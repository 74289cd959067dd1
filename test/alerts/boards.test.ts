import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import { TestClock } from "effect/testing"
import { alertmanagerBoard, alertmanagerNames, alertsOf, labelsOf } from "../../src/alerts/alertmanagerBoard.ts"
import { type AlertThread, encodeThread } from "../../src/alerts/AlertThread.ts"
import { AlertError, type Board, type Standing } from "../../src/alerts/index.ts"
import { makeWorld, settle, startCollator } from "./collating.ts"
import { serveHttp } from "./httpServer.ts"
import { ended, march, minute, outage } from "./samples.ts"

const quietly = Effect.provide(Logger.layer([]))

/** A board that keeps what it is shown. */
const makeBoard = (name = "board") => {
  const shown: Array<ReadonlyArray<Standing>> = []
  const state = { isDown: false }
  const board: Board = {
    name,
    every: "15 seconds",
    showEnds: "15 minutes",
    show: (standing) =>
      state.isDown
        ? Effect.fail(new AlertError({ channel: name, problem: "no route", isRetryable: true }))
        : Effect.sync(() => void shown.push(standing))
  }
  const last = () => shown.at(-1)?.map(({ outage, state }) => `${outage.id} ${state}`)
  return { board, shown, state, last }
}

const rounds = (count: number) =>
  Effect.repeat(Effect.andThen(TestClock.adjust("15 seconds"), settle), { times: count - 1 })

describe("a board", () => {
  it.effect("shows what is open every 15 seconds, and an end for 15 minutes, through restarts", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(march)
      const world = yield* makeWorld
      const { board, last, shown } = makeBoard()
      const first = yield* startCollator(world, { boards: [board] })
      yield* world.opens(outage("o1"))
      yield* rounds(4)
      assert.deepStrictEqual(last(), ["o1 open"])
      assert.isAtLeast(shown.length, 4)
      yield* first.stop
      yield* startCollator(world, { boards: [board] })
      yield* world.closes(outage("o1"))
      yield* rounds(1)
      assert.deepStrictEqual(last(), ["o1 resolved"])
      yield* rounds(58)
      assert.deepStrictEqual(last(), ["o1 resolved"])
      yield* rounds(4)
      assert.deepStrictEqual(last(), [])
      assert.deepStrictEqual(world.server.seen, ["o1:opened", "o1:resolved (resolved edits $1)"])
    }).pipe(Effect.scoped, quietly))

  it.effect("that was away for an hour is shown the end for as long as it wants, and that it is away is a condition", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(march)
      const world = yield* makeWorld
      const { board, last, state } = makeBoard()
      const { conditions } = yield* startCollator(world, { boards: [board] })
      yield* world.opens(outage("o1"))
      yield* rounds(1)
      state.isDown = true
      yield* world.closes(outage("o1"))
      yield* rounds(240)
      assert.deepStrictEqual(yield* conditions, ["alerts:board"])
      state.isDown = false
      yield* rounds(1)
      assert.deepStrictEqual(last(), ["o1 resolved"])
      assert.deepStrictEqual(yield* conditions, [])
      yield* rounds(50)
      assert.deepStrictEqual(last(), ["o1 resolved"])
    }).pipe(Effect.scoped, quietly))

  it.effect("that is gone for good keeps nothing for ever, and what others are shown ends in its time", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(march)
      const world = yield* makeWorld
      const [here, gone] = [makeBoard("here"), makeBoard("gone")]
      const { alerts } = yield* startCollator(world, { boards: [here.board, gone.board] })
      yield* world.opens(outage("open"))
      yield* world.opens(outage("o1"))
      yield* rounds(1)
      gone.state.isDown = true
      yield* world.closes(outage("o1"))
      yield* rounds(64)
      assert.deepStrictEqual(here.last(), ["open open"])
      assert.lengthOf(yield* alerts.threads, 2)
      yield* rounds(420)
      assert.deepStrictEqual((yield* alerts.threads).map((it) => it.outage.id), ["open"])
      assert.deepInclude(yield* world.store.get("o1"), { finished: true })
      gone.state.isDown = false
      yield* rounds(1)
      assert.deepStrictEqual(gone.last(), ["open open"])
    }).pipe(Effect.scoped, quietly))

  it.effect("of several Alertmanagers has its own name; what was stored of all of them is read still", () =>
    Effect.gen(function*() {
      const [a, b, c] = ["http://a:9093", "http://b:9093/x", "http://b:9093/y"] as const
      assert.deepStrictEqual([...alertmanagerNames([a]).values()], ["alertmanager"])
      const names = alertmanagerNames([a, b, c, a])
      assert.strictEqual(names.get(a), "alertmanager:a:9093")
      assert.strictEqual(new Set(names.values()).size, 3)
      assert.deepStrictEqual(alertmanagerNames([c, b, a]).get(b), names.get(b))
      const world = yield* makeWorld
      const { board, last } = makeBoard(names.get(a))
      const before: AlertThread = {
        outage: outage("o1"),
        state: "open",
        delivered: { server: "opened", alertmanager: "opened" }
      }
      yield* world.store.save({ outage: "o1", thread: encodeThread(before), finished: false })
      yield* startCollator(world, { boards: [board] })
      yield* world.closes(outage("o1"))
      yield* rounds(1)
      assert.deepStrictEqual(last(), ["o1 resolved"])
      assert.deepStrictEqual(world.server.seen, ["o1:resolved"])
    }).pipe(Effect.scoped, quietly))

  it.live("is sent all batches, and says then that one was refused, without the words of the answer", () =>
    Effect.gen(function*() {
      const asked: Array<number> = []
      const { url } = yield* serveHttp(({ body, headers }) => {
        asked.push((JSON.parse(body) as ReadonlyArray<unknown>).length)
        return { status: asked.length === 1 ? 422 : 200, body: `no: ${headers.authorization}` }
      })
      const board = alertmanagerBoard({
        name: "alertmanager",
        url: url.replace("//", "//ann:secret@"),
        interval: 15,
        dashboard: "",
        allowed: []
      })
      const many = Array.from({ length: 1_200 }, (_, i): Standing => ({
        outage: outage(`o${i}`),
        state: "open",
        severity: "warning"
      }))
      const error = yield* Effect.flip(board.show(many))
      assert.deepStrictEqual(asked, [500, 500, 201])
      assert.match(error.problem, /^127\.0\.0\.1:\d+ answers with HTTP status 422$/)
    }).pipe(Effect.scoped))

  it("shows of several outages of one target the open one, else the latest", () => {
    const at = (id: string, start: number, end?: number): Standing => ({
      outage: outage(id, { start, ...end !== undefined && { end } }, { check: "one" }),
      state: end === undefined ? "open" : "resolved",
      severity: "warning"
    })
    const [first, open, last] = [at("1", march, march + 1), at("2", march + 2), at("3", march + 3, march + 4)]
    const shown = (...all: ReadonlyArray<Standing>) =>
      alertsOf(all, march, "").slice(1).map(({ annotations }) => annotations["outage"])
    for (const all of [[first, open, last], [last, open, first], [open, last, first]]) {
      assert.deepStrictEqual(shown(...all), ["2"])
    }
    assert.deepStrictEqual(shown(first, last), ["3"])
    assert.deepStrictEqual(shown(last, first), ["3"])
  })

  it("what Alertmanager is sent is complete and never empty", () => {
    const standing = (it: Standing["outage"]): Standing => ({
      outage: it,
      state: it.end === undefined ? "open" : "resolved",
      severity: "critical"
    })
    const site = outage("s", {}, { checkType: "site", domain: "", endpoint: "", ipv6: true })
    const [dead, first, ...others] = alertsOf([standing(ended(outage("o1"))), standing(site)], march + minute, "")
    assert.deepStrictEqual(dead!.labels, { alertname: "DeadMansSwitch", source: "geodns" })
    assert.deepStrictEqual([first!.startsAt, first!.endsAt], ["2026-03-01T00:00:00.000Z", "2026-03-01T00:01:00.000Z"])
    assert.isAtLeast(Date.parse(dead!.endsAt), march + 6 * minute)
    assert.isAtLeast(Date.parse(others[0]!.endsAt), march + 6 * minute)
    assert.deepStrictEqual(Object.keys(labelsOf(site)), ["alertname", "member", "check", "check_type", "ip_version"])
    assert.notProperty(first!.labels, "severity")
    assert.strictEqual(first!.annotations["severity"], "critical")
    assert.notProperty(first!, "generatorURL")
    assert.lengthOf(alertsOf([], march, ""), 1)
  })
})

describe("a message that is refused for good", () => {
  it.effect("is kept as a dead letter after the third refusal, and the thread goes on", () =>
    Effect.gen(function*() {
      const world = yield* makeWorld
      yield* startCollator(world)
      world.server.down = new AlertError({ channel: "server", problem: "HTTP status 422", isRetryable: false })
      yield* world.opens(outage("o1"))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* world.store.deadLetters, [])
      yield* TestClock.adjust("90 minutes")
      yield* settle
      const [letter, ...none] = yield* world.store.deadLetters
      assert.deepStrictEqual(none, [])
      assert.deepInclude({ ...letter }, { channel: "server", key: "o1:opened", problem: "HTTP status 422" })
      assert.strictEqual(JSON.parse(letter!.message).outages[0].member, "Potomac Works")
      world.server.down = undefined
      yield* world.closes(outage("o1"))
      assert.deepStrictEqual(world.server.seen, ["o1:resolved"])
    }).pipe(Effect.scoped, quietly))
})
