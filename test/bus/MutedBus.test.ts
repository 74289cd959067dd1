import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Bus, type BusMessage } from "../../src/bus/Bus.ts"
import { MemoryBroker } from "../../src/bus/MemoryBroker.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { counted } from "./counted.ts"

const connect = (name: string) =>
  Effect.map(Layer.build(Bus.layerMemory({ name })), (context) => Context.get(context, Bus))
const connectMuted = (name: string) =>
  Effect.map(
    Layer.build(Layer.provide(Bus.layerMuted, Bus.layerMemory({ name }))),
    (context) => Context.get(context, Bus)
  )

/** Everything that others would hear. */
const overhear = Effect.fnUntraced(function*(subjects: ReadonlyArray<string>) {
  const other = yield* connect("other")
  const heard: Array<BusMessage> = []
  for (const subject of subjects) {
    const messages = yield* other.subscribe(subject)
    yield* Stream.runForEach(messages, (message) => Effect.sync(() => heard.push(message))).pipe(Effect.forkScoped)
  }
  return { other, heard }
})

const names = [...new Set(Object.values(Subject).map(({ name }) => name))]

describe("Bus.layerMuted", () => {
  it.effect("lets no message out on any subject, counts it, and does as if it were sent", () =>
    Effect.gen(function*() {
      const { heard } = yield* overhear([...names, "_INBOX.>", "agent.report.>"])
      const muted = yield* connectMuted("shadow")
      const before = yield* counted("geodns_bus_muted_total")
      for (const name of [...names, "_INBOX.7.1", "agent.report.x"]) yield* muted.publish(name, "{}", "_INBOX.1.1")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(heard, [])
      assert.strictEqual(yield* counted("geodns_bus_muted_total"), before + names.length + 2)
      assert.isAtLeast(yield* counted("geodns_bus_muted_total", { subject: "answer" }), 2)
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("asks nothing but what is official and what proves it, and waits for no other answer", () =>
    Effect.gen(function*() {
      const { heard, other } = yield* overhear(names)
      const muted = yield* connectMuted("shadow")
      const questions = yield* other.subscribe(Subject.Status.name)
      yield* questions.pipe(
        Stream.runForEach(({ reply }) => reply === undefined ? Effect.void : Effect.orDie(other.publish(reply, "yes"))),
        Effect.forkScoped
      )
      for (const name of names.filter((name) => name !== Subject.Status.name && name !== Subject.Certificates.name)) {
        assert.deepStrictEqual(yield* muted.askAll(name, "{}", { wait: "1 hour" }), [])
      }
      const answers = yield* muted.askAll(Subject.Status.name, "{}", { wait: "1 hour", max: 1 })
      assert.deepStrictEqual(answers.map(({ data }) => data), ["yes"])
      assert.deepStrictEqual(heard.map(({ subject }) => subject), [Subject.Status.name])
    }).pipe(Effect.provide(MemoryBroker.layer)))

  it.effect("hears everything, and knows whether it is connected", () =>
    Effect.gen(function*() {
      const broker = yield* MemoryBroker
      const other = yield* connect("other")
      const muted = yield* connectMuted("shadow")
      const messages = yield* muted.subscribe("t")
      yield* other.publish("t", "hello")
      const [message] = yield* messages.pipe(Stream.take(1), Stream.runCollect)
      assert.strictEqual(message?.data, "hello")
      yield* broker.disconnect("shadow")
      assert.isFalse(yield* muted.connected)
      assert.isDefined(yield* muted.problem)
    }).pipe(Effect.provide(MemoryBroker.layer)))
})
