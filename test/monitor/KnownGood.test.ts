import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { TargetKey } from "../../src/domain/Target.ts"
import { fewestIpv6Members, fewestMembers, KnownGood } from "../../src/monitor/KnownGood.ts"

const key = (text: string) => text as TargetKey

interface Seen {
  readonly member: string
  readonly ipv6: boolean
  readonly up: boolean
}

/** The same rule, written down as it is said. */
const judged = (seen: ReadonlyArray<Seen>) => {
  const of = (member: string) => seen.filter((one) => one.member === member)
  const members = [...new Set(seen.map(({ member }) => member))]
  const failing = members.filter((member) => {
    const all = of(member)
    return all.filter(({ up }) => !up).length > all.length / 2
  })
  const ipv6 = seen.filter((one) => one.ipv6)
  return {
    members: members.length,
    failing: failing.length,
    sick: members.length >= fewestMembers && failing.length > members.length / 2,
    ipv6Lost: new Set(ipv6.map(({ member }) => member)).size >= fewestIpv6Members && ipv6.every(({ up }) => !up)
  }
}

const steps = fc.array(
  fc.record({
    member: fc.integer({ min: 0, max: 7 }).map(String),
    target: fc.integer({ min: 0, max: 2 }).map(String),
    ipv6: fc.boolean(),
    what: fc.constantFrom("up", "down", "down", "forget")
  }),
  { maxLength: 120 }
)

describe("KnownGood", () => {
  it("says what the rule says, whatever comes and goes in whatever order", () => {
    fc.assert(fc.property(steps, (all) => {
      const known = new KnownGood()
      const model = new Map<string, Seen>()
      for (const { ipv6, member, target, what } of all) {
        const id = `${member} ${target} ${ipv6}`
        if (what === "forget") {
          known.forget(key(id))
          model.delete(id)
        } else {
          const seen = { member, ipv6, up: what === "up" }
          known.see(key(id), seen)
          model.set(id, seen)
        }
        assert.deepStrictEqual(known.verdict(), judged([...model.values()]))
      }
      assert.strictEqual(known.size, model.size)
    }))
  })

  const of = (...members: ReadonlyArray<ReadonlyArray<boolean>>) => {
    const known = new KnownGood()
    members.forEach((targets, m) =>
      targets.forEach((up, t) => known.see(key(`${m} ${t}`), { member: `${m}`, ipv6: false, up }))
    )
    return known.verdict()
  }

  it("a member with thousands of targets counts as one", () => {
    const large = Array.from({ length: 5_000 }, () => false)
    assert.isFalse(of(large, [true], [true], [true], [true]).sick)
    assert.isFalse(of(large, large, [true], [true], [true]).sick)
    assert.isTrue(of(large, large, large, [true], [true]).sick)
  })

  it("judges nothing by few members", () => {
    assert.isFalse(of([false], [false], [false], [false]).sick)
    assert.isTrue(of([false], [false], [false], [false], [false]).sick)
    assert.deepStrictEqual(new KnownGood().verdict(), { members: 0, failing: 0, sick: false, ipv6Lost: false })
  })

  it("half of them is not the most of them", () => {
    assert.isFalse(of([false], [false], [false], [true], [true], [true]).sick)
    assert.isFalse(of([false, true], [false, true], [false, true], [false, true], [false, true]).sick)
  })
})
