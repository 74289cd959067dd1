import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { statusOf } from "../../../src/consensus/sealed/Register.ts"
import { holdTime, Registers } from "../../../src/consensus/sealed/Registers.ts"
import { verify } from "../../../src/consensus/sealed/verify.ts"
import { type Target, targetKey } from "../../../src/domain/Target.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import { certificate, rostersOf, start, target, vote } from "./fixtures.ts"

const targets: ReadonlyArray<Target> = ["Lagoon", "Fuji", "Rhine"].map((member) => ({ ...target, member }))
const rosters = rostersOf()

const node = () => new Registers({ verify: (given, message) => verify(given, message, rosters) })

/** True and forged certificates, some of them old. */
const certificates: fc.Arbitrary<Certificate> = fc.record({
  target: fc.constantFrom(...targets),
  seq: fc.integer({ min: 1, max: 8 }),
  voters: fc.constantFrom(["m1", "m2", "m3"], ["m3", "m4", "m5"], ["m1", "m2", "m3", "m4", "m5"], ["m1", "m2"]),
  age: fc.constantFrom(0, 0, 3_600_000),
  forged: fc.constantFrom(false, false, true)
}).map(({ age, forged, seq, target, voters }) =>
  forged
    ? certificate({ target, seq: seq + 8, votes: voters.map((voter) => vote(voter, { target, seq })) })
    : certificate({ target, seq, voters, at: start - age })
)

const isTrue = ({ seq, votes }: Certificate) => seq <= 8 && votes.length >= 3

const seqs = (registers: Registers) => targets.map((one) => registers.seq(one))

describe("registers: whatever comes in whatever order", () => {
  it("all nodes that saw the same, however often and late, hold the same: the highest that is true", () => {
    const stories = fc.array(certificates, { maxLength: 20 }).chain((given) =>
      fc.tuple(
        fc.constant(given),
        fc.array(
          // Each node hears everything at least once, and some of it more often.
          fc.tuple(
            fc.shuffledSubarray(given, { minLength: given.length }),
            given.length === 0 ? fc.constant([]) : fc.array(fc.constantFrom(...given), { maxLength: 20 }),
            fc.array(fc.integer({ min: -40_000, max: 40_000 }), { minLength: 40, maxLength: 40 })
          ),
          { minLength: 2, maxLength: 4 }
        )
      )
    )
    fc.assert(fc.property(stories, ([given, orders]) => {
      const expected = targets.map((one) =>
        Math.max(
          0,
          ...given.filter((some) => isTrue(some) && targetKey(some.T) === targetKey(one)).map(({ seq }) => seq)
        )
      )
      const digests = new Set<string>()
      for (const [once, again, steps] of orders) {
        const registers = node()
        let now = start
        let before = seqs(registers)
        for (const [i, some] of [...again.slice(0, 5), ...once, ...again.slice(5)].entries()) {
          now += steps[i]!
          registers.handle({ _tag: "Certificate", certificate: some }, now)
          registers.handle({ _tag: "Tick" }, now)
          const after = seqs(registers)
          after.forEach((seq, t) => assert.isAtLeast(seq, before[t]!, "a register never falls"))
          before = after
        }
        assert.deepStrictEqual(seqs(registers), expected)
        digests.add(JSON.stringify(registers.digest()))
      }
      assert.strictEqual(digests.size, 1)
    }))
  })

  it("gives one (T, seq) one status, applies only what rises, and in the end what it holds", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(certificates, fc.integer({ min: 0, max: 40_000 })), { maxLength: 30 }),
        (given) => {
          const registers = node()
          const applied = new Map<string, number>()
          let now = start
          const follow = (effects: ReturnType<Registers["handle"]>) => {
            let persisted: Certificate | undefined
            for (const effect of effects) {
              if (effect._tag === "Persist") persisted = effect.certificate
              if (effect._tag !== "Apply") continue
              const { certificate: of, seq, target: of_, up } = effect.step
              assert.strictEqual(up, statusOf(seq))
              assert.isTrue(effect.late || persisted === of, "what is followed was kept before")
              const key = targetKey(of_)
              assert.isAbove(seq, applied.get(key) ?? 0)
              applied.set(key, seq)
            }
          }
          for (const [some, step] of given) {
            now += step
            follow(registers.handle({ _tag: "Tick" }, now))
            follow(registers.handle({ _tag: "Certificate", certificate: some }, now))
          }
          follow(registers.handle({ _tag: "Tick" }, now + holdTime))
          assert.strictEqual(registers.size().held, 0)
          for (const one of targets) assert.strictEqual(applied.get(targetKey(one)) ?? 0, registers.seq(one))
        }
      )
    )
  })

  it("has a digest that is equal exactly for equal registers", () => {
    const steps = fc.array(fc.tuple(fc.constantFrom(...targets), fc.integer({ min: 1, max: 4 })), { maxLength: 6 })
    const filled = (some: ReadonlyArray<readonly [Target, number]>) => {
      const registers = node()
      for (const [of, seq] of some) {
        registers.handle({ _tag: "Certificate", certificate: certificate({ target: of, seq }) }, start)
      }
      return registers
    }
    fc.assert(fc.property(steps, steps, (one, other) => {
      const [a, b] = [filled(one), filled(other)]
      const same = JSON.stringify(seqs(a)) === JSON.stringify(seqs(b))
      assert.strictEqual(JSON.stringify(a.digest()) === JSON.stringify(b.digest()), same)
      assert.strictEqual(a.digest().count, seqs(a).filter((seq) => seq > 0).length)
    }))
  })
})
