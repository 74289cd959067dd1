import { assert, describe, it } from "@effect/vitest"
import { Effect, Metric } from "effect"
import { TestClock } from "effect/testing"
import * as fc from "fast-check"
import { makeAnswers } from "../../src/bus/Answers.ts"
import { isInbox } from "../../src/bus/replies.ts"

describe("isInbox", () => {
  it("takes the subjects to which clients of NATS want their answers", () => {
    for (
      const subject of ["_INBOX.wUfbvHT4ZNRq8FkUYUvLyx", "_INBOX.a.1", "_INBOX.4f0c2d1e-1111-4222-8333-444455556666"]
    ) {
      assert.isTrue(isInbox(subject), subject)
    }
  })

  it("takes no subject of the protocol, no wildcard, and nothing that is no subject", () => {
    const bad = [
      "",
      "_INBOX",
      "_INBOX.",
      "_INBOX.>",
      "_INBOX.*",
      "_INBOX.a.*",
      "_INBOX.a.>",
      "_INBOX..a",
      "_INBOX.a.",
      "_INBOX.a b",
      "_INBOX.a\r\nPUB consensus.vote 2",
      "_inbox.a",
      "a._INBOX.b",
      "consensus.finalize",
      "geodns.v1.override",
      `_INBOX.${"a".repeat(300)}`
    ]
    for (const subject of bad) assert.isFalse(isInbox(subject), JSON.stringify(subject))
    fc.assert(fc.property(fc.string(), fc.constantFrom(" ", "*", ">", "\n", "\0", ".."), (text, bad) => {
      assert.isFalse(isInbox(`_INBOX.a${text}${bad}b`))
    }))
  })
})

const unanswered = Effect.map(Metric.snapshot, (all) =>
  Object.fromEntries(
    all.filter(({ id }) => id === "geodns_bus_unanswered_total").map(({ attributes, state }: any) => [
      attributes.reason,
      state.count
    ])
  ))

describe("makeAnswers", () => {
  const about = { name: "a.question" }

  it.effect("lets answers go where answers go, as much as there is room for, and counts what is not answered", () =>
    Effect.gen(function*() {
      const answers = yield* makeAnswers(about, { perSecond: 100, most: 1_000 })
      assert.isFalse(yield* answers.mayGoTo("consensus.vote"))
      assert.isTrue(yield* answers.mayGoTo("_INBOX.a"))
      assert.isTrue(yield* answers.mayBeGiven)
      answers.spend(1_500)
      assert.isFalse(yield* answers.mayBeGiven)
      assert.isFalse(yield* answers.mayBeGiven)
      yield* TestClock.adjust("5001 millis")
      assert.isTrue(yield* answers.mayBeGiven)
      assert.deepStrictEqual(yield* unanswered, { reply: 1, budget: 2 })
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map())))

  it.effect("waits until there is room", () =>
    Effect.gen(function*() {
      const answers = yield* makeAnswers(about, { perSecond: 100, most: 1_000 })
      yield* answers.whenTheyMay
      answers.spend(1_500)
      let isThere = false
      yield* answers.whenTheyMay.pipe(
        Effect.andThen(Effect.sync(() => {
          isThere = true
        })),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("4900 millis")
      assert.isFalse(isThere)
      yield* TestClock.adjust("200 millis")
      assert.isTrue(isThere)
    }))
})
