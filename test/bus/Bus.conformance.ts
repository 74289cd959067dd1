import { assert, layer } from "@effect/vitest"
import { Context, Effect, Fiber, type Layer, type Scope, Stream } from "effect"
import type { Bus, BusMessage } from "../../src/bus/Bus.ts"
import { maxUnfit } from "../../src/bus/gatherAnswers.ts"
import { maxMessageBytes } from "../../src/bus/MessageSize.ts"

/** Clients of one bus, and a way to take the connection from one of them. */
export class BusClients extends Context.Service<BusClients, {
  readonly connect: (name: string) => Effect.Effect<Bus["Service"], never, Scope.Scope>
  /** In effect when it succeeds, and so is `reconnect`. */
  readonly disconnect: (name: string) => Effect.Effect<void>
  readonly reconnect: (name: string) => Effect.Effect<void>
}>()("test/bus/BusClients") {}

const end = "end"

/** Everything up to the message that says `end`, which is not part of it. */
const untilEnd = (messages: Stream.Stream<BusMessage>) =>
  messages.pipe(Stream.takeWhile((message) => message.data !== end), Stream.runCollect)

const texts = (messages: ReadonlyArray<BusMessage>) => messages.map((message) => message.data)

/** Answers every message of a subject with `text`. */
const answer = Effect.fnUntraced(function*(client: Bus["Service"], subject: string, text: string) {
  const questions = yield* client.subscribe(subject)
  yield* questions.pipe(
    Stream.runForEach(({ data, reply }) =>
      reply === undefined ? Effect.void : Effect.orDie(client.publish(reply, `${text} to ${data}`))
    ),
    Effect.forkScoped
  )
})

/** What every layer of `Bus` must do. Runs on the live clock; subjects differ per test. */
export const busConformance = (name: string, clients: Layer.Layer<BusClients>): void => {
  layer(clients, { excludeTestServices: true })(`Bus (${name})`, (it) => {
    it.effect("delivers to everyone who listens, in order, and to nobody else", () =>
      Effect.gen(function*() {
        const { connect } = yield* BusClients
        const [a, b, c] = yield* Effect.all([connect("a"), connect("b"), connect("c")])
        const atB = yield* b.subscribe("t.order")
        const atC = yield* c.subscribe("t.order")
        const elsewhere = yield* c.subscribe("t.order.other")
        for (const text of ["1", "2", "3", end]) yield* a.publish("t.order", text)
        yield* a.publish("t.order.other", end)
        assert.deepStrictEqual(texts(yield* untilEnd(atB)), ["1", "2", "3"])
        assert.deepStrictEqual(texts(yield* untilEnd(atC)), ["1", "2", "3"])
        assert.deepStrictEqual(texts(yield* untilEnd(elsewhere)), [])
      }))

    it.effect("keeps subject, text and reply subject", () =>
      Effect.gen(function*() {
        const { connect } = yield* BusClients
        const [a, b] = yield* Effect.all([connect("a"), connect("b")])
        const received = yield* b.subscribe("t.keeps")
        yield* a.publish("t.keeps", "", "t.reply")
        yield* a.publish("t.keeps", 'žluťoučký 🐎 \u0000 " {')
        yield* a.publish("t.keeps", end)
        assert.deepStrictEqual(yield* untilEnd(received), [
          { subject: "t.keeps", data: "", reply: "t.reply" },
          { subject: "t.keeps", data: 'žluťoučký 🐎 \u0000 " {', reply: undefined }
        ])
      }))

    it.effect("does not let a client hear itself, whatever it listens to", () =>
      Effect.gen(function*() {
        const { connect } = yield* BusClients
        const [a, b] = yield* Effect.all([connect("a"), connect("b")])
        const exact = yield* a.subscribe("t.echo.x")
        const below = yield* a.subscribe("t.echo.>")
        yield* a.publish("t.echo.x", "own")
        yield* b.publish("t.echo.x", "foreign")
        yield* b.publish("t.echo.x", end)
        assert.deepStrictEqual(texts(yield* untilEnd(exact)), ["foreign"])
        assert.deepStrictEqual(texts(yield* untilEnd(below)), ["foreign"])
      }))

    it.effect("listens to everything below a subject, but not to the subject itself", () =>
      Effect.gen(function*() {
        const { connect } = yield* BusClients
        const [a, b] = yield* Effect.all([connect("a"), connect("b")])
        const below = yield* b.subscribe("t.below.>")
        for (const subject of ["t.below", "t.belows.x", "t.below.x", "t.below.x.y.z", "t.other"]) {
          yield* a.publish(subject, subject)
        }
        yield* a.publish("t.below.end", end)
        assert.deepStrictEqual(texts(yield* untilEnd(below)), ["t.below.x", "t.below.x.y.z"])
      }))

    it.effect("ends a subscription with its scope", () =>
      Effect.gen(function*() {
        const { connect } = yield* BusClients
        const [a, b] = yield* Effect.all([connect("a"), connect("b")])
        const stays = yield* b.subscribe("t.scope")
        const ended = yield* Effect.scoped(b.subscribe("t.scope"))
        yield* a.publish("t.scope", "1")
        yield* a.publish("t.scope", end)
        assert.deepStrictEqual(texts(yield* untilEnd(stays)), ["1"])
        assert.deepStrictEqual(yield* Stream.runCollect(ended), [])
      }))

    it.effect("takes messages up to a mebibyte of UTF-8, and refuses longer ones", () =>
      Effect.gen(function*() {
        const { connect } = yield* BusClients
        const [a, b] = yield* Effect.all([connect("a"), connect("b")])
        const received = yield* b.subscribe("t.long")
        const longest = "x".repeat(maxMessageBytes)
        yield* a.publish("t.long", longest)
        for (const tooLong of [`${longest}x`, "ž".repeat(maxMessageBytes / 2 + 1)]) {
          for (const operation of [a.publish("t.long", tooLong), a.askAll("t.long", tooLong, { wait: "1 minute" })]) {
            const error = yield* Effect.flip(Effect.asVoid(operation))
            assert.strictEqual(error.reason._tag, "TooLong")
            assert.include(error.message, String(maxMessageBytes))
          }
        }
        yield* a.publish("t.long", end)
        assert.deepStrictEqual(texts(yield* untilEnd(received)).map((text) => text.length), [maxMessageBytes])
      }))

    it.effect("loses the oldest messages when a reader is slow", () =>
      Effect.gen(function*() {
        const { connect } = yield* BusClients
        const [a, b] = yield* Effect.all([connect("a"), connect("b")])
        const slow = yield* b.subscribe("t.slow")
        const barrier = yield* b.subscribe("t.slow.barrier")
        const sent = 100_000
        for (let i = 0; i < sent; i++) yield* a.publish("t.slow", String(i))
        yield* a.publish("t.slow", end)
        yield* a.publish("t.slow.barrier", end)
        yield* untilEnd(barrier)
        const numbers = texts(yield* untilEnd(slow)).map(Number)
        assert.isBelow(numbers.length, sent)
        assert.strictEqual(numbers.at(-1), sent - 1)
        assert.isTrue(numbers.every((n, i) => i === 0 || n > numbers[i - 1]!))
        assert.deepStrictEqual(numbers.slice(-1000), Array.from({ length: 1000 }, (_, i) => sent - 1000 + i))
      }))

    it.effect("bounds what waits by length too", () =>
      Effect.gen(function*() {
        const { connect } = yield* BusClients
        const [a, b] = yield* Effect.all([connect("a"), connect("b")])
        const slow = yield* b.subscribe("t.heavy")
        const long = "x".repeat(maxMessageBytes - 10)
        for (let i = 100; i < 200; i++) yield* a.publish("t.heavy", `${i}${long}`)
        yield* a.publish("t.heavy", end)
        const numbers = texts(yield* untilEnd(slow)).map((text) => Number(text.slice(0, 3)))
        assert.isBelow(numbers.length, 65)
        assert.strictEqual(numbers.at(-1), 199)
      }))

    it.effect("asks all, and stops at the number of answers that is enough", () =>
      Effect.gen(function*() {
        const { connect } = yield* BusClients
        const [a, b, c, d] = yield* Effect.all([connect("a"), connect("b"), connect("c"), connect("d")])
        yield* answer(b, "t.ask", "b")
        yield* answer(c, "t.ask", "c")
        const all = yield* a.askAll("t.ask", "q", { wait: "1 minute", max: 2 })
        assert.deepStrictEqual(texts(all).sort(), ["b to q", "c to q"])
        const [first, second] = yield* Effect.all([
          a.askAll("t.ask", "q1", { wait: "1 minute", max: 2 }),
          d.askAll("t.ask", "q2", { wait: "1 minute", max: 2 })
        ], { concurrency: "unbounded" })
        assert.deepStrictEqual(texts(first).sort(), ["b to q1", "c to q1"])
        assert.deepStrictEqual(texts(second).sort(), ["b to q2", "c to q2"])
      }))

    it.effect("asks all, and returns what there is when the time is over", () =>
      Effect.gen(function*() {
        const { connect } = yield* BusClients
        const [a, b] = yield* Effect.all([connect("a"), connect("b")])
        assert.deepStrictEqual(yield* a.askAll("t.nobody", "q", { wait: "20 millis" }), [])
        yield* answer(b, "t.some", "b")
        assert.deepStrictEqual(texts(yield* a.askAll("t.some", "q", { wait: "200 millis" })), ["b to q"])
      }))

    it.effect("counts only answers that are acceptable, however many others come first, and not without an end", () =>
      Effect.gen(function*() {
        const { connect } = yield* BusClients
        const [a, b] = yield* Effect.all([connect("a"), connect("b")])
        const questions = yield* b.subscribe("t.choosy")
        yield* questions.pipe(
          Stream.runForEach(({ data, reply = "" }) => {
            const junk = Number(data)
            return Effect.forEach(
              [...Array.from({ length: junk }, () => "{}"), "good 1", "{}", "good 2", "good 3"],
              (text) => Effect.orDie(b.publish(reply, text)),
              { discard: true }
            )
          }),
          Effect.forkScoped
        )
        const accept = ({ data }: BusMessage) => data.startsWith("good")
        const ask = (junk: number, max: number) => a.askAll("t.choosy", `${junk}`, { wait: "20 seconds", max, accept })
        assert.deepStrictEqual(texts(yield* ask(maxUnfit.answers - 1, 1)), ["good 1"])
        assert.deepStrictEqual(texts(yield* ask(500, 2)), ["good 1", "good 2"])
        const all = yield* a.askAll("t.choosy", "3", { wait: "200 millis", accept })
        assert.deepStrictEqual(texts(all), ["good 1", "good 2", "good 3"])
        // A flood ends the question before its time.
        assert.deepStrictEqual(texts(yield* ask(maxUnfit.answers, 1)), [])
        assert.deepStrictEqual(texts(yield* ask(0, 3)), ["good 1", "good 2", "good 3"])
      }))

    it.effect("refuses to send without a connection, and goes on with it", () =>
      Effect.gen(function*() {
        const { connect, disconnect, reconnect } = yield* BusClients
        const [a, b] = yield* Effect.all([connect("lost"), connect("b")])
        const changes = yield* a.connection.pipe(
          Stream.take(3),
          Stream.runCollect,
          Effect.forkChild({ startImmediately: true })
        )
        const before = yield* a.subscribe("t.lost")
        const atB = yield* b.subscribe("t.lost")
        assert.isTrue(yield* a.connected)
        yield* disconnect("lost")
        assert.isFalse(yield* a.connected)
        for (const operation of [a.publish("t.lost", "1"), a.askAll("t.lost", "1", { wait: "1 minute" })]) {
          const error = yield* Effect.flip(Effect.asVoid(operation))
          assert.strictEqual(error.reason._tag, "Disconnected")
          assert.include(error.message, "t.lost")
        }
        const meanwhile = yield* a.subscribe("t.lost")
        yield* reconnect("lost")
        assert.isTrue(yield* a.connected)
        assert.deepStrictEqual(yield* Fiber.join(changes), [true, false, true])
        yield* b.publish("t.lost", "2")
        yield* b.publish("t.lost", end)
        yield* a.publish("t.lost", "3")
        yield* a.publish("t.lost", end)
        assert.deepStrictEqual(texts(yield* untilEnd(before)), ["2"])
        assert.deepStrictEqual(texts(yield* untilEnd(meanwhile)), ["2"])
        assert.deepStrictEqual(texts(yield* untilEnd(atB)), ["3"])
      }))
  })
}
