import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import type { Invalid } from "../../../src/consensus/sealed/Invalid.ts"
import type { Rosters } from "../../../src/consensus/sealed/Rosters.ts"
import { cheapSigner } from "../../../src/consensus/sealed/Signer.ts"
import { VerifiedSignatures } from "../../../src/consensus/sealed/VerifiedSignatures.ts"
import { maxSpread, type Proof, verify } from "../../../src/consensus/sealed/verify.ts"
import type { FinalizeMessage } from "../../../src/domain/wire/Consensus.ts"
import type { Certificate } from "../../../src/domain/wire/Seal.ts"
import { certificate, decision, member, monitors, roster, rostersOf, start, target, vote } from "./fixtures.ts"

const proof = (given: Certificate, options: { message?: FinalizeMessage; rosters?: Rosters } = {}): Proof =>
  Result.getOrThrowWith(
    verify(given, options.message, options.rosters ?? rostersOf()),
    (invalid) => new Error(JSON.stringify(invalid))
  )

const reason = (
  given: Certificate,
  options: { message?: FinalizeMessage; rosters?: Rosters; signatures?: VerifiedSignatures } = {}
): Invalid["_tag"] | "valid" => {
  const verdict = verify(given, options.message, options.rosters ?? rostersOf(), options.signatures)
  return Result.isFailure(verdict) ? verdict.failure._tag : "valid"
}

describe("verify: what is proved", () => {
  it("a majority of true votes for a step, with who saw it and when", () => {
    const given = certificate({
      votes: [vote("m2", { at: start + 5_000 }), vote("m1"), vote("m4", { at: start + 900 })]
    })
    assert.deepStrictEqual(proof(given, { message: decision(given) }), {
      target,
      seq: 1,
      up: false,
      electorate: 5,
      quorum: 3,
      votes: [
        { voter: "m2", observedAt: start + 5_000 },
        { voter: "m1", observedAt: start },
        { voter: "m4", observedAt: start + 900 }
      ],
      oldest: start,
      newest: start + 5_000,
      certificate: given
    })
  })

  it("the certificate without what anybody could add to it", () => {
    const [m1, m2, m3] = [vote("m1"), vote("m2"), vote("m3")]
    const junk = Array.from({ length: 50 }, (_, i) => vote(`stranger-${i}`))
    const padded = certificate({ votes: [...junk, m1, m2, vote("m1", { at: start + 1 }), m3, vote("d1")] })
    assert.deepStrictEqual(proof(padded).certificate, certificate({ votes: [m1, m2, m3] }))
  })

  it("up by an even seq, however high, and without a message", () => {
    assert.isTrue(proof(certificate({ seq: 2 })).up)
    assert.isTrue(proof(certificate({ seq: 4_294_967_298 })).up)
    assert.isFalse(proof(certificate({ seq: 4_294_967_299 })).up)
  })

  it("by the roster of its own epoch, when later ones have other members", () => {
    const later = roster({ epoch: 2, members: roster().members.filter(({ id }) => id !== "m1") })
    const rosters = rostersOf(roster(), later)
    assert.strictEqual(reason(certificate({ voters: ["m1", "m2", "m3"] }), { rosters }), "valid")
    assert.strictEqual(reason(certificate({ epoch: 2, voters: ["m1", "m2", "m3"] }), { rosters }), "TooFewVotes")
    assert.strictEqual(reason(certificate({ epoch: 2, voters: ["m2", "m3", "m4"] }), { rosters }), "valid")
  })
})

describe("verify: each rule has its own reason", () => {
  it("the cluster is ours", () => {
    assert.strictEqual(reason(certificate({ cluster: "elsewhere" })), "OtherCluster")
  })

  it("the roster of its epoch is known", () => {
    assert.strictEqual(reason(certificate({ epoch: 2 })), "UnknownEpoch")
    assert.strictEqual(reason(certificate({ epoch: 0 })), "UnknownEpoch")
  })

  it("its epoch is not retired, even if that roster is still known", () => {
    const rosters = rostersOf(roster(), roster({ epoch: 2, minEpoch: 2 }))
    assert.strictEqual(reason(certificate(), { rosters }), "RetiredEpoch")
    assert.strictEqual(reason(certificate({ epoch: 2 }), { rosters }), "valid")
  })

  it("its seq says a status", () => {
    for (const seq of [0, -2, 1.5, 2 ** 53, Number.NaN]) {
      assert.strictEqual(reason(certificate({ seq, up: true })), "NoStatus", String(seq))
    }
  })

  it("the message says that it passed", () => {
    const given = certificate()
    assert.strictEqual(reason(given, { message: decision(given, { passed: false }) }), "NotPassed")
  })

  it("the message is about the same target: all six fields", () => {
    const given = certificate()
    for (
      const other of [
        { checkType: "domain" },
        { check: "x" },
        { member: "x" },
        { domain: "x" },
        { endpoint: "x" },
        { ipv6: true }
      ] as const
    ) {
      const message = decision(given, { target: { ...target, ...other } })
      assert.strictEqual(reason(given, { message }), "OtherTarget", JSON.stringify(other))
    }
  })

  it("the message gives the status that the seq says", () => {
    for (const seq of [1, 2]) {
      const given = certificate({ seq })
      assert.strictEqual(reason(given, { message: decision(given, { up: seq === 1 }) }), "OtherStatus")
      assert.strictEqual(reason(given, { message: decision(given, { up: seq === 2 }) }), "valid")
    }
  })

  it("a majority of those able to judge, and never fewer than two", () => {
    assert.strictEqual(reason(certificate({ voters: [] })), "TooFewVotes")
    assert.strictEqual(reason(certificate({ voters: ["m1", "m2"] })), "TooFewVotes")
    assert.strictEqual(reason(certificate({ voters: ["m1", "m2", "m3"] })), "valid")
    // Three can judge IPv6: two of them are enough.
    const ipv6 = { ...target, ipv6: true }
    assert.strictEqual(reason(certificate({ target: ipv6, voters: ["m1", "m2"] })), "valid")
    assert.strictEqual(reason(certificate({ target: ipv6, voters: ["m1"] })), "TooFewVotes")
    const four = rostersOf(roster({ members: monitors.slice(0, 4).map((id) => member(id)) }))
    assert.strictEqual(reason(certificate({ voters: ["m1", "m2"] }), { rosters: four }), "TooFewVotes")
    const one = rostersOf(roster({ members: [member("m1"), member("m2"), member("m3", { ipv6: false })] }))
    assert.strictEqual(reason(certificate({ target: ipv6, voters: ["m1", "m2"] }), { rosters: one }), "valid")
    const alone = rostersOf(roster({ members: [member("m1"), member("m2", { ipv6: false })] }))
    assert.strictEqual(reason(certificate({ target: ipv6, voters: ["m1"] }), { rosters: alone }), "TooFewVotes")
  })

  it("voters are distinct: a second vote counts nothing, whatever its time", () => {
    const twice = certificate({ votes: [vote("m1"), vote("m2"), vote("m2", { at: start + 1 }), vote("m1")] })
    assert.strictEqual(reason(twice), "TooFewVotes")
  })

  it("of one voter the first vote counts, and no later one in its place", () => {
    const rest = [vote("m2"), vote("m3")]
    const good = vote("m1")
    const bad = { ...good, sig: vote("m4").sig }
    assert.strictEqual(reason(certificate({ votes: [good, bad, ...rest] })), "valid")
    assert.strictEqual(reason(certificate({ votes: [bad, good, ...rest] })), "BadSignature")
    assert.strictEqual(reason(certificate({ votes: [vote("m1", { at: start - 1 }), good, ...rest] })), "valid")
    assert.strictEqual(
      reason(certificate({ votes: [vote("m1", { at: start - maxSpread - 1 }), good, ...rest] })),
      "FarApart"
    )
  })

  it("voters are of the electorate: no strangers, no other roles, nobody who cannot judge the target", () => {
    assert.strictEqual(reason(certificate({ voters: ["m1", "m2", "stranger"] })), "TooFewVotes")
    assert.strictEqual(reason(certificate({ voters: ["m1", "m2", "d1"] })), "TooFewVotes")
    const ipv6 = { ...target, ipv6: true }
    assert.strictEqual(reason(certificate({ target: ipv6, voters: ["m1", "m4", "m5"] })), "TooFewVotes")
  })

  it("the times of observations are times", () => {
    const given = certificate()
    const votes = given.votes.map((one, i) => i === 0 ? { ...one, observedAt: "yesterday" } : one)
    assert.strictEqual(reason({ ...given, votes }), "NotATime")
  })

  it("the observations are within a minute", () => {
    const apart = (millis: number) =>
      certificate({ votes: [vote("m1", { at: start + millis }), vote("m2"), vote("m3", { at: start + 1 })] })
    assert.strictEqual(reason(apart(maxSpread)), "valid")
    assert.strictEqual(reason(apart(maxSpread + 1)), "FarApart")
  })

  it("every signature is the voter's over the bytes rebuilt, each part of them", () => {
    const others = {
      cluster: { cluster: "elsewhere" },
      epoch: { epoch: 2 },
      seq: { seq: 3 },
      "the opposite": { up: true },
      checkType: { target: { ...target, checkType: "domain" } },
      check: { target: { ...target, check: "x" } },
      member: { target: { ...target, member: "x" } },
      domain: { target: { ...target, domain: "x" } },
      endpoint: { target: { ...target, endpoint: "x" } },
      ipv6: { target: { ...target, ipv6: true } },
      observedAt: { at: start + 1 }
    } as const
    for (const [what, options] of Object.entries(others)) {
      const wrong = { ...vote("m3", options), observedAt: vote("m3").observedAt }
      assert.strictEqual(reason(certificate({ votes: [vote("m1"), vote("m2"), wrong] })), "BadSignature", what)
    }
    const lent = vote("m3", { signer: cheapSigner("m1") })
    assert.strictEqual(reason(certificate({ votes: [vote("m1"), vote("m2"), lent] })), "BadSignature")
    const moved = { ...vote("m1"), voter: "m3" }
    assert.strictEqual(reason(certificate({ votes: [vote("m1"), vote("m2"), moved] })), "BadSignature")
    // One more than it takes must hold, too.
    const garbage = { ...vote("m4"), sig: "ed25519:x" }
    assert.strictEqual(
      reason(certificate({ votes: [vote("m1"), vote("m2"), vote("m3"), garbage] })),
      "BadSignature"
    )
  })

  it("by the key of its own epoch: a replaced key is good for the epochs that had it", () => {
    const fresh = member("m1", { key: cheapSigner("m1-new").publicKey })
    const rosters = rostersOf(
      roster(),
      roster({ epoch: 2, members: roster().members.map((one) => one.id === "m1" ? fresh : one) })
    )
    const stolen = certificate({ epoch: 2, voters: ["m1", "m2", "m3"] })
    assert.strictEqual(reason(stolen, { rosters }), "BadSignature")
    assert.strictEqual(reason(certificate(), { rosters }), "valid")
  })
})

describe("verify: what it costs", () => {
  it("looks at no signature of strangers and of second votes, nor of what is refused without", () => {
    const signatures = new VerifiedSignatures()
    const flood = Array.from({ length: 60 }, (_, i) => vote(`stranger-${i}`))
    reason(certificate({ votes: [...flood, vote("m1"), vote("m2"), vote("m1")] }), { signatures })
    assert.strictEqual(signatures.checks, 0)
    const apart = certificate({ votes: [vote("m1"), vote("m2"), vote("m3", { at: start + 2 * maxSpread })] })
    reason(apart, { signatures })
    const given = certificate()
    reason(given, { signatures, message: decision(given, { passed: false }) })
    assert.strictEqual(signatures.checks, 0)
    assert.strictEqual(
      reason(certificate({ votes: [...flood, vote("m1"), vote("m1", { at: start + 1 }), vote("m2"), vote("m3")] }), {
        signatures
      }),
      "valid"
    )
    assert.strictEqual(signatures.checks, 3)
  })

  it("checks each vote once, whatever certificates hold it", () => {
    const signatures = new VerifiedSignatures()
    reason(certificate({ voters: ["m1", "m2", "m3"] }), { signatures })
    reason(certificate({ voters: ["m3", "m2", "m1"] }), { signatures })
    assert.strictEqual(signatures.checks, 3)
    reason(certificate({ voters: ["m4", "m2", "m1"] }), { signatures })
    assert.strictEqual(signatures.checks, 4)
  })

  it("remembers a vote by key, bytes and signature: none of them alone", () => {
    const signatures = new VerifiedSignatures()
    const given = certificate()
    assert.strictEqual(reason(given, { signatures }), "valid")
    const forged = { ...given, seq: 3 }
    assert.strictEqual(reason(forged, { signatures }), "BadSignature")
    const resigned = { ...given, votes: given.votes.map((one) => ({ ...one, sig: vote("m4").sig })) }
    assert.strictEqual(reason(resigned, { signatures }), "BadSignature")
    const rosters = rostersOf(
      roster({ members: roster().members.map((one) => ({ ...one, key: cheapSigner(`${one.id}-new`).publicKey })) })
    )
    assert.strictEqual(reason(given, { signatures, rosters }), "BadSignature")
  })

  it("stops at the first forged signature, and keeps nothing of it", () => {
    const signatures = new VerifiedSignatures()
    const forged = monitors.map((id) => ({ ...vote(id), sig: "cheap:0000000000000000" }))
    for (let i = 0; i < 100; i++) reason(certificate({ votes: forged, seq: 1 + i }), { signatures })
    assert.strictEqual(signatures.checks, 100)
    assert.strictEqual(signatures.size, 0)
  })

  it("remembers only so many", () => {
    const signatures = new VerifiedSignatures(10)
    for (let seq = 1; seq <= 50; seq++) assert.strictEqual(reason(certificate({ seq }), { signatures }), "valid")
    assert.strictEqual(signatures.size, 10)
  })
})

describe("verify: whatever comes", () => {
  it("is true exactly for q true votes of the electorate: fewer than q stolen keys decide nothing", () => {
    const kinds = fc.constantFrom("true", "opposite", "other-seq", "other-target", "forged", "absent")
    fc.assert(
      fc.property(fc.array(kinds, { minLength: 5, maxLength: 5 }), fc.integer({ min: 1, max: 9 }), (votes, seq) => {
        const given = certificate({
          seq,
          votes: votes.flatMap((kind, i) => {
            const id = monitors[i]!
            switch (kind) {
              case "true":
                return [vote(id, { seq })]
              case "opposite":
                return [vote(id, { seq, up: seq % 2 === 1 })]
              case "other-seq":
                return [vote(id, { seq: seq + 2 })]
              case "other-target":
                return [vote(id, { seq, target: { ...target, member: "Fuji" } })]
              case "forged":
                return [vote(id, { seq, signer: cheapSigner("forger") })]
              case "absent":
                return []
            }
          })
        })
        const truthful = votes.filter((kind) => kind === "true").length
        const present = votes.filter((kind) => kind !== "absent").length
        const expected = present < 3 ? "TooFewVotes" : truthful === present ? "valid" : "BadSignature"
        assert.strictEqual(reason(given), expected)
      })
    )
  })

  it("does not depend on the order of votes, nor on what was verified before", () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(monitors, { minLength: 1 }),
        fc.shuffledSubarray(monitors, { minLength: 1 }),
        (one, other) => {
          const signatures = new VerifiedSignatures(3)
          reason(certificate({ voters: other }), { signatures })
          assert.strictEqual(
            reason(certificate({ voters: one }), { signatures }),
            reason(certificate({ voters: one.toSorted() }))
          )
        }
      )
    )
  })
})
