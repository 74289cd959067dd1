import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger } from "effect"
import type { DropReason } from "../../src/consensus/BallotEffect.ts"
import { makeReports } from "../../src/consensus/makeReports.ts"
import { Conditions } from "../../src/node/Conditions.ts"

/** What is logged of messages that are not taken: the level, the sender and the text. */
const logged = (messages: ReadonlyArray<readonly [sender: string, reason: DropReason]>) =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    const logger = Logger.make(({ logLevel, message }) => void lines.push(`${logLevel}: ${String(message)}`))
    yield* Effect.gen(function*() {
      const { dropped } = yield* makeReports
      for (const [sender, reason] of messages) yield* dropped({ _tag: "Dropped", what: "vote", reason, sender })
    }).pipe(Effect.provide([Logger.layer([logger]), Conditions.layerMemory]))
    return lines
  })

describe("messages that are not taken", () => {
  it.effect("are told as news where rosters only differ, and as a warning where a key may be stolen", () =>
    Effect.gen(function*() {
      for (const reason of ["other-epoch", "unknown-epoch", "UnknownEpoch"] as const) {
        const [line] = yield* logged([["m1", reason]])
        assert.match(line!, /^Info: a vote is not taken, .* has not taken the newest one yet/, reason)
      }
      for (const reason of ["retired-epoch", "RetiredEpoch"] as const) {
        const [line] = yield* logged([["m1", reason]])
        assert.match(line!, /^Warn: a vote is not taken, as it is of an epoch that is retired/, reason)
      }
      for (const reason of ["unsigned", "bad-signature", "not-a-member", "other-cluster", "unproven"] as const) {
        const [line] = yield* logged([["m1", reason]])
        assert.match(line!, /^Warn: a vote is not taken, as it is not proved to be from a member/, reason)
      }
    }))

  it.effect("are told once of each sender, and a harmless reason hides no other", () =>
    Effect.gen(function*() {
      const levels = (yield* logged([
        ["m1", "other-epoch"],
        ["m1", "unknown-epoch"],
        ["m1", "bad-signature"],
        ["m1", "unsigned"],
        ["m1", "retired-epoch"],
        ["m2", "other-epoch"],
        ["m2", "full"]
      ])).map((line) => line.slice(0, line.indexOf(":")))
      assert.deepStrictEqual(levels, ["Info", "Warn", "Warn", "Info"])
    }))

  it.effect("are told of so many senders and no more", () =>
    Effect.gen(function*() {
      const flood = Array.from({ length: 300 }, (_, i) => [`n${i}`, "other-epoch"] as const)
      assert.lengthOf(yield* logged([...flood, ["m1", "bad-signature"]]), 257)
    }))
})
