import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { messageCodec } from "../../src/bus/MessageCodec.ts"
import { fromOverrideRecord, toOverrideRecord } from "../../src/domain/wire/Override.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import { pagesOf } from "../../src/status/overrideExchange.ts"
import { newEnd, newOverride } from "../../src/status/overrideRequest.ts"
import type { OverrideRequest } from "../../src/status/Overrides.ts"
import { override } from "./overridden.ts"

const now = 1_700_000_000_000
const context = { id: "id", member: "Lagoon", node: "monitor-1", now }
const ask = (over: Partial<OverrideRequest> = {}) =>
  newOverride({ kind: "override", member: "l", reason: "broken disk", author: "ann", ...over }, context)
const problem = (over: Partial<OverrideRequest>) => Result.getOrElse(Result.flip(ask(over)), () => "no problem")
const codec = messageCodec(Subject.Override)

describe("a request", () => {
  it("becomes an override that holds at once, or from a time to come", () => {
    assert.deepStrictEqual(Result.getOrThrow(ask()), {
      id: "id",
      kind: "override",
      member: "Lagoon",
      reason: "broken disk",
      author: "ann",
      node: "monitor-1",
      at: now,
      from: now,
      until: undefined,
      ended: undefined
    })
    assert.deepInclude(Result.getOrThrow(ask({ from: now + 5, until: now + 9.7 })), { from: now + 5, until: now + 9 })
    assert.deepInclude(Result.getOrThrow(ask({ from: now - 5 })), { from: now })
  })

  it("is refused with what is wrong with it", () => {
    assert.include(problem({ reason: " \n " }), "give a reason")
    assert.include(problem({ author: "" }), "say who")
    assert.include(problem({ reason: "x".repeat(501) }), "the reason has 501 characters, at most 500")
    assert.include(problem({ author: "x".repeat(101) }), "the author has 101 characters, at most 100")
    assert.include(problem({ until: now }), "is past")
    assert.include(problem({ from: now + 10, until: now + 10 }), "is not after the beginning")
    for (const bad of [NaN, Infinity, -1, 1e15]) assert.include(problem({ until: bad }), "no time that can be")
    assert.include(problem({ from: NaN }), "no time that can be")
    assert.isTrue(Result.isFailure(newEnd({ kind: "override", member: "l", reason: "", author: "\t" }, now)))
  })

  it("whatever it says, what comes of it is one line, and the same after the wire", () => {
    const text = fc.string({ unit: "binary", maxLength: 120 })
    fc.assert(fc.property(text, text, text, (reason, author, why) => {
      const asked = ask({ reason, author })
      const end = newEnd({ kind: "override", member: "l", reason: why, author }, now)
      if (Result.isFailure(asked) || Result.isFailure(end)) return
      const it = { ...asked.success, ended: end.success }
      assert.isFalse(/\p{Cc}/u.test(it.reason + it.author + it.ended.reason))
      const sent = codec.encode({ NodeID: "n", Overrides: [toOverrideRecord(it)], Digest: "d" })
      const got = codec.decode(Result.getOrThrow(sent))
      assert.deepStrictEqual(Result.getOrThrow(got).Overrides.map(fromOverrideRecord), [it])
    }))
  })
})

describe("the message", () => {
  const message = (over: object) =>
    Result.isSuccess(codec.decode(JSON.stringify({
      NodeID: "n",
      Overrides: [{
        ID: "1",
        Kind: "override",
        Member: "Lagoon",
        Reason: "r",
        Author: "a",
        Node: "n",
        At: "2026-04-21T08:00:00Z",
        From: "2026-04-21T08:00:00Z",
        ...over
      }]
    })))

  it("is refused when a record cannot be: times that are none, texts that are too long", () => {
    assert.isTrue(message({}))
    assert.isTrue(message({ Ended: null, New: 1 }))
    assert.isTrue(message({ Until: "0001-01-01T00:00:00Z" }))
    for (
      const bad of [
        { Until: "2026-04-21T08:00:00Z" },
        { From: undefined },
        { At: undefined },
        { Kind: "other" },
        { Reason: "" },
        { Reason: "x".repeat(501) },
        { Author: "two\nlines" },
        { Member: "" },
        { Member: "\ud800" },
        { Ended: { By: "a", Reason: "" } }
      ]
    ) {
      assert.isFalse(message(bad), JSON.stringify(bad))
    }
  })

  it("comes in pages that each fit, whatever the texts", () => {
    const wide = "\u{10ffff}"
    const records = Array.from({ length: 1_000 }, (_, i) =>
      toOverrideRecord(override({
        id: `${i}`,
        member: wide.repeat(128),
        reason: wide.repeat(250),
        author: wide.repeat(50),
        ended: { at: 5, by: wide.repeat(50), reason: wide.repeat(250) }
      })))
    const pages = pagesOf(records)
    assert.isAbove(pages.length, 1)
    assert.deepStrictEqual(pages.flat(), records)
    for (const page of pages) {
      const text = Result.getOrThrow(codec.encode({ NodeID: "x".repeat(256), Overrides: page, Digest: "d".repeat(64) }))
      assert.isAtMost(Buffer.byteLength(text), Subject.Override.maxBytes)
      assert.isTrue(Result.isSuccess(codec.decode(text)))
    }
    assert.deepStrictEqual(pagesOf([]), [[]])
  })
})
