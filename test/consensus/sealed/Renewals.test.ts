import { assert, describe, it } from "@effect/vitest"
import { maxOpenRenewals, maxRenewals, Renewals, roundTime } from "../../../src/consensus/sealed/Renewals.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import { certificate } from "./fixtures.ts"

/** Of many registers, each third of which is retired. */
const renewals = (count: number) => {
  let rounds = 0
  const of = new Renewals(function*() {
    rounds++
    for (let seq = 1; seq <= count; seq++) yield seq % 3 === 0 ? certificate({ seq }) : undefined
  })
  return { goOn: of.goOn.bind(of), rounds: () => rounds }
}

describe("Renewals", () => {
  it("come to every register that is retired, a few at a time, and to none twice in a round", () => {
    const { goOn } = renewals(300)
    const seen: Array<Certificate> = []
    for (let i = 0; i < 6; i++) {
      const before = seen.length
      goOn(i * 1_000, 0, (one) => seen.push(one) > 0)
      assert.isAtMost(seen.length - before, maxRenewals)
    }
    assert.deepStrictEqual(seen.map(({ seq }) => seq), Array.from({ length: 100 }, (_, i) => 3 * i + 3))
  })

  it("stop while too many are open, and go on from there", () => {
    const { goOn } = renewals(300)
    const seen: Array<number> = []
    const take = (open: number) => goOn(0, open, ({ seq }) => seen.push(seq) > 0)
    take(maxOpenRenewals - 2)
    take(maxOpenRenewals)
    take(maxOpenRenewals + 5)
    take(maxOpenRenewals - 1)
    assert.deepStrictEqual(seen, [3, 6, 9])
  })

  it("do not wait for those that others have proposed", () => {
    const { goOn } = renewals(300)
    let seen = 0
    goOn(0, 0, () => {
      seen++
      return false
    })
    assert.strictEqual(seen, 100)
  })

  it("look at a thousand at once, and begin again after half a minute, whatever the clock does", () => {
    const { goOn, rounds } = renewals(2_500)
    for (const at of [0, 1_000, 2_000]) goOn(at, 0, () => false)
    goOn(roundTime - 1, 0, () => false)
    assert.strictEqual(rounds(), 1)
    goOn(roundTime, 0, () => false)
    assert.strictEqual(rounds(), 2)
    for (const at of [1, 2]) goOn(at, 0, () => false)
    goOn(-roundTime, 0, () => false)
    assert.strictEqual(rounds(), 3)
  })
})
