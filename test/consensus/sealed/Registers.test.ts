import { assert, describe, it } from "@effect/vitest"
import { isStep, nextSeq, statusOf } from "../../../src/consensus/sealed/Register.ts"
import type { RegisterEffect } from "../../../src/consensus/sealed/RegisterEffect.ts"
import { answerTime, holdTime, lateAfter, Registers } from "../../../src/consensus/sealed/Registers.ts"
import type { Rosters } from "../../../src/consensus/sealed/Rosters.ts"
import { VerifiedSignatures } from "../../../src/consensus/sealed/VerifiedSignatures.ts"
import { verify } from "../../../src/consensus/sealed/verify.ts"
import type { FinalizeMessage } from "../../../src/domain/wire/Consensus.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import { certificate, decision, roster, rostersOf, start, target, vote } from "./fixtures.ts"

interface NodeOptions extends Omit<ConstructorParameters<typeof Registers>[0], "verify"> {
  readonly rosters?: Rosters
}

/** A node that learns of certificates, at a time that the test moves. */
class Node {
  readonly signatures = new VerifiedSignatures()
  readonly registers: Registers
  now = start

  constructor({ rosters = rostersOf(), ...options }: NodeOptions = {}) {
    this.registers = new Registers({
      verify: (given, message) => verify(given, message, rosters, this.signatures),
      ...options
    })
  }

  receive(given: Certificate, message?: FinalizeMessage): ReadonlyArray<RegisterEffect> {
    return this.registers.handle({ _tag: "Certificate", certificate: given, ...message && { message } }, this.now)
  }

  tick(millis = 0): ReadonlyArray<RegisterEffect> {
    this.now += millis
    return this.registers.handle({ _tag: "Tick" }, this.now)
  }
}

const tags = (effects: ReadonlyArray<RegisterEffect>) =>
  effects.map((effect) => effect._tag === "Ignore" ? `Ignore ${effect.reason}` : effect._tag)

const old = start - lateAfter - 1

describe("the rule of the register", () => {
  it("0 is never decided, odd down, even up", () => {
    assert.deepStrictEqual([0, 1, 2, 3, 4].map(statusOf), [undefined, false, true, false, true])
    for (const none of [-1, -2, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) assert.isUndefined(statusOf(none))
  })

  it("steps from n to n + 1, and from 0 to 1 or 2", () => {
    assert.strictEqual(nextSeq(0, false), 1)
    assert.strictEqual(nextSeq(0, true), 2)
    for (let n = 1; n < 100; n++) {
      assert.strictEqual(nextSeq(n, !statusOf(n)), n + 1)
      assert.isUndefined(nextSeq(n, statusOf(n)!))
    }
    assert.isUndefined(nextSeq(Number.MAX_SAFE_INTEGER, true))
  })

  it("has as steps exactly those", () => {
    for (let from = 0; from < 6; from++) {
      const steps = [0, 1, 2, 3, 4, 5, 6, 7, 8].filter((to) => isStep(from, to))
      assert.deepStrictEqual(steps, from === 0 ? [1, 2] : [from + 1])
    }
  })
})

describe("registers", () => {
  it("persist a higher certificate, then apply it", () => {
    const node = new Node()
    const given = certificate()
    const message = decision(given)
    assert.deepStrictEqual(node.receive(given, message), [
      { _tag: "Persist", certificate: given },
      { _tag: "Apply", step: { target, seq: 1, up: false, certificate: given, message }, late: false }
    ])
    assert.strictEqual(node.registers.seq(target), 1)
    assert.deepStrictEqual(node.registers.certificate(target), given)
    assert.deepStrictEqual(tags(node.receive(certificate({ seq: 2 }))), ["Persist", "Apply"])
  })

  it("keep and pass on no votes that do not count: whoever adds some makes nothing grow", () => {
    const node = new Node()
    const given = certificate({ seq: 2 })
    const [persist, apply] = node.receive({ ...given, votes: [vote("stranger"), ...given.votes, vote("m1")] })
    assert.deepStrictEqual(persist, { _tag: "Persist", certificate: given })
    assert.isTrue(apply?._tag === "Apply" && apply.step.certificate.votes.length === 3)
    assert.deepStrictEqual(node.registers.certificates(), [given])
    assert.deepStrictEqual(node.receive(certificate()), [{ _tag: "AnswerMine", certificate: given }])
  })

  it("take a step over what they missed", () => {
    const node = new Node()
    node.receive(certificate({ seq: 1 }))
    assert.deepStrictEqual(tags(node.receive(certificate({ seq: 8 }))), ["Persist", "Apply"])
    assert.strictEqual(node.registers.seq(target), 8)
  })

  it("ignore where they stand already, also by other votes, and verify nothing for it", () => {
    const node = new Node()
    node.receive(certificate())
    const { checks } = node.signatures
    assert.deepStrictEqual(tags(node.receive(certificate({ voters: ["m3", "m4", "m5"] }))), ["Ignore same"])
    assert.strictEqual(node.signatures.checks, checks)
  })

  it("answer who is behind with theirs, and verify nothing for it", () => {
    const node = new Node()
    const mine = certificate({ seq: 5 })
    node.receive(mine)
    const { checks } = node.signatures
    assert.deepStrictEqual(node.receive(certificate({ seq: 4 })), [{ _tag: "AnswerMine", certificate: mine }])
    assert.strictEqual(node.signatures.checks, checks)
    assert.strictEqual(node.registers.seq(target), 5)
  })

  it("answer who is said to be behind the same way, if they hold anything", () => {
    const node = new Node()
    const behind = () => node.registers.handle({ _tag: "Behind", target }, node.now)
    assert.deepStrictEqual(tags(behind()), ["Ignore same"])
    const mine = certificate({ seq: 5 })
    node.receive(mine)
    assert.deepStrictEqual(behind(), [{ _tag: "AnswerMine", certificate: mine }])
    assert.deepStrictEqual(tags(behind()), ["Ignore lower"])
  })

  it("answer on one target every 10 s at most, and in all only so often", () => {
    const node = new Node({ limits: { answersPerSecond: 3 } })
    const of = (i: number, seq: number) => certificate({ seq, target: { ...target, member: `member ${i}` } })
    node.receive(of(0, 5))
    assert.deepStrictEqual(tags(node.receive(of(0, 1))), ["AnswerMine"])
    node.now += answerTime - 1
    assert.deepStrictEqual(tags(node.receive(of(0, 1))), ["Ignore lower"])
    node.now += 1
    assert.deepStrictEqual(tags(node.receive(of(0, 1))), ["AnswerMine"])
    // Set back by an hour, it must not be silent for an hour.
    node.now -= 3_600_000
    assert.deepStrictEqual(tags(node.receive(of(0, 1))), ["AnswerMine"])
    for (let i = 1; i < 10; i++) node.receive(of(i, 5))
    node.now += 3_600_000
    const answers = () => Array.from({ length: 9 }, (_, i) => node.receive(of(i + 1, 1))).flatMap(tags)
    assert.lengthOf(answers().filter((tag) => tag === "AnswerMine"), 3)
    node.now += 1_000
    assert.lengthOf(answers().filter((tag) => tag === "AnswerMine"), 3)
  })

  it("drop what proves nothing, with the reason", () => {
    const node = new Node()
    assert.deepStrictEqual(node.receive(certificate({ voters: ["m1"] })), [
      { _tag: "DropInvalid", reason: { _tag: "TooFewVotes", votes: 1, quorum: 3, electorate: 5 } }
    ])
    const given = certificate()
    assert.deepStrictEqual(node.receive(given, decision(given, { passed: false })), [
      { _tag: "DropInvalid", reason: { _tag: "NotPassed" } }
    ])
    assert.strictEqual(node.registers.seq(target), 0)
    assert.deepStrictEqual(node.registers.size(), { registers: 0, held: 0 })
  })

  it("leave targets that the configuration does not know", () => {
    const node = new Node({ knows: ({ member }) => member !== "Lagoon" })
    assert.deepStrictEqual(tags(node.receive(certificate())), ["Ignore unknown-target"])
    assert.strictEqual(node.signatures.checks, 0)
  })

  it("are only so many; those that are there go on", () => {
    const node = new Node({ limits: { registers: 1 } })
    node.receive(certificate())
    assert.deepStrictEqual(tags(node.receive(certificate({ target: { ...target, member: "Fuji" } }))), ["Ignore full"])
    assert.deepStrictEqual(tags(node.receive(certificate({ seq: 2 }))), ["Persist", "Apply"])
  })
})

describe("a late certificate", () => {
  it("is one whose newest observation is more than two minutes old", () => {
    assert.deepStrictEqual(tags(new Node().receive(certificate({ at: start - lateAfter }))), ["Persist", "Apply"])
    assert.deepStrictEqual(tags(new Node().receive(certificate({ at: old }))), ["Persist", "AdoptLate"])
    const mixed = certificate({
      votes: [vote("m1", { at: old }), vote("m2", { at: old + 1 }), vote("m3", { at: old })]
    })
    assert.deepStrictEqual(tags(new Node().receive(mixed)), ["Persist", "Apply"])
    // From a clock that is ahead it is not.
    assert.deepStrictEqual(tags(new Node().receive(certificate({ at: start + 3_600_000 }))), ["Persist", "Apply"])
  })

  it("is adopted at once, and followed after 30 s, marked", () => {
    const node = new Node()
    const given = certificate({ at: old })
    const step = { target, seq: 1, up: false, certificate: given, message: undefined }
    assert.deepStrictEqual(node.receive(given), [
      { _tag: "Persist", certificate: given },
      { _tag: "AdoptLate", step, until: start + holdTime }
    ])
    assert.strictEqual(node.registers.seq(target), 1)
    assert.deepStrictEqual(node.tick(holdTime - 1), [])
    assert.deepStrictEqual(node.tick(1), [{ _tag: "Apply", step, late: true }])
    assert.deepStrictEqual(node.tick(holdTime), [])
  })

  it("is not followed when a higher one shows up: no flip from one that was withheld", () => {
    const node = new Node()
    node.receive(certificate({ seq: 3, at: old }))
    node.tick(10_000)
    assert.deepStrictEqual(tags(node.receive(certificate({ seq: 4 }))), ["Persist", "Apply"])
    assert.deepStrictEqual(node.tick(holdTime), [])
  })

  it("begins its 30 s anew with a higher late one", () => {
    const node = new Node()
    node.receive(certificate({ seq: 3, at: old }))
    node.tick(20_000)
    node.receive(certificate({ seq: 4, at: old }))
    assert.deepStrictEqual(node.tick(holdTime - 1), [])
    const [applied] = node.tick(1)
    assert.isTrue(applied?._tag === "Apply" && applied.step.seq === 4 && applied.late)
  })

  it("waits no longer for a clock that is set back", () => {
    const node = new Node()
    node.receive(certificate({ at: old }))
    node.now -= 3_600_000
    assert.deepStrictEqual(node.tick(), [])
    assert.deepStrictEqual(tags(node.tick(holdTime)), ["Apply"])
  })
})

describe("an epoch that is retired", () => {
  it("lets the same step be proved again, which changes nothing but the proof", () => {
    let minEpoch = 1
    const rosters = rostersOf(roster(), roster({ epoch: 2 }))
    const node = new Node({ minEpoch: () => minEpoch, rosters })
    node.receive(certificate({ seq: 4 }))
    const before = node.registers.digest()
    const renewed = certificate({ seq: 4, epoch: 2 })
    assert.deepStrictEqual(tags(node.receive(renewed)), ["Ignore same"])
    assert.deepStrictEqual([...node.registers.retired()], [undefined])
    minEpoch = 2
    assert.deepStrictEqual([...node.registers.retired()], [certificate({ seq: 4 })])
    assert.deepStrictEqual([3, 4, 5].map((seq) => node.registers.wants(target, seq)), [false, true, true])
    assert.deepStrictEqual(tags(node.receive(renewed)), ["Persist", "Renewed"])
    assert.deepStrictEqual(node.registers.certificate(target), renewed)
    assert.deepStrictEqual(node.registers.digest(), before)
    assert.deepStrictEqual([3, 4, 5].map((seq) => node.registers.wants(target, seq)), [false, false, true])
    assert.deepStrictEqual(tags(node.receive(renewed)), ["Ignore same"])
  })

  it("follows what it held back with the proof that counts", () => {
    let minEpoch = 1
    const node = new Node({ minEpoch: () => minEpoch, rosters: rostersOf(roster(), roster({ epoch: 2 })) })
    node.receive(certificate({ seq: 5, at: old }))
    minEpoch = 2
    const renewed = certificate({ seq: 5, epoch: 2 })
    node.receive(renewed)
    const [applied] = node.tick(holdTime)
    assert.deepInclude(applied, { _tag: "Apply", late: true })
    assert.deepStrictEqual(applied?._tag === "Apply" && applied.step.certificate, renewed)
  })
})

describe("targets that are removed", () => {
  it("have no register any more, and one that comes back has its own again", () => {
    const other = { ...target, member: "Other" }
    const [node, fresh] = [new Node(), new Node()]
    for (const one of [node, fresh]) one.receive(certificate({ seq: 2 }))
    const kept = certificate({ target: other, seq: 5, at: old })
    node.receive(kept)
    assert.deepStrictEqual(node.registers.retain(({ member }) => member !== "Other"), [other])
    assert.deepStrictEqual(node.registers.digest(), fresh.registers.digest())
    assert.deepStrictEqual(node.registers.size(), { registers: 1, held: 0 })
    assert.strictEqual(node.registers.seq(other), 0)
    node.registers.handle({ _tag: "Restore", certificate: kept }, start)
    assert.strictEqual(node.registers.seq(other), 5)
    assert.deepStrictEqual(node.registers.retain(() => true), [])
  })
})

describe("after a restart", () => {
  it("what was kept is there at once, and followed after 30 s without a higher one", () => {
    const node = new Node()
    const kept = certificate({ seq: 5 })
    assert.deepStrictEqual(tags(node.registers.handle({ _tag: "Restore", certificate: kept }, start)), ["AdoptLate"])
    assert.strictEqual(node.registers.seq(target), 5)
    assert.deepStrictEqual(tags(node.receive(certificate({ seq: 4 }))), ["AnswerMine"])
    assert.deepStrictEqual(tags(node.tick(holdTime)), ["Apply"])
  })

  it("it counts although its epoch is retired by now: a register never falls", () => {
    const node = new Node()
    const kept = certificate({ seq: 5, epoch: 99 })
    node.registers.handle({ _tag: "Restore", certificate: kept }, start)
    assert.strictEqual(node.registers.seq(target), 5)
  })

  it("nothing lower replaces what came meanwhile", () => {
    const node = new Node()
    node.receive(certificate({ seq: 6 }))
    const restored = node.registers.handle({ _tag: "Restore", certificate: certificate({ seq: 5 }) }, start)
    assert.deepStrictEqual(tags(restored), ["Ignore same"])
    assert.strictEqual(node.registers.seq(target), 6)
  })
})
