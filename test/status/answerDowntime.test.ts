import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bus } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import type { Target } from "../../src/domain/Target.ts"
import { noTime } from "../../src/domain/wire/WireTime.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import { answerDowntime, downtimeOf, maxDowntimeEvents } from "../../src/status/answerDowntime.ts"
import type { Official } from "../../src/status/Decision.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"

const target: Target = {
  checkType: "endpoint",
  check: "wss",
  member: "Potomac Works",
  domain: "rpc.example",
  endpoint: "wss://rpc.example/kusama",
  ipv6: false
}

const official = (at: number, more: Partial<Official> = {}): Official => ({
  id: `decision-${at}`,
  target,
  up: false,
  error: "connection refused",
  data: null,
  decidedAt: at,
  decidedBy: "M1",
  votes: {},
  ...more
})

const anyTime = { startTime: noTime, endTime: noTime, memberName: "" }

describe("downtimeOf", () => {
  it("gives what is down, the oldest first, and nothing that is up", () => {
    const { error, events, nodeID } = downtimeOf("M1", anyTime, [
      official(3_000),
      official(1_000, { target: { ...target, ipv6: true } }),
      official(2_000, { up: true })
    ])
    assert.strictEqual(nodeID, "M1")
    assert.isUndefined(error)
    assert.deepStrictEqual(events.map(({ endTime, isIPv6, startTime }) => [startTime, endTime, isIPv6]), [
      [1_000, noTime, true],
      [3_000, noTime, false]
    ])
  })

  it("keeps to the member and the period", () => {
    const of = (request: Partial<typeof anyTime>) =>
      downtimeOf("M1", { ...anyTime, ...request }, [official(5_000)]).events.length
    assert.strictEqual(of({ memberName: "Potomac Works" }), 1)
    assert.strictEqual(of({ memberName: "Elbe Nodes" }), 0)
    assert.strictEqual(of({ endTime: 4_999 }), 0)
    assert.strictEqual(of({ startTime: 9_000, endTime: 10_000 }), 1, "it is still open")
  })

  it("refuses a period that ends before it begins", () => {
    assert.deepStrictEqual(downtimeOf("M1", { ...anyTime, startTime: 2, endTime: 1 }, [official(0)]), {
      nodeID: "M1",
      events: [],
      error: "startTime is after endTime"
    })
  })

  it("fits into one message, and says what does not", () => {
    const many = Array.from(
      { length: maxDowntimeEvents + 7 },
      (_, i) => official(i, { error: "x".repeat(10_000), data: { much: "y".repeat(10_000) } })
    )
    const answer = downtimeOf("M1", anyTime, many)
    assert.strictEqual(answer.events.length, maxDowntimeEvents)
    assert.strictEqual(answer.error, "7 more do not fit into one answer")
    assert.isBelow(JSON.stringify(answer).length, 1024 * 1024 - 16 * maxDowntimeEvents)
  })
})

describe("answerDowntime", () => {
  const monitor = answerDowntime.pipe(
    Layer.provideMerge(OfficialStatus.layerMemory),
    Layer.provide([NodeIdentity.layerMemory({ id: "M1", role: "IBPMonitor" }), Bus.layerMemory({ name: "M1" })])
  )

  it.effect("answers to the reply subject, and only there", () =>
    Effect.gen(function*() {
      const status = yield* OfficialStatus
      yield* status.apply(official(0))
      const asker = Context.get(yield* Layer.build(Bus.layerMemory({ name: "asker" })), Bus)
      const question = JSON.stringify({ startTime: "0001-01-01T00:00:00Z", endTime: "0001-01-01T00:00:00Z" })
      yield* asker.publish("monitor.stats.getDowntime", question)
      const asking = yield* Effect.forkChild(
        asker.askAll("monitor.stats.getDowntime", question, { wait: "1 second" }),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 second")
      const answers = yield* Fiber.join(asking)
      assert.lengthOf(answers, 1)
      const { events, nodeID } = JSON.parse(answers[0]!.data)
      assert.strictEqual(nodeID, "M1")
      assert.deepInclude(events[0], {
        memberName: "Potomac Works",
        checkType: "endpoint",
        endTime: "0001-01-01T00:00:00.000Z",
        status: false
      })
    }).pipe(Effect.provide(monitor), Effect.provide(MemoryBroker.layer)))

  it.effect("answers nowhere else, and a flood of questions only as far as there is room", () =>
    Effect.gen(function*() {
      const status = yield* OfficialStatus
      for (let i = 0; i < 1_000; i++) {
        yield* status.apply(official(0, { id: `d-${i}`, target: { ...target, member: `member ${i}` } }))
      }
      const asker = Context.get(yield* Layer.build(Bus.layerMemory({ name: "asker" })), Bus)
      const listener = Context.get(yield* Layer.build(Bus.layerMemory({ name: "listener" })), Bus)
      const heard: Record<string, number> = {}
      for (const subject of ["consensus.finalize", "geodns.v1.override", "_INBOX.>", "_INBOX.asker"]) {
        yield* Stream.runForEach(yield* listener.subscribe(subject), ({ data }) =>
          Effect.sync(() => {
            heard[subject] = (heard[subject] ?? 0) + data.length
          })).pipe(Effect.forkScoped)
      }
      const question = JSON.stringify({ startTime: "0001-01-01T00:00:00Z", endTime: "0001-01-01T00:00:00Z" })
      for (const reply of ["consensus.finalize", "geodns.v1.override", "_INBOX.*", "_INBOX.>"]) {
        yield* asker.publish("monitor.stats.getDowntime", question, reply)
      }
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(heard, {})
      for (let i = 0; i < 300; i++) {
        yield* asker.publish("monitor.stats.getDowntime", question, "_INBOX.asker")
        yield* Effect.yieldNow
      }
      yield* TestClock.adjust("1 second")
      assert.isAbove(heard["_INBOX.asker"]!, 1024 * 1024)
      assert.isBelow(heard["_INBOX.asker"]!, 10 * 1024 * 1024)
    }).pipe(Effect.scoped, Effect.provide(monitor), Effect.provide(MemoryBroker.layer)))
})
