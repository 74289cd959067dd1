import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { targetKey } from "../../src/domain/Target.ts"
import type { Decision } from "../../src/status/Decision.ts"
import { fromResults, resultsSource } from "../../src/status/fromResults.ts"
import { OfficialTable } from "../../src/status/OfficialTable.ts"
import type { MonitorResult } from "../../src/status/readResults.ts"
import { decision, target, targetNamed } from "./fixtures.ts"

const now = 10_000_000
const host = "monitor.example:9090"
const key = targetKey(target)

const taken = (
  options: {
    readonly result?: Partial<MonitorResult>
    readonly before?: Partial<Decision>
    readonly onlyDown?: boolean
    readonly known?: boolean
  }
) => {
  const { before, known = true, onlyDown = false, result } = options
  return [...fromResults(
    {
      host,
      onlyDown,
      skipped: 0,
      results: new Map(result === undefined ? [] : [[key, { target, up: false, error: "x", at: now - 1, ...result }]])
    },
    new Map(before === undefined ? [] : [[key, decision({ up: true, ...before })]]),
    () => known,
    now
  )].map(({ decidedAt, decidedBy, up }) => ({ up, decidedAt, decidedBy }))
}

const source = resultsSource(host)
const down = (decidedAt: number) => [{ up: false, decidedAt, decidedBy: source }]

describe("fromResults", () => {
  it("takes what was decided later than what is known, at the time that the monitor says", () => {
    assert.deepStrictEqual(taken({ result: { at: 5_000 } }), down(5_000))
    assert.deepStrictEqual(taken({ result: { at: 5_000 }, before: { decidedAt: 4_999 } }), down(5_000))
    assert.deepStrictEqual(taken({ result: { at: 5_000 }, before: { decidedAt: 5_000 } }), [])
    assert.deepStrictEqual(taken({ result: { at: now + 3_000 }, before: { decidedAt: now - 1 } }), down(now))
    assert.deepStrictEqual(taken({ result: { up: true }, before: { decidedAt: 1 } }), [], "nothing new")
    assert.deepStrictEqual(taken({ result: {}, known: false }), [])
  })

  it("believes a result without a time, or from a clock that is ahead, only where it replaces nothing of the bus", () => {
    for (const at of [undefined, now + 60_000]) {
      assert.deepStrictEqual(taken({ result: { at } }), down(now))
      assert.deepStrictEqual(taken({ result: { at }, before: { decidedAt: 1 } }), [])
      assert.deepStrictEqual(taken({ result: { at }, before: { decidedAt: 1, decidedBy: source } }), down(now))
    }
  })

  it("brings up again what an older monitor does not list any more, if it was down by its word", () => {
    const before = { up: false, decidedAt: 1, decidedBy: source }
    assert.deepStrictEqual(taken({ before, onlyDown: true }), [{ up: true, decidedAt: now, decidedBy: source }])
    assert.deepStrictEqual(taken({ before, onlyDown: false }), [])
    assert.deepStrictEqual(taken({ before: { ...before, decidedBy: "monitor-1" }, onlyDown: true }), [])
    assert.deepStrictEqual(taken({ before, onlyDown: true, result: { at: 1 } }), [])
  })

  it("never replaces what was decided later, and gives way to it", () => {
    const time = fc.integer({ min: 1, max: now })
    fc.assert(fc.property(time, fc.option(time, { nil: undefined }), fc.boolean(), (decidedAt, at, up) => {
      const table = new OfficialTable({ capacity: 10 })
      const known = decision({ up, decidedAt })
      table.recall(known, known, now)
      const results = new Map([[key, { target, up: !up, error: "", at }]])
      for (
        const one of fromResults({ host, onlyDown: false, skipped: 0, results }, table.all(), () => true, now)
      ) table.recall(one, one, now)
      assert.strictEqual(table.get(key)!.up, at !== undefined && at > decidedAt ? !up : up)
      const later = decision({ id: "later", up, decidedAt: now + 1 })
      table.apply(later, now)
      assert.strictEqual(table.get(key)!.up, up)
    }))
  })

  it("gives every status an id of its own", () => {
    const results = new Map(["A", "B"].map((name) => {
      const target = targetNamed(name)
      return [targetKey(target), { target, up: false, error: "", at: 5_000 }]
    }))
    const ids = [...fromResults({ host, onlyDown: false, skipped: 0, results }, new Map(), () => true, now)]
    assert.strictEqual(new Set(ids.map(({ id }) => id)).size, 2)
  })
})
