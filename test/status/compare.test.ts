import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type TargetKey, targetKey } from "../../src/domain/Target.ts"
import { compare, type Statuses } from "../../src/status/compare.ts"
import type { Difference } from "../../src/status/Shadow.ts"
import { targetNamed } from "./fixtures.ts"

const statuses = (of: Readonly<Record<string, boolean>>): Statuses =>
  new Map(
    Object.entries(of).map(([name, up]) => {
      const target = targetNamed(name)
      return [targetKey(target), { target, up }]
    })
  )

const none: ReadonlyMap<TargetKey, Difference> = new Map()
const side = fc.dictionary(fc.constantFrom("A", "B", "C", "D"), fc.boolean()).map(statuses)

describe("compare", () => {
  it("counts every target that one side knows, as agreed or as different", () => {
    fc.assert(fc.property(side, side, (here, there) => {
      const { agreed, compared, differences } = compare(here, there, none, 5)
      assert.strictEqual(compared, new Set([...here.keys(), ...there.keys()]).size)
      assert.strictEqual(agreed + differences.size, compared)
      for (const [key, difference] of differences) {
        assert.deepStrictEqual(
          { here: difference.here, there: difference.there, since: difference.since },
          { here: here.get(key)?.up, there: there.get(key)?.up, since: 5 }
        )
        assert.notStrictEqual(difference.here, difference.there)
      }
    }))
  })

  it("mirrors when the sides are changed", () => {
    fc.assert(fc.property(side, side, (here, there) => {
      const [one, other] = [compare(here, there, none, 5), compare(there, here, none, 5)]
      assert.deepStrictEqual([one.compared, one.agreed], [other.compared, other.agreed])
      assert.deepStrictEqual(new Set(one.differences.keys()), new Set(other.differences.keys()))
    }))
  })

  it("remembers since when a difference lasts, and begins anew when it turns round or comes back", () => {
    const key = targetKey(targetNamed("A"))
    const since = (before: ReadonlyMap<TargetKey, Difference>, here: boolean, there: boolean, now: number) =>
      compare(statuses({ A: here }), statuses({ A: there }), before, now).differences
    const first = since(none, true, false, 1)
    const second = since(first, true, false, 2)
    assert.strictEqual(second.get(key)?.since, 1)
    assert.strictEqual(since(second, false, true, 3).get(key)?.since, 3)
    const gone = since(second, true, true, 3)
    assert.strictEqual(gone.size, 0)
    assert.strictEqual(since(gone, true, false, 4).get(key)?.since, 4)
  })
})
