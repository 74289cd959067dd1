import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import {
  electorateOf,
  quorum,
  type Roster,
  rosterDoubts,
  rosterProblems
} from "../../../src/consensus/sealed/Roster.ts"
import {
  formatRosterFile,
  isSignedBy,
  parseRosterFile,
  rostersOf as rostersOfFile,
  signRosterFile
} from "../../../src/consensus/sealed/rosterFile.ts"
import { describeRosterRefusal, maxEpochs, Rosters } from "../../../src/consensus/sealed/Rosters.ts"
import { cheapSigner, signerOf } from "../../../src/consensus/sealed/Signer.ts"
import { verifierOf } from "../../../src/consensus/sealed/Verifier.ts"
import { keyOfSeed, member, monitors, roster, rostersOf, target } from "./fixtures.ts"

const simulated = { simulated: true }
const refusal = (result: Result.Result<Rosters, Parameters<typeof describeRosterRefusal>[0]>) =>
  Result.isFailure(result) ? result.failure._tag : "accepted"
const of = (count: number) => roster({ members: Array.from({ length: count }, (_, i) => member(`n${i}`)) })

describe("the quorum", () => {
  it("is a majority, and never fewer than 2", () => {
    assert.deepStrictEqual([1, 2, 3, 4, 5, 6, 7].map(quorum), [2, 2, 2, 3, 3, 4, 4])
  })

  it("shares a voter with every quorum of the same roster, and of the next with one member more or less", () => {
    for (let n = 2; n <= 64; n++) {
      assert.isAbove(2 * quorum(n), n)
      assert.isAbove(quorum(n) + quorum(n + 1), n + 1)
    }
  })
})

describe("a roster", () => {
  it("has as electorate the monitors able to judge the target", () => {
    assert.deepStrictEqual(electorateOf(roster(), target).map(({ id }) => id), monitors)
    assert.deepStrictEqual(electorateOf(roster(), { ipv6: true }).map(({ id }) => id), ["m1", "m2", "m3"])
  })

  it("is refused with every reason at once", () => {
    assert.deepStrictEqual(rosterProblems(roster(), simulated), [])
    const problems = rosterProblems(
      roster({
        epoch: 2,
        minEpoch: 3,
        members: [
          member("a"),
          member("a", { key: "ed25519:short" }),
          member("b", { key: member("a").key, role: "IBPDns" })
        ]
      }),
      simulated
    )
    assert.deepStrictEqual(problems.map((problem) => problem.split(/[:(]/)[0]!.trim()), [
      "minEpoch 3 is after the epoch 2",
      "two members have the id a",
      "a and b have the same key",
      "the key of a is not a public key"
    ])
    assert.match(rosterProblems(of(1), simulated)[0]!, /it has 1 monitor, and a decision needs the votes of at least 2/)
    assert.match(rosterProblems(of(0), simulated)[0]!, /it has 0 monitors/)
    assert.deepStrictEqual(rosterProblems(of(2), simulated), [])
  })

  it("of production takes no keys of simulations", () => {
    assert.match(rosterProblems(of(2))[0]!, /the key of n0 is one for simulations/)
    assert.isUndefined(verifierOf(cheapSigner("n0").publicKey))
    assert.strictEqual(refusal(Rosters.from([of(2)])), "Unusable")
  })

  it("without enough monitors for IPv6 can be used, and is probably not meant", () => {
    assert.deepStrictEqual(rosterDoubts(roster()), [])
    const one = roster({ members: [member("a"), member("b", { ipv6: false })] })
    assert.deepStrictEqual(rosterProblems(one, simulated), [])
    assert.match(rosterDoubts(one)[0]!, /IPv6 targets are never decided: 1 of its monitors/)
  })
})

describe("rosters", () => {
  const next = (options: Partial<Roster> = {}) => rostersOf().add(roster({ epoch: 2, ...options }))
  const without = (...ids: ReadonlyArray<string>) => roster().members.filter(({ id }) => !ids.includes(id))

  it("take the next epoch, and keep those before", () => {
    const rosters = Result.getOrThrow(next({ members: without("m5"), minEpoch: 2 }))
    assert.deepStrictEqual([rosters.current.epoch, rosters.minEpoch], [2, 2])
    assert.deepStrictEqual(rosters.all().map(({ epoch }) => epoch), [1, 2])
    assert.isTrue(rosters.electorate(1, false)!.has("m5"))
    assert.isFalse(rosters.electorate(2, false)!.has("m5"))
    assert.isUndefined(rosters.electorate(3, false))
    assert.isDefined(rosters.verifier(2, "d1"))
    assert.isUndefined(rosters.verifier(2, "m5"))
  })

  it("never change: the value that was given the next one is as before", () => {
    const before = rostersOf()
    before.add(roster({ epoch: 2 }))
    assert.strictEqual(before.current.epoch, 1)
    assert.isUndefined(before.get(2))
  })

  it("only rise", () => {
    const rosters = rostersOf(roster({ epoch: 3, minEpoch: 2 }))
    assert.strictEqual(refusal(rosters.add(roster({ epoch: 2 }))), "EpochFell")
    assert.strictEqual(refusal(rosters.add(roster({ epoch: 4, minEpoch: 1 }))), "MinEpochFell")
    assert.strictEqual(refusal(rosters.add(roster({ epoch: 4, minEpoch: 2 }))), "accepted")
    assert.strictEqual(refusal(rosters.add(roster({ epoch: 4, minEpoch: 2, cluster: "b" }))), "OtherCluster")
    assert.strictEqual(refusal(rosters.add(roster({ epoch: 4, minEpoch: 5 }))), "Unusable")
  })

  it("take the same once more, and no other of the same epoch", () => {
    const rosters = rostersOf()
    assert.strictEqual(Result.getOrThrow(rosters.add(roster())), rosters)
    assert.strictEqual(refusal(rosters.add(roster({ members: without("m5") }))), "EpochTaken")
  })

  it("change one member per epoch: added, removed, or another key, role, region or IP version", () => {
    assert.strictEqual(refusal(next({ members: [...roster().members, member("m6")] })), "accepted")
    assert.strictEqual(refusal(next({ members: [...roster().members, member("m6"), member("m7")] })), "TooManyChanges")
    assert.strictEqual(refusal(next({ members: without("m1", "m2") })), "TooManyChanges")
    assert.strictEqual(refusal(next({ members: [...without("m1"), member("m6")] })), "TooManyChanges")
    for (
      const change of [{ key: cheapSigner("x").publicKey }, { role: "IBPDns" }, { ipv6: false }, {
        region: "Asia"
      }] as const
    ) {
      const changed = (...ids: ReadonlyArray<string>) =>
        roster().members.map((one) =>
          ids.includes(one.id) ? { ...one, ...change, ...change.key && { key: change.key + one.id } } : one
        )
      assert.strictEqual(refusal(next({ members: changed("m1") })), "accepted", JSON.stringify(change))
      assert.strictEqual(refusal(next({ members: changed("m1", "m2") })), "TooManyChanges", JSON.stringify(change))
    }
    assert.strictEqual(refusal(next({ members: roster().members.toReversed() })), "accepted")
  })

  it("of who was away for some epochs may have changed once for each", () => {
    assert.strictEqual(refusal(next({ epoch: 3, members: without("m4", "m5") })), "accepted")
    assert.strictEqual(refusal(next({ epoch: 3, members: without("m3", "m4", "m5") })), "TooManyChanges")
  })

  it("begin with any number, in any order", () => {
    const all = [roster(), roster({ epoch: 2, members: without("m5") }), roster({ epoch: 3, minEpoch: 2 })] as const
    fc.assert(fc.property(fc.shuffledSubarray([...all], { minLength: 3 }), (some) => {
      const rosters = rostersOf(some[0]!, ...some.slice(1))
      assert.deepStrictEqual(rosters.all(), all)
      assert.strictEqual(rosters.minEpoch, 2)
    }))
  })

  it("keep only so many epochs", () => {
    let rosters = rostersOf()
    for (let epoch = 2; epoch <= maxEpochs + 10; epoch++) rosters = Result.getOrThrow(rosters.add(roster({ epoch })))
    assert.lengthOf(rosters.all(), maxEpochs)
    assert.isUndefined(rosters.get(10))
    assert.isDefined(rosters.get(11))
  })

  it("say in words why not", () => {
    for (
      const [result, pattern] of [
        [next({ epoch: 1, minEpoch: 1, members: without("m1") }), /another roster of epoch 1 is known/],
        [next({ members: without("m1", "m2") }), /m1, m2 changed within one epoch: change one member per epoch/],
        [next({ cluster: "b" }), /it is of the cluster b, ours is test/],
        [rostersOf(roster({ epoch: 5 })).add(roster()), /its epoch is 1, and 5 is in use/],
        [rostersOf(roster({ epoch: 5, minEpoch: 5 })).add(roster({ epoch: 6 })), /its minEpoch is 1, and 5 is in use/],
        [next({ minEpoch: 3 }), /minEpoch 3 is after the epoch 2/]
      ] as const
    ) {
      assert.match(Result.isFailure(result) ? describeRosterRefusal(result.failure) : "", pattern)
    }
  })
})

describe("a roster file", () => {
  const operator = signerOf("operator", keyOfSeed(9))
  const file = { ...roster({ epoch: 2 }), earlier: [roster()] }
  const signed = signRosterFile(file, operator.sign)
  const problem = (given: Result.Result<unknown, string>) => Result.isFailure(given) ? given.failure : "taken"

  it("is read as it was written", () => {
    assert.deepStrictEqual(Result.getOrThrow(parseRosterFile(formatRosterFile(signed))), signed)
    assert.deepStrictEqual(Result.getOrThrow(rostersOfFile(signed, operator.publicKey)), [
      roster(),
      roster({ epoch: 2 })
    ])
  })

  it("is any roster written into the local document, too", () => {
    const plain = Result.getOrThrow(parseRosterFile(JSON.stringify(roster())))
    assert.deepStrictEqual(Result.getOrThrow(rostersOfFile(plain, undefined)), [roster()])
  })

  it("with a pinned key counts only when every roster of it is signed by that key", () => {
    assert.match(problem(rostersOfFile(file, operator.publicKey)), /epoch 1 is not signed$/)
    assert.match(
      problem(rostersOfFile({ ...signed, earlier: [roster()] }, operator.publicKey)),
      /epoch 1 is not signed$/
    )
    assert.match(
      problem(rostersOfFile(signed, keyOfSeed(8).publicKey)),
      /not signed by the pinned key of the operator/
    )
    assert.match(problem(rostersOfFile(signed, "operator")), /is not a public key/)
    // A cheap key is none for an operator, either.
    assert.match(problem(rostersOfFile(signed, "cheap:operator")), /is not a public key/)
  })

  it("is signed over every part of it", () => {
    const [first, ...others] = signed.members
    for (
      const changed of [
        { cluster: "b" },
        { epoch: 3 },
        { minEpoch: 2 },
        { members: others },
        { members: [...others, first!] },
        { members: [{ ...first!, id: "x" }, ...others] },
        { members: [{ ...first!, key: "x" }, ...others] },
        { members: [{ ...first!, role: "IBPDns" as const }, ...others] },
        { members: [{ ...first!, ipv6: false }, ...others] },
        { members: [{ ...first!, region: "x" }, ...others] }
      ]
    ) {
      assert.isTrue(isSignedBy(signed, operator.publicKey))
      assert.isFalse(isSignedBy({ ...signed, ...changed }, operator.publicKey), JSON.stringify(changed))
    }
  })

  it("that is none says where it is wrong", () => {
    assert.match(problem(parseRosterFile("{")), /it is no JSON/)
    assert.match(problem(parseRosterFile(JSON.stringify({ ...roster(), epoch: 0 }))), /epoch/)
    const wrong = { ...roster(), members: [{ ...member("a"), role: "King" }] }
    assert.match(problem(parseRosterFile(JSON.stringify(wrong))), /role/)
    const many = { ...roster(), members: Array.from({ length: 65 }, (_, i) => member(`n${i}`)) }
    assert.match(problem(parseRosterFile(JSON.stringify(many))), /members/)
  })
})
