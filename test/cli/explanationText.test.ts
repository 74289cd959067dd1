import { assert, describe, it } from "@effect/vitest"
import { explanationText, type Paint } from "../../src/cli/explanationText.ts"
import type { Candidate, Explanation } from "../../src/steering/Choice.ts"

const same = (text: string): string => text
const plain: Paint = { good: same, bad: same, dim: same, bold: same }

const down = { _tag: "Down", decision: "d-1", target: "site", error: "timeout", since: 0 } as const

const candidate = (member: string, more: Partial<Candidate>): Candidate => ({
  member,
  address: "192.0.2.1",
  distance: 1,
  chosen: false,
  answers: false,
  exclusions: [],
  heldUntil: undefined,
  ...more
})

const shown = (...candidates: ReadonlyArray<Candidate>): ReadonlyArray<string> => {
  const explanation: Explanation = {
    name: "rpc.example",
    ipv6: false,
    client: { location: undefined, scope: "203.0.113.0/24" },
    choice: { addresses: ["192.0.2.1"], members: ["A"], ttl: 5 },
    rule: "nearest",
    because: "so",
    candidates
  }
  const zone = {
    zone: "example",
    name: "rpc.example",
    rule: "members",
    records: [],
    servers: [],
    nearest: [],
    lines: ["rpc.example: members are chosen\u001b[31m"]
  } as const
  return explanationText({ explanation, zone }, plain).split("\n")
}

describe("an explanation as text", () => {
  it("begins with the zones", () => {
    assert.deepStrictEqual(shown().slice(0, 2), [
      "rpc.example: members are chosen [31m",
      "rpc.example A for 203.0.113.0/24: 192.0.2.1 (TTL 5)"
    ])
  })

  it("marks members that are in service although they are down, apart from those that are out", () => {
    const lines = shown(
      candidate("Chosen", { chosen: true, answers: true }),
      candidate("Fine", { answers: true }),
      candidate("Held", { answers: true, exclusions: [down], heldUntil: Date.UTC(2026, 0, 1, 21, 37) }),
      candidate("Last", { answers: true, exclusions: [down] }),
      candidate("Out", { exclusions: [down] })
    ).slice(4)
    const marks = lines.map((line) => line.slice(2, 3))
    assert.deepStrictEqual(marks, ["→", " ", "!", "!", "✗"])
    assert.match(lines[2]!, /held in service until 21:37:00 UTC; down since/)
    assert.match(lines[3]!, /answers although down \(all are down\); down since/)
    assert.notMatch(lines[4]!, /held|although/)
  })

  it("says which it is: not assigned, or below the level", () => {
    const lines = shown(
      candidate("Else", { exclusions: [{ _tag: "NotAssigned" }] }),
      candidate("Low", { exclusions: [{ _tag: "BelowLevel", level: 3, required: 5 }] })
    ).slice(4)
    assert.match(lines[0]!, /not assigned to the service$/)
    assert.match(lines[1]!, /assigned, but of level 3: the service requires 5$/)
  })
})
