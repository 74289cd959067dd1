import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as TestClock from "effect/testing/TestClock"
import { explanationRecords, makeExplainer, type TypeReasons } from "../../src/dns/explainer.ts"
import { RecordType } from "../../src/dns/protocol.ts"
import { recordText } from "../../src/dns/recordText.ts"
import type { ZoneAnswer } from "../../src/dns/ZoneAnswer.ts"
import type { Candidate, Explanation } from "../../src/steering/Choice.ts"

const candidate = (member: string, more: Partial<Candidate> = {}): Candidate => ({
  member,
  address: "192.0.2.1",
  distance: 12.4,
  chosen: false,
  answers: false,
  exclusions: [],
  heldUntil: undefined,
  ...more
})

const explanation = (more: Partial<Explanation> = {}): Explanation => ({
  name: "rpc.demo.example",
  ipv6: false,
  client: { location: { latitude: 1, longitude: 2 }, scope: "203.0.112.0/20" },
  choice: { addresses: ["192.0.2.1"], members: ["Tagus"], ttl: 30 },
  rule: "nearest",
  because: "Tagus is the nearest of 2, 12 km away",
  candidates: [candidate("Tagus", { chosen: true })],
  ...more
})

const zone = (more: Partial<ZoneAnswer> = {}): ZoneAnswer => ({
  zone: "demo.example",
  name: "rpc.demo.example",
  rule: "members",
  records: [],
  servers: [],
  nearest: [],
  lines: ["rpc.demo.example: members are chosen"],
  ...more
})

const reasons = (...all: ReadonlyArray<Explanation>): ReadonlyArray<TypeReasons> =>
  all.map((steering) => ({ ipv6: steering.ipv6, zone: zone(), steering }))

const texts = (...all: ReadonlyArray<Explanation>) => textsOf(reasons(...all))

const textsOf = (all: ReadonlyArray<TypeReasons>) => {
  const { data, ttl, type } = explanationRecords(all)
  assert.deepStrictEqual([type, ttl], [RecordType.TXT, 5])
  return data.map((one) => recordText(type, one))
}

describe("an explanation in TXT records", () => {
  it("has a numbered line for the answer and for each member", () => {
    const v6 = explanation({
      ipv6: true,
      client: { location: undefined, scope: "" },
      choice: { addresses: [], members: [], ttl: 30 },
      because: "nobody has an address",
      candidates: []
    })
    assert.deepStrictEqual(texts(explanation(), v6), [
      '"A 0: rpc.demo.example: members are chosen"',
      '"A 1: 192.0.2.1 for 203.0.112.0/20: Tagus is the nearest of 2, 12 km away"',
      '"A 2: Tagus, 192.0.2.1, 12 km, chosen"',
      '"AAAA 0: rpc.demo.example: members are chosen"',
      '"AAAA 1: no address for an unknown client: nobody has an address"'
    ])
  })

  it("begins with the zones, which may have the whole answer", () => {
    const lines = ["www.demo.example is an alias: CNAME rpc.demo.example (TTL 600)", "rpc.demo.example: written"]
    assert.deepStrictEqual(textsOf([{ ipv6: false, zone: zone({ rule: "static", lines }), steering: undefined }]), [
      `"A 0: ${lines[0]}"`,
      `"A 1: ${lines[1]}"`
    ])
  })

  it("says what excludes a member, with the decision, and nothing that is for operators alone", () => {
    const since = Date.UTC(2026, 2, 1)
    const lines = texts(explanation({
      candidates: [
        candidate("Down", {
          heldUntil: since + 60_000,
          exclusions: [{ _tag: "Down", decision: "d-17", target: "rpc", error: "refused by 10.0.0.7", since }]
        }),
        candidate("Out", {
          exclusions: [{
            _tag: "Overridden",
            override: { kind: "maintenance", reason: "unpaid bill", author: "boss", until: undefined }
          }]
        }),
        candidate("Other", {
          distance: undefined,
          exclusions: [{ _tag: "Inactive" }, { _tag: "NotAssigned" }, { _tag: "NoAddress" }]
        }),
        candidate("Small", { exclusions: [{ _tag: "BelowLevel", level: 1, required: 5 }] }),
        candidate("Last", {
          answers: true,
          exclusions: [{ _tag: "Down", decision: "d-18", target: "rpc", error: "refused", since }]
        })
      ]
    }))
    assert.deepStrictEqual(lines.slice(2), [
      '"A 2: Down, 192.0.2.1, 12 km, down since 2026-03-01T00:00:00.000Z by decision d-17, held until 2026-03-01T00:01:00.000Z"',
      '"A 3: Out, 192.0.2.1, 12 km, out by hand"',
      '"A 4: Other, not active, not assigned, no address"',
      '"A 5: Small, 12 km, below the level"',
      '"A 6: Last, 192.0.2.1, 12 km, down since 2026-03-01T00:00:00.000Z by decision d-18, answers all the same"'
    ])
  })

  it("is bounded, whatever is in it", () => {
    const lines = texts(explanation({
      because: "ä".repeat(400),
      candidates: Array.from({ length: 1000 }, (_, i) => candidate(`Member ${i}`))
    }))
    assert.lengthOf(lines, 27)
    assert.strictEqual(lines.at(-1), '"A 26: and 976 more"')
    for (const data of explanationRecords(reasons(explanation({ because: "ä".repeat(400) }))).data) {
      assert.isAtMost(data.length, 2 + 1 + 255)
    }
  })

  it.effect("is given a bounded number of times a second", () =>
    Effect.gen(function*() {
      const asked: Array<string> = []
      const explain = yield* makeExplainer((name, ipv6) => {
        asked.push(`${name} ${ipv6}`)
        return name === "lost"
          ? { zone: zone({ rule: "unavailable" }), steering: undefined }
          : { zone: zone(), steering: explanation({ ipv6 }) }
      })
      const client = { location: undefined, scope: "" }
      assert.isUndefined(explain("lost", client))
      assert.deepStrictEqual(asked, ["lost false", "lost true"])
      const given = Array.from({ length: 100 }, () => explain("rpc", client)!)
      assert.lengthOf(given.filter(({ ttl }) => ttl === 5), 19)
      assert.lengthOf(asked, 40)
      // No failure, which would also be one of everything else at the name.
      const refused = given.at(-1)!
      assert.strictEqual(refused.ttl, 1)
      assert.match(recordText(RecordType.TXT, refused.data[0]!), /too many ask/)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(explain("rpc", client)!.ttl, 5)
    }))
})
