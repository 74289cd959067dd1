import { assert, describe, it } from "@effect/vitest"
import { SenderBudget } from "../../src/status/SenderBudget.ts"

const budget = () => new SenderBudget({ each: { most: 10, perSecond: 1 }, all: { most: 25, perSecond: 2 }, senders: 4 })
const spend = (it: SenderBudget, sender: string, times: number, now: number) =>
  Array.from({ length: times }, () => it.spend(sender, now)).filter(Boolean).length

describe("SenderBudget", () => {
  it("gives each sender its own, and more as time goes on", () => {
    const it = budget()
    assert.strictEqual(spend(it, "mad", 1_000, 0), 10)
    assert.strictEqual(spend(it, "good", 5, 0), 5)
    assert.strictEqual(spend(it, "mad", 10, 999), 0)
    assert.strictEqual(spend(it, "mad", 10, 3_000), 3)
    assert.strictEqual(spend(it, "mad", 100, 1_000_000), 10)
  })

  it("gives no more in all, whatever names they take, and remembers few of them", () => {
    const it = budget()
    let done = 0
    for (let i = 0; i < 1_000; i++) done += spend(it, `name ${i}`, 3, 0)
    assert.strictEqual(done, 25)
    done = 0
    for (let i = 0; i < 1_000; i++) done += spend(it, `name ${i}`, 3, i * 10)
    assert.isAtMost(done, 20)
    assert.isAtLeast(done, 18)
  })

  it("takes no harm from a clock that stands still or goes back", () => {
    const it = budget()
    assert.strictEqual(spend(it, "a", 20, 5_000), 10)
    assert.strictEqual(spend(it, "a", 20, 0), 0)
    assert.strictEqual(spend(it, "a", 20, 6_000), 1)
  })
})
