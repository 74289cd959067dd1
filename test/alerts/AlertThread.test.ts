import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import fc from "fast-check"
import type { AlertMessage } from "../../src/alerts/AlertMessage.ts"
import { alertText, durationText } from "../../src/alerts/AlertText.ts"
import {
  afterDelivery,
  afterEvent,
  type AlertKind,
  type AlertThread,
  decodeThread,
  dueOn,
  encodeThread,
  isFinished,
  messageOf
} from "../../src/alerts/AlertThread.ts"
import { Threads } from "../../src/alerts/Threads.ts"
import type { Outage, OutageEvent } from "../../src/domain/Outage.ts"
import { ended, march, minute, outage } from "./samples.ts"

const o1 = outage("o1")
const opened: OutageEvent = { _tag: "Opened", outage: o1 }
const closed: OutageEvent = { _tag: "Closed", outage: ended(o1) }
const after = (...events: ReadonlyArray<OutageEvent>): AlertThread | undefined =>
  events.reduce<AlertThread | undefined>(afterEvent, undefined)

describe("a thread", () => {
  it("is opened once and resolved once, whatever comes again", () => {
    const open = after(opened)!
    assert.strictEqual(dueOn([open], "log"), "opened")
    const told = afterDelivery(open, "log", { kind: "opened" })
    assert.isUndefined(dueOn([told], "log"))
    assert.strictEqual(dueOn([told], "matrix"), "opened")
    assert.strictEqual(afterEvent(told, opened), told)
    const resolved = afterEvent(told, closed)
    assert.deepStrictEqual(resolved.outage, ended(o1))
    assert.strictEqual(dueOn([resolved], "log"), "resolved")
    const done = afterDelivery(resolved, "log", { kind: "resolved" })
    assert.isUndefined(dueOn([done], "log"))
    assert.isTrue(isFinished([done], ["log"]))
    assert.isFalse(isFinished([done], ["log", "matrix"]))
    for (const again of [opened, closed]) assert.strictEqual(afterEvent(done, again), done)
  })

  it("another error of the same outage says nothing new", () => {
    const open = after(opened)!
    assert.strictEqual(afterEvent(open, { _tag: "Opened", outage: { ...o1, error: "timeout" } }), open)
  })

  it("that was over before a channel heard of it is told once, as resolved", () => {
    for (const thread of [after(opened, closed)!, after(closed)!, after(closed, opened)!]) {
      assert.strictEqual(dueOn([thread], "log"), "resolved")
      assert.isTrue(isFinished([afterDelivery(thread, "log", { kind: "resolved" })], ["log"]))
    }
  })

  it("gives a message the same key on every try", () => {
    const open = after(opened)!
    assert.strictEqual(
      messageOf([open], "opened").idempotencyKey,
      messageOf([afterEvent(open, opened)], "opened").idempotencyKey
    )
    assert.notStrictEqual(messageOf([open], "opened").idempotencyKey, messageOf([open], "resolved").idempotencyKey)
  })

  it("is stored and read again, without what the probe measured", () => {
    const thread = afterDelivery(after({ ...opened, outage: { ...o1, data: { big: 1n } } }, closed)!, "log", {
      kind: "opened"
    })
    assert.deepStrictEqual(decodeThread(encodeThread(thread)), Result.succeed(thread))
    for (const broken of ["", "{}", "null", encodeThread(thread).replace('"endpoint"', '"nowhere"')]) {
      assert.isTrue(Result.isFailure(decodeThread(broken)))
    }
  })
})

describe("threads", () => {
  const channels = ["a", "b"]
  const step = fc.oneof(
    fc.record({ _tag: fc.constantFrom("Opened" as const, "Closed" as const), id: fc.nat(3) }),
    fc.record({ _tag: fc.constant("deliver" as const), channel: fc.constantFrom(...channels) }),
    fc.record({ _tag: fc.constant("restart" as const) }),
    fc.record({ _tag: fc.constant("save" as const) })
  )

  it("tell each channel of each outage in order and at most once, through restarts", () => {
    fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const disk = new Map<string, { readonly text: string; readonly finished: boolean }>()
      const told = new Map<string, Array<AlertKind>>()
      let threads = new Threads({ channels, max: 100 })
      const save = () => {
        for (const thread of threads.changed()) {
          disk.set(thread.outage.id, { text: encodeThread(thread), finished: threads.isFinished(thread) })
          threads.stored(thread, threads.isFinished(thread))
        }
        assert.isEmpty(threads.changed())
      }
      const deliver = (channel: string): boolean => {
        const [due] = threads.due(channel)
        if (due === undefined) return false
        const key = `${due.thread.outage.id} ${channel}`
        told.set(key, [...told.get(key) ?? [], due.kind])
        threads.delivered(due.thread.outage.id, channel, { kind: due.kind })
        return true
      }
      const closedIds = new Set<string>()
      const seen = new Set<string>()
      for (const it of steps) {
        switch (it._tag) {
          case "deliver":
            deliver(it.channel)
            break
          case "save":
            save()
            break
          case "restart":
            save()
            threads = new Threads({ channels, max: 100 })
            for (const { finished, text } of disk.values()) {
              if (!finished) threads.load(Result.getOrThrow(decodeThread(text)))
            }
            break
          default: {
            const id = `o${it.id}`
            seen.add(id)
            if (it._tag === "Closed") closedIds.add(id)
            if (!threads.has(id) && disk.get(id)?.finished === true) break
            const of = outage(id)
            threads.apply({ _tag: it._tag, outage: it._tag === "Closed" ? ended(of) : of })
          }
        }
      }
      for (const channel of channels) while (deliver(channel));
      save()
      for (const id of seen) {
        for (const channel of channels) {
          const kinds = told.get(`${id} ${channel}`)!.join(" ")
          if (closedIds.has(id)) assert.include(["opened resolved", "resolved"], kinds)
          else assert.strictEqual(kinds, "opened")
        }
      }
      assert.strictEqual(threads.unfinished().length, seen.size - closedIds.size)
    }))
  })

  it("give up the oldest that is resolved when too many wait, and never one that is open", () => {
    const threads = new Threads({ channels: ["a"], max: 3 })
    for (let i = 0; i < 5; i++) threads.apply({ _tag: "Opened", outage: outage(`open${i}`) })
    assert.lengthOf(threads.unfinished(), 5)
    for (let i = 0; i < 3; i++) threads.apply({ _tag: "Closed", outage: ended(outage(`over${i}`)) })
    assert.strictEqual(threads.givenUp, 3)
    assert.deepStrictEqual(threads.unfinished().map((it) => it.outage.id), [
      "open0",
      "open1",
      "open2",
      "open3",
      "open4"
    ])
    for (const thread of threads.changed()) threads.stored(thread, threads.isFinished(thread))
    assert.isFalse(threads.has("over0"))
  })

  it("keep what changed while it was being stored", () => {
    const threads = new Threads({ channels: ["a"], max: 3 })
    threads.apply(opened)
    const [before] = threads.changed()
    threads.apply(closed)
    threads.stored(before!, false)
    assert.deepStrictEqual(threads.changed().map((it) => it.state), ["resolved"])
  })
})

describe("alertText", () => {
  const message = (kind: AlertKind, ...outages: readonly [Outage, ...ReadonlyArray<Outage>]): AlertMessage => ({
    outage: outages[0],
    outages,
    kind,
    severity: "warning",
    receipt: undefined,
    idempotencyKey: ""
  })

  it("is one readable line", () => {
    const what = "endpoint o1 Potomac Works wss://rpc.example/kusama (IPv4)"
    assert.strictEqual(
      alertText(message("opened", o1)),
      `DOWN ${what} since 2026-03-01 00:00:00 UTC: connection refused`
    )
    assert.strictEqual(
      alertText(message("resolved", ended(o1, march + 75 * minute))),
      `UP ${what} after 1h 15m, since 2026-03-01 01:15:00 UTC; it was: connection refused`
    )
  })

  it("stays one line of bounded length, whatever a monitor sends", () => {
    const hostile = outage("o1", { error: `a\nDOWN everything\r\u0000\u001b[31m${"x".repeat(5_000)}` })
    const text = alertText(message("opened", { ...hostile, target: { ...hostile.target, member: "a\nb" } }))
    assert.notMatch(text, /\p{Cc}/u)
    assert.isBelow(text.length, 500)
    assert.include(alertText(message("opened", { ...o1, error: " \n" })), "no reason given")
  })

  it("names durations for people", () => {
    const seconds = [0, 59, 60, 3_600, 4_500, 86_400, 93_780]
    assert.deepStrictEqual(
      seconds.map((it) => durationText(it * 1_000)),
      ["0s", "59s", "1m", "1h", "1h 15m", "1d", "1d 2h 3m"]
    )
  })
})
