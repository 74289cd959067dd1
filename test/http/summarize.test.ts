import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as fc from "fast-check"
import type { Override } from "../../src/domain/Override.ts"
import { targetKey } from "../../src/domain/Target.ts"
import { StatusDocument } from "../../src/http/StatusDocument.ts"
import {
  addOutage,
  limits,
  memberState,
  noOutages,
  type StatusInput,
  summarize,
  webUrl
} from "../../src/http/summarize.ts"
import type { Official } from "../../src/status/Decision.ts"
import { member, minutes, node, now, official, outage, proposal, site, snapshotOf, target } from "./fakes.ts"

const input = (options: Partial<StatusInput> = {}): StatusInput => ({
  now,
  node: { id: "mon-1", role: "IBPMonitor", boot: "b", startedAt: now - minutes(1) },
  config: snapshotOf({ amber: member("Amber"), birch: member("Birch", { website: "https://birch.example" }) }),
  conditions: [],
  nodes: [],
  electorate: new Set(),
  officials: [],
  proposals: [],
  ...options
})

const ago = (n: number) => ({ decidedAt: now - minutes(n) })
const down = (n: number) => ({ up: false, error: "refused", ...ago(n) })

describe("memberState", () => {
  const amber = { member: "Amber" }

  it("is unknown before anything is decided", () => {
    assert.deepStrictEqual(memberState([]), { state: "unknown", since: undefined })
  })

  it("is up since the last target came up", () => {
    assert.deepStrictEqual(
      memberState([official(site("Amber"), ago(9)), official(target(amber), ago(4))]),
      { state: "up", since: now - minutes(4) }
    )
  })

  it("is degraded since the first of the failing targets went down", () => {
    assert.deepStrictEqual(
      memberState([
        official(site("Amber"), ago(9)),
        official(target(amber), down(7)),
        official(target({ ...amber, check: "b" }), down(5))
      ]),
      { state: "degraded", since: now - minutes(7) }
    )
  })

  it("is down since its site is, whatever else is up", () => {
    assert.deepStrictEqual(
      memberState([
        official(site("Amber"), down(3)),
        official(target(amber), ago(4)),
        official(target({ ...amber, check: "b" }), down(60))
      ]),
      { state: "down", since: now - minutes(3) }
    )
  })

  it("is down since the last target went down, when all are", () => {
    assert.deepStrictEqual(
      memberState([official(target(amber), down(4)), official(target({ ...amber, check: "b" }), down(2))]),
      { state: "down", since: now - minutes(2) }
    )
  })

  it("is only degraded while one IP version works", () => {
    assert.deepStrictEqual(
      memberState([official(site("Amber"), ago(9)), official(site("Amber", true), down(8))]),
      { state: "degraded", since: now - minutes(8) }
    )
    assert.deepStrictEqual(
      memberState([official(site("Amber"), down(6)), official(site("Amber", true), down(8))]),
      { state: "down", since: now - minutes(6) }
    )
  })
})

describe("summarize", () => {
  it("tells what there is", () => {
    const document = summarize(input({
      conditions: [{ name: "store", detail: "The disk is full", since: now }],
      nodes: [node("mon-2", "IBPMonitor"), node("dns-1", "IBPDns")],
      electorate: new Set(["mon-1", "mon-2"]),
      officials: [official(site("Amber")), official(target({ member: "Birch" }), down(2))],
      proposals: [proposal(target({ member: "Amber" }))],
      outages: { open: [outage(target({ member: "Birch" }))], recent: noOutages }
    }))
    assert.deepStrictEqual(document.targets, { up: 1, down: 1 })
    assert.deepStrictEqual(document.members.items.map(({ down, name, state, up }) => [name, state, up, down]), [
      ["Birch", "down", 0, 1],
      ["Amber", "up", 1, 0]
    ])
    assert.strictEqual(document.members.items[0]!.website, "https://birch.example/")
    assert.strictEqual(document.members.items[0]!.targets[0]!.error, "refused")
    assert.deepStrictEqual(document.nodes.items.map(({ id, votes }) => [id, votes]), [
      ["mon-1", true],
      ["dns-1", false],
      [
        "mon-2",
        true
      ]
    ])
    assert.deepStrictEqual(document.nodes.items.map(({ self }) => self), [true, undefined, undefined])
    assert.strictEqual(document.nodes.total, 3)
    // Nothing of it moves with the time: the document is told again when something changes.
    assert.strictEqual(document.nodes.items[0]!.lastHeard, document.node.startedAt)
    assert.deepStrictEqual(document.proposals.items[0]!.votes, { yes: ["mon-2"], no: ["mon-3"] })
    assert.strictEqual(document.outages!.open.total, 1)
    assert.notProperty(document.outages!.open.items[0]!, "end")
    assert.deepStrictEqual(Schema.decodeUnknownSync(StatusDocument)(JSON.parse(JSON.stringify(document))), document)
  })

  it("says by hand and not active before what its targets say", () => {
    const { members } = summarize(input({
      config: snapshotOf({ amber: member("Amber", { override: true }), birch: member("Birch", { active: 0 }) }),
      officials: [official(site("Amber"), down(1)), official(site("Birch"), down(1))]
    }))
    assert.deepStrictEqual(members.items.map(({ name, state }) => [name, state]), [
      ["Amber", "overridden"],
      ["Birch", "inactive"]
    ])
  })

  it("says who took a member out, why and until when", () => {
    const override = (options: Partial<Override>): Override => ({
      id: "o",
      kind: "override",
      member: "Amber",
      reason: "disk swap",
      author: "anna",
      node: "mon-1",
      at: now - minutes(5),
      from: now - minutes(5),
      until: undefined,
      ended: undefined,
      ...options
    })
    const active = override({ until: now + minutes(5) })
    const planned = override({ id: "p", kind: "maintenance", member: "Birch", from: now + minutes(60) })
    const over = override({ id: "x", ended: { at: now, by: "anna", reason: "" } })
    const { members, overrides } = summarize(input({
      config: snapshotOf({
        amber: member("Amber"),
        birch: member("Birch"),
        cedar: member("Cedar", { override: true })
      }),
      officials: [official(site("Amber")), official(site("Birch")), official(site("Cedar"))],
      overrides: { all: [planned, active, over], active: new Map([["Amber", active]]) }
    }))
    assert.deepStrictEqual(members.items.map(({ name, out, state }) => [name, state, out?.by]), [
      ["Amber", "overridden", "override"],
      ["Cedar", "overridden", "document"],
      ["Birch", "up", undefined]
    ])
    assert.deepStrictEqual(members.items[0]!.out, {
      by: "override",
      reason: "disk swap",
      author: "anna",
      since: new Date(now - minutes(5)).toISOString(),
      until: new Date(now + minutes(5)).toISOString()
    })
    assert.deepStrictEqual(overrides.items.map(({ id, state }) => [id, state]), [["p", "planned"], ["o", "active"]])
  })

  it("shows where a shadow differs", () => {
    const { shadow } = summarize(input({
      shadow: {
        against: "the decisions on the bus",
        at: now,
        problem: undefined,
        compared: 500,
        agreed: 100,
        differences: Array.from(
          { length: 400 },
          () => ({ target: site("Amber"), here: true, there: undefined, since: now })
        )
      }
    }))
    assert.deepInclude(shadow, { against: "the decisions on the bus", compared: 500, agreed: 100 })
    assert.deepStrictEqual([shadow!.differences.total, shadow!.differences.items.length], [400, limits.differences])
    assert.strictEqual(shadow!.differences.items[0]!.here, true)
    assert.notProperty(shadow!.differences.items[0]!, "there")
    assert.notProperty(summarize(input()), "shadow")
  })

  it("shows a member that is decided on and not configured", () => {
    const { members } = summarize(input({ officials: [official(site("Ghost"), down(1))] }))
    assert.deepInclude(members.items[0], { key: "", name: "Ghost", state: "down" })
  })

  it("tells how far clocks are off and what is held down, not finer than it matters", () => {
    const document = (later: number) =>
      summarize(input({
        now: now + later,
        nodes: [node("mon-2", "IBPMonitor", { skew: -7_249 }), node("mon-3", "IBPMonitor")],
        held: [{ target: site("Amber"), penalty: 5_020 - later / 100, left: 600_000 - later }]
      }))
    const [, second, third] = document(0).nodes.items
    assert.deepStrictEqual([second?.clockSkew, third], [-7.2, { ...third!, id: "mon-3" }])
    assert.notProperty(third, "clockSkew")
    assert.deepStrictEqual(document(0).held?.items.map(({ penalty, target }) => [penalty, target.member]), [[
      5_000,
      "Amber"
    ]])
    assert.deepStrictEqual(document(2_000).held, document(0).held)
    const shown = JSON.parse(JSON.stringify(document(0)))
    assert.deepStrictEqual(Schema.decodeUnknownSync(StatusDocument)(shown), document(0))
    assert.notProperty(summarize(input()), "held")
  })

  it("shows what a monitor knows of itself and how fast members answer, and nothing of it elsewhere", () => {
    const slow = { p50: 20, p95: 90, p99: 400 }
    const amber = site("Amber")
    const document = summarize(input({
      officials: [official(amber, ago(1))],
      latencies: {
        ofTarget: (key) => key === targetKey(amber) ? { ...slow, p50: 10 } : undefined,
        ofMember: (name) => name === "Amber" ? slow : undefined
      },
      self: {
        reach: { ipv4: "all", ipv6: "loopback" },
        verdict: { members: 7, failing: 1, sick: false, ipv6Lost: true },
        silent: { ipv4: false, ipv6: true }
      }
    }))
    const [first, second] = document.members.items.toSorted((a, b) => a.name < b.name ? -1 : 1)
    assert.deepStrictEqual([first!.latency, first!.targets[0]!.latency?.p50], [slow, 10])
    assert.notProperty(second, "latency")
    assert.deepStrictEqual(document.observer, {
      ipv4: "all",
      ipv6: "loopback",
      silent: "ipv6",
      members: 7,
      failing: 1
    })
    assert.deepStrictEqual(Schema.decodeUnknownSync(StatusDocument)(JSON.parse(JSON.stringify(document))), document)
    assert.notProperty(summarize(input()), "observer")
  })

  it("has no outages where none are kept", () => {
    assert.notProperty(summarize(input()), "outages")
  })

  it("shows failing targets first when there are too many, and counts all", () => {
    const many: Array<Official> = Array.from(
      { length: 3000 },
      (_, i) => official(target({ member: "Amber", check: `c${i}` }), i % 300 === 0 ? down(i) : {})
    )
    const amber = summarize(input({ officials: many })).members.items.find(({ name }) => name === "Amber")!
    assert.deepStrictEqual([amber.up, amber.down, amber.targets.length], [2990, 10, limits.targets])
    assert.isTrue(amber.targets.slice(0, 10).every(({ up }) => !up))
  })

  it("stays small, whatever is sent", () => {
    const long = "é<".repeat(32_000)
    const votes = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${i}${long.slice(0, 250)}`, i % 2 === 0]))
    const hostile = target({ member: long, check: long, domain: long, endpoint: long })
    const document = summarize(input({
      conditions: Array.from({ length: 500 }, (_, i) => ({ name: `${i}${long}`, detail: long, since: now })),
      nodes: Array.from({ length: 3000 }, (_, i) => node(`${i}${long}`, long, { address: long })),
      officials: Array.from(
        { length: 3000 },
        (_, i) =>
          official({ ...hostile, member: `${i}${long}` }, { up: false, error: long, id: long, decidedBy: long, votes })
      ),
      proposals: Array.from({ length: 500 }, () => ({ ...proposal(hostile, { error: long }), votes })),
      held: Array.from({ length: 500 }, () => ({ target: hostile, penalty: 5_000, left: 1 })),
      outages: {
        open: Array.from({ length: 500 }, () => outage(hostile, { error: long, votes, id: long })),
        recent: Array.from({ length: 500 }, () => outage(hostile, { error: long, end: now })).reduce(
          addOutage,
          noOutages
        ),
        problem: long
      }
    }))
    assert.isBelow(JSON.stringify(document).length, 24 * 1024 * 1024)
    assert.strictEqual(document.members.total, 3002)
    assert.lengthOf(document.members.items, limits.members)
    assert.deepStrictEqual([document.outages!.recent.total, document.outages!.recent.items.length], [
      500,
      limits.recentOutages
    ])
    for (const { error, votes } of document.members.items.flatMap(({ targets }) => targets)) {
      assert.isAtMost(error.length, limits.text)
      assert.isAtMost(votes.yes.length + votes.no.length, 2 * limits.votes)
    }
  })

  it("makes a document of every time", () => {
    fc.assert(fc.property(fc.double(), (at) => {
      const document = summarize(input({ officials: [official(site("Amber"), { decidedAt: at, up: false })] }))
      assert.match(document.members.items[0]!.targets[0]!.since, /^[+-]?\d{4,6}-\d\d-\d\dT/)
    }))
  })
})

describe("addOutage", () => {
  it("keeps those that ended last, the newest first", () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 1e6 }), { maxLength: 200 }), (ends) => {
      const kept = ends.map((end) => outage(site("Amber"), { end })).reduce(addOutage, noOutages)
      assert.strictEqual(kept.total, ends.length)
      assert.deepStrictEqual(
        kept.latest.map(({ end }) => end),
        ends.toSorted((a, b) => b - a).slice(0, limits.recentOutages)
      )
    }))
  })
})

describe("webUrl", () => {
  it("takes http and https alone, and no password", () => {
    assert.strictEqual(webUrl("https://amber.example/a b"), "https://amber.example/a%20b")
    assert.strictEqual(webUrl("HTTP://amber.example"), "http://amber.example/")
    for (
      const text of [
        "javascript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "https://user:geheim@amber.example",
        "//amber.example",
        "amber.example",
        ""
      ]
    ) assert.strictEqual(webUrl(text), "", text)
  })
})
