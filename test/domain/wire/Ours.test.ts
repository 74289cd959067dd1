import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { messageCodec } from "../../../src/bus/MessageCodec.ts"
import * as Subject from "../../../src/domain/wire/Subject.ts"
import { ours } from "./ours.ts"

const folder = join(import.meta.dirname, "../../fixtures")
const sent = (name: string) => readFileSync(join(folder, "wire-ours", `${name}.json`), "utf8")
const v2 = (name: string) => readFileSync(join(folder, "wire", `${name}.json`), "utf8")

/** Every key of a message with its path; the members of free data, and voters, are not ours to name. */
const keyPaths = (value: unknown, path = ""): ReadonlyArray<string> =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]) => {
      const here = Array.isArray(value) ? path : `${path}/${key}`
      return key.toLowerCase() === "data" || key === "Votes" ? [here] : [here, ...keyPaths(inner, here)]
    })

/** The keys of v2 in all its structs, and ours beside them. */
const v2Keys = new Set(
  ("NodeID PublicAddress ListenAddress ListenPort NodeRole LastHeard type sender members ID SenderNodeID CheckType "
    + "CheckName MemberName DomainName Endpoint ProposedStatus ErrorText Data IsIPv6 Timestamp ProposalID Agree Proposal "
    + "Passed DecidedAt startDate endDate domain memberName country nodeid date countryCode asn networkName countryName "
    + "hits isIPv6 nodeID usageRecords error startTime endTime checkType checkName domainName endpoint status errorText "
    + "data events").split(" ")
)
const ownKeys = ["Boot", "Votes", "Seq", "Seal", "Certificate", "Region"]

const decoded = <A>(subject: Subject.Subject<A>, text: string): A =>
  Result.getOrThrowWith(
    messageCodec(subject).decode(text),
    (problem) => new Error(problem())
  )
const refused = <A>(subject: Subject.Subject<A>, value: unknown): boolean =>
  Result.isFailure(messageCodec(subject).decode(JSON.stringify(value)))
const proposal = JSON.parse(v2("consensus.propose.offline")) as Record<string, unknown>

/**
 * What we put on the wire, byte for byte. The fixtures were decoded by the structs of v2 (Go's encoding/json): they must
 * not change without doing that again.
 */
describe("what a v2 node gets from us", () => {
  it.each(ours.map(({ encoded, name }) => [name, encoded] as const))(
    "%s is the fixture to the byte",
    (name, encoded) => {
      assert.strictEqual(Result.getOrThrow(encoded()), sent(name))
    }
  )

  it("has a fixture for every message and no other", () => {
    assert.deepStrictEqual(
      readdirSync(join(folder, "wire-ours")).filter((file) => file.endsWith(".json")).sort(),
      ours.map(({ name }) => `${name}.json`).sort()
    )
  })

  it("has its keys in the order in which v2 declares them", () => {
    for (
      const [own, theirs] of [
        ["consensus.propose.offline", "consensus.propose.offline"],
        ["consensus.vote.agree", "consensus.vote.agree"],
        ["consensus.finalize.passed", "consensus.finalize.passed"],
        ["dns.usage.getUsage", "dns.usage.getUsage"],
        ["dns.usage.usageData.empty", "dns.usage.usageData.empty"],
        ["monitor.stats.getDowntime", "monitor.stats.getDowntime"]
      ] as const
    ) {
      assert.deepStrictEqual(keyPaths(JSON.parse(sent(own))), keyPaths(JSON.parse(v2(theirs))), own)
    }
  })

  it("has no key that differs from one of v2 only by case", () => {
    const lower = new Map([...v2Keys].map((key) => [key.toLowerCase(), key]))
    const all = [...ours.flatMap(({ name }) => keyPaths(JSON.parse(sent(name)))).map((path) => path.split("/").at(-1)!)]
    for (const key of new Set([...all, ...ownKeys])) {
      if (!v2Keys.has(key)) {
        assert.include(ownKeys, key)
        assert.isFalse(lower.has(key.toLowerCase()), key)
      }
    }
  })

  it("has no null for a list, the zero time for none, and never an empty time", () => {
    for (const { name } of ours) {
      const text = sent(name)
      assert.notMatch(text, /"(members|usageRecords|events)":null/, name)
      for (
        const [, time] of text.matchAll(/"(?:Timestamp|DecidedAt|LastHeard|startTime|endTime)":("[^"]*"|[^",}]+)/g)
      ) {
        assert.match(time!, /^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"$/, name)
      }
    }
    assert.include(sent("monitor.stats.reply"), '"endTime":"0001-01-01T00:00:00.000Z"')
  })

  it("has the vote that says no written out", () => {
    assert.include(sent("consensus.vote.disagree"), '"Agree":false')
  })
})

describe("what we get from a v2 node", () => {
  it("reads what Go escapes for HTML as the characters, and sends them on unescaped", () => {
    assert.include(v2("consensus.propose.offline"), "\\u003e")
    const text = '{"ID":"p","CheckType":"site","CheckName":"\\u003c\\u0026\\u003e\\u2028","MemberName":"m"}'
    const read = decoded(Subject.Propose, text)
    assert.strictEqual(read.CheckName, "<&>\u2028")
    assert.include(Result.getOrThrow(messageCodec(Subject.Propose).encode(read)), '"<&>\u2028"')
  })

  it("reads nanoseconds of any length and any zone", () => {
    const at = (Timestamp: string) => decoded(Subject.Propose, JSON.stringify({ ...proposal, Timestamp })).Timestamp
    assert.strictEqual(at("2026-04-21T08:09:10.123456789Z"), Date.parse("2026-04-21T08:09:10.123Z"))
    assert.strictEqual(at("2026-04-21T08:09:10.000000001Z"), Date.parse("2026-04-21T08:09:10Z"))
    assert.strictEqual(at("2026-04-21T13:39:10.5+05:30"), Date.parse("2026-04-21T08:09:10.5Z"))
    assert.isTrue(refused(Subject.Propose, { ...proposal, Timestamp: "" }))
  })

  it("takes only an object as free data: Go would refuse the whole message that we send on", () => {
    for (const Data of [[], [1], "text", 1, true, null]) {
      const read = decoded(Subject.Propose, JSON.stringify({ ...proposal, Data }))
      assert.isNull(read.Data)
      assert.include(Result.getOrThrow(messageCodec(Subject.Propose).encode({ ...read, Data })), '"Data":null')
    }
  })

  it("takes a check type as a number everywhere, and writes the name", () => {
    const read = decoded(Subject.Finalize, JSON.stringify({ Proposal: { ...proposal, CheckType: 3 }, Passed: true }))
    assert.strictEqual(read.Proposal.CheckType, "endpoint")
    assert.include(Result.getOrThrow(messageCodec(Subject.Finalize).encode(read)), '"CheckType":"endpoint"')
  })

  it("ignores keys that it does not know", () => {
    const read = decoded(Subject.Propose, JSON.stringify({ ...proposal, Weight: 1, Seal: { a: [1] }, Domain: "x" }))
    assert.deepStrictEqual(read, decoded(Subject.Propose, v2("consensus.propose.offline")))
  })
})
