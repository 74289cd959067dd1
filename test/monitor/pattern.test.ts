import { afterEach, assert, describe, it, vi } from "@effect/vitest"
import * as Result from "effect/Result"
import { makeMatcher } from "../../src/monitor/pattern.ts"
import { withoutProcessor, withProcessor } from "./processor.ts"

const matcher = (pattern: string) => Result.getOrThrow(makeMatcher(pattern))

afterEach(() => {
  vi.restoreAllMocks()
})

describe("makeMatcher", () => {
  it("matches", () => {
    const matches = matcher("^ok (\\d{1,3}\\.){3}\\d+$")
    assert.isTrue(matches("ok 192.0.2.1"))
    assert.isFalse(matches("not ok"))
  })

  it("refuses patterns that are none, too long, or take exponential time", () => {
    for (const bad of ["(", "[z-a]", "a".repeat(501), "(a+)+$", "((a*)b)*", "([a-z]+)*", "(\\w+\\s?){2,}"]) {
      assert.isTrue(Result.isFailure(makeMatcher(bad)), bad)
    }
    for (const good of ["a+b+", "(?:ok|up)+", "(a{2}){3}", "\\(a+\\)+", "[(+]+x+", "(?=.*x).*y"]) {
      assert.isTrue(Result.isSuccess(makeMatcher(good)), good)
    }
  })

  it("stops a match that takes too long, and works on after that", () => {
    withProcessor()
    const matches = matcher(".*x.*y.*z")
    const before = performance.now()
    assert.strictEqual(matches("x".repeat(1_000_000)), "too slow")
    assert.isBelow(performance.now() - before, 5_000)
    assert.isTrue(matches("xyz"))
    assert.strictEqual(matcher("^(a|a)*$")(`${"a".repeat(60)}b`), "too slow")
  })

  it("says when it was this process that did not have the processor", () => {
    withoutProcessor()
    const matches = matcher("^(a|a)*$")
    assert.strictEqual(matches(`${"a".repeat(60)}b`), "starved")
    assert.isTrue(matches("aa"))
  })
})
