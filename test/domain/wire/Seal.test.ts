import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { messageCodec } from "../../../src/bus/MessageCodec.ts"
import { maxVoters } from "../../../src/domain/wire/Seal.ts"
import * as Subject from "../../../src/domain/wire/Subject.ts"

const sent = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(import.meta.dirname, `../../fixtures/wire-ours/${name}.json`), "utf8"))

const decoded = <A>(subject: Subject.Subject<A>, value: unknown): A =>
  Result.getOrThrowWith(messageCodec(subject).decode(JSON.stringify(value)), (problem) => new Error(problem()))
const again = <A>(subject: Subject.Subject<A>, value: A): unknown =>
  JSON.parse(Result.getOrThrow(messageCodec(subject).encode(value)))

const time = "2026-04-21T08:09:10.123456789+05:30"
const sig = `ed25519:${"A".repeat(86)}`
const seal = { cluster: "dotters", epoch: 3, time, sig }
const voteSeal = { cluster: "dotters", epoch: 3, observedAt: time, sig }
const T = { checkType: "site", check: "ping", member: "Lagoon", domain: "", endpoint: "", ipv6: false }
const votes = [{ voter: "m1", observedAt: time, sig }]
const certificate = { cluster: "dotters", epoch: 3, T, seq: 7, votes }

/** A message of v2, our keys with good values for it, and bad ones. */
const cases: ReadonlyArray<{
  readonly subject: Subject.Subject<any>
  readonly name: string
  readonly key: string
  readonly good: unknown
  readonly bad: ReadonlyArray<unknown>
}> = [
  ...(["consensus.propose.offline", "consensus.vote.agree"] as const).map((name) => ({
    subject: name === "consensus.vote.agree" ? Subject.Cast : Subject.Propose,
    name,
    key: "Seq",
    good: 7,
    bad: [-1, 1.5, "1", null, {}, 2 ** 53]
  })),
  ...([
    ["consensus.propose.offline", Subject.Propose],
    ["consensus.cluster.join", Subject.Cluster]
  ] as const).map(([name, subject]) => ({
    subject,
    name,
    key: "Seal",
    good: seal,
    bad: [
      null,
      1,
      "x",
      [],
      {},
      { ...seal, epoch: "3" },
      { ...seal, epoch: -1 },
      { ...seal, time: "today" },
      { ...seal, time: 5 },
      { ...seal, sig: "" },
      { ...seal, sig: "x".repeat(129) },
      { ...seal, cluster: "x".repeat(65) },
      voteSeal
    ]
  })),
  {
    subject: Subject.Cast,
    name: "consensus.vote.agree",
    key: "Seal",
    good: voteSeal,
    bad: [null, "x", {}, seal, { ...voteSeal, observedAt: "" }, { ...voteSeal, observedAt: `${time} ` }]
  },
  {
    subject: Subject.Cast,
    name: "consensus.vote.agree",
    key: "Target",
    good: T,
    bad: [null, "x", [], {}, { ...T, checkType: "King" }, { ...T, member: "" }, { ...T, ipv6: "no" }]
  },
  {
    subject: Subject.Finalize,
    name: "consensus.finalize.passed",
    key: "Certificate",
    good: certificate,
    bad: [
      null,
      [],
      { ...certificate, seq: -1 },
      { ...certificate, T: undefined },
      { ...certificate, T: { ...T, checkType: "King" } },
      { ...certificate, T: { ...T, endpoint: "x".repeat(2_049) } },
      { ...certificate, votes: {} },
      { ...certificate, votes: [null] },
      { ...certificate, votes: [{ ...votes[0], voter: "" }] },
      { ...certificate, votes: Array.from({ length: maxVoters + 1 }, () => votes[0]) }
    ]
  }
]

describe.each(cases)("$key of $name", ({ bad, good, key, name, subject }) => {
  const plain = sent(name)

  it("travels as it is, the times to the letter", () => {
    const read = decoded(subject, { ...plain, [key]: good })
    assert.deepStrictEqual(read[key], good)
    assert.deepStrictEqual(again(subject, read), { ...plain, [key]: good })
  })

  it("that is malformed is as if it were not there, and costs the message nothing", () => {
    for (const value of bad) {
      const read = decoded(subject, { ...plain, [key]: value })
      assert.deepStrictEqual(read, decoded(subject, plain), JSON.stringify(value))
      assert.notProperty(read, key)
      assert.deepStrictEqual(again(subject, read), plain)
    }
  })
})

describe("a certificate with all that it may hold", () => {
  it("fits into a message", () => {
    const longest = {
      ...certificate,
      cluster: "é".repeat(64),
      T: {
        ...T,
        check: "é".repeat(256),
        member: "é".repeat(256),
        domain: "é".repeat(256),
        endpoint: "é".repeat(2_048)
      },
      votes: Array.from(
        { length: maxVoters },
        () => ({ voter: "é".repeat(256), observedAt: time, sig: "x".repeat(128) })
      )
    }
    const read = decoded(Subject.Finalize, { ...sent("consensus.finalize.passed"), Certificate: longest })
    assert.lengthOf(read.Certificate!.votes, maxVoters)
  })
})
