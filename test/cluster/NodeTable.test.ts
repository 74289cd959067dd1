import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { activeFor, maxNodes, NodeTable, rememberedFor, roleOfId } from "../../src/cluster/NodeTable.ts"
import type { NodeInfo } from "../../src/domain/wire/Cluster.ts"

const self = { id: "self-monitor", role: "IBPMonitor", boot: "b0" }
const info = (NodeID: string, more: Partial<NodeInfo> = {}): NodeInfo => ({
  NodeID,
  PublicAddress: "",
  ListenAddress: "",
  ListenPort: "",
  NodeRole: "IBPMonitor",
  LastHeard: 0,
  ...more
})
const node = (table: NodeTable, id: string, now: number) => table.nodes(now).find((entry) => entry.id === id)
const electorate = (table: NodeTable, now: number) => [...table.electorate(now)].sort()

describe("NodeTable", () => {
  it("counts ourselves among the monitors, and only there", () => {
    const monitor = new NodeTable(self)
    assert.deepStrictEqual(electorate(monitor, 0), [self.id])
    assert.deepStrictEqual(monitor.nodes(0), [])
    assert.deepStrictEqual(electorate(new NodeTable({ ...self, role: "IBPDns" }), 0), [])
  })

  it("takes announcements, and notices what is new in them", () => {
    const table = new NodeTable(self)
    const steps: ReadonlyArray<readonly [NodeInfo, string]> = [
      [info("a"), "new"],
      [info("a"), "known"],
      [info("a", { LastHeard: 99 }), "known"],
      [info("a", { ListenAddress: "192.0.2.1", ListenPort: "80" }), "changed"],
      [info("a", { ListenAddress: "192.0.2.1", ListenPort: "80", NodeRole: "IBPDns" }), "changed"],
      [info("a", { ListenAddress: "192.0.2.1", ListenPort: "80", NodeRole: "IBPDns", Boot: "x" }), "changed"],
      [info("b", { PublicAddress: "2001:db8::1", ListenAddress: "::", ListenPort: "53" }), "new"]
    ]
    for (const [message, outcome] of steps) assert.strictEqual(table.join(message, 0), outcome)
    assert.deepStrictEqual(table.nodes(7), [
      { id: "a", role: "IBPDns", guessed: false, address: "192.0.2.1:80", boot: "x", lastHeard: 0, active: true },
      {
        id: "b",
        role: "IBPMonitor",
        guessed: false,
        address: "[2001:db8::1]:53",
        boot: undefined,
        lastHeard: 0,
        active: true
      }
    ])
  })

  it("tells a restart from two nodes that use one id in turns", () => {
    const table = new NodeTable(self)
    const outcomes = ["1", "2", "2", "3", "2", "3", undefined, "3"].map((boot) =>
      table.join(boot === undefined ? info("a") : info("a", { Boot: boot }), 0)
    )
    assert.deepStrictEqual(outcomes, [
      "new",
      "changed",
      "known",
      "changed",
      "shared-id",
      "shared-id",
      "changed",
      "shared-id"
    ])
    table.heard("v2", "usage", 0)
    assert.strictEqual(table.join(info("v2", { Boot: "1" }), 0), "changed", "it was not announced before")
    assert.strictEqual(table.join(info("v2"), 0), "changed")
  })

  it("notices another process with our own id, and does not list it", () => {
    const table = new NodeTable(self)
    assert.strictEqual(table.join(info(self.id, { Boot: self.boot }), 0), "own")
    assert.strictEqual(table.join(info(self.id, { Boot: "other" }), 0), "own-id")
    assert.strictEqual(table.join(info(self.id, { NodeRole: "IBPDns" }), 0), "own-id", "a v2 node has no boot id")
    assert.isTrue(table.heard(self.id, "consensus", 0))
    assert.deepStrictEqual([table.nodes(0), electorate(table, 0)], [[], [self.id]])
  })

  it("guesses the role from the id, else from what is sent, and marks it", () => {
    assert.deepStrictEqual(["MONITOR-1", "x-Dns-2", "dns-monitor", "node"].map(roleOfId), [
      "IBPMonitor",
      "IBPDns",
      "IBPMonitor",
      ""
    ])
    const table = new NodeTable(self)
    table.heard("DNS-1", "consensus", 0)
    table.heard("someone", "consensus", 0)
    table.heard("nobody", "usage", 0)
    assert.deepStrictEqual(table.nodes(0).map(({ id, role, guessed }) => [id, role, guessed]), [
      ["DNS-1", "IBPDns", true],
      ["someone", "IBPMonitor", true],
      ["nobody", "", true]
    ])
    table.heard("nobody", "consensus", 0)
    assert.strictEqual(node(table, "nobody", 0)?.role, "IBPMonitor")
    assert.deepStrictEqual(electorate(table, 0), ["nobody", self.id, "someone"])
  })

  it("lets the announced role win over the guessed one, in either order", () => {
    const table = new NodeTable(self)
    table.heard("monitor-1", "consensus", 0)
    assert.strictEqual(table.join(info("monitor-1", { NodeRole: "IBPCollator" }), 0), "changed")
    table.heard("monitor-1", "consensus", 0)
    assert.strictEqual(table.join(info("monitor-1", { NodeRole: "" }), 0), "known")
    assert.deepInclude(node(table, "monitor-1", 0), { role: "IBPCollator", guessed: false })
    table.join(info("dns-1", { NodeRole: "" }), 0)
    assert.deepInclude(node(table, "dns-1", 0), { role: "IBPDns", guessed: true })
  })

  it("counts a node as active for 10 minutes, and forgets it after 15", () => {
    const table = new NodeTable(self)
    table.join(info("a"), 1000)
    table.heard("b-monitor", "consensus", 1000)
    table.heard("a", "usage", 61_000)
    const at = (now: number) => [electorate(table, now).length, table.nodes(now).length]
    assert.deepStrictEqual(at(1000 + activeFor - 1), [3, 2])
    assert.deepStrictEqual(at(1000 + activeFor), [2, 2])
    assert.deepStrictEqual(at(61_000 + activeFor), [1, 2])
    assert.deepStrictEqual(at(1000 + rememberedFor - 1), [1, 2])
    assert.deepStrictEqual(at(1000 + rememberedFor), [1, 1])
    assert.strictEqual(table.join(info("a"), 1000 + rememberedFor), "changed", "it was silent")
    assert.strictEqual(table.join(info("b-monitor"), 1000 + rememberedFor), "new")
    assert.deepStrictEqual(at(1000 + rememberedFor), [3, 2])
  })

  it("does not let a flood of senders push out or keep out nodes that announce themselves", () => {
    const table = new NodeTable(self)
    table.join(info("real-1"), 0)
    table.heard("real-2-monitor", "consensus", 0)
    let refused = 0
    for (let i = 0; i < 10_000; i++) if (!table.heard(`invented-${i}`, "consensus", i)) refused++
    assert.strictEqual(refused, 10_000 - (maxNodes / 2 - 1))
    assert.strictEqual(table.join(info("real-3"), 10_000), "new")
    for (const id of ["real-1", "real-2-monitor", "real-3"]) assert.isTrue(electorate(table, 10_000).includes(id), id)

    const outcomes = Array.from({ length: 10_000 }, (_, i) => table.join(info(`announced-${i}`), 20_000))
    assert.include(outcomes, "refused")
    assert.strictEqual(table.nodes(20_000).length, maxNodes)
    for (const id of ["real-1", "real-2-monitor", "real-3"]) assert.isTrue(electorate(table, 20_000).includes(id), id)

    assert.strictEqual(table.join(info("real-1"), rememberedFor - 1), "changed")
    assert.strictEqual(table.join(info("late"), 20_000 + rememberedFor), "new", "the flood is forgotten")
    assert.deepStrictEqual(table.nodes(20_000 + rememberedFor).map(({ id }) => id), ["real-1", "late"])
  })

  it("keeps little of what a node says about itself, and refuses ids that are none", () => {
    const table = new NodeTable(self)
    const long = "x".repeat(100_000)
    table.join(info("a", { PublicAddress: long, ListenPort: long, NodeRole: long, Boot: long }), 0)
    assert.isBelow(JSON.stringify(table.nodes(0)).length, 600)
    assert.isFalse(table.heard(long, "consensus", 0))
    assert.isFalse(table.heard("", "consensus", 0))
  })

  it("takes an older time as the newest one it knows", () => {
    const table = new NodeTable(self)
    table.join(info("a"), 1_000_000)
    table.join(info("b"), 0)
    assert.deepStrictEqual(table.nodes(0).map(({ lastHeard }) => lastHeard), [1_000_000, 1_000_000])
    assert.deepStrictEqual(electorate(table, 1_000_000 + activeFor), [self.id])
  })

  it("follows the rules whatever happens", () => {
    const ids = fc.constantFrom("a", "b-monitor", "c-DNS", "d", "e-monitor", self.id)
    const step = fc.record({ wait: fc.constantFrom(0, 1, 60_000, 299_999, 300_000, 600_000, 900_000), id: ids }).chain(
      (base) =>
        fc.oneof(
          fc.record({
            base: fc.constant(base),
            join: fc.record({
              NodeRole: fc.constantFrom("", "IBPMonitor", "IBPDns", "Other"),
              Boot: fc.constantFrom("1", "2")
            })
          }),
          fc.record({ base: fc.constant(base), heard: fc.constantFrom("consensus" as const, "usage" as const) })
        )
    )
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const max = 4
      const table = new NodeTable(self, max)
      const heardAt = new Map<string, number>()
      let now = 0
      let seen = { version: table.version, state: "[]" }
      for (const one of steps) {
        now += one.base.wait
        const before = new Set(table.nodes(now).map(({ id }) => id))
        const { id } = one.base
        const taken = "join" in one
          ? table.join(info(id, one.join), now) !== "refused"
          : table.heard(id, one.heard, now)
        if (taken && id !== self.id) heardAt.set(id, now)

        const nodes = table.nodes(now)
        const expected = [...heardAt].filter(([, at]) => now - at < rememberedFor)
        assert.deepStrictEqual(
          nodes.map((entry) => [entry.id, entry.lastHeard]).sort(),
          expected.sort()
        )
        for (const entry of nodes) assert.strictEqual(entry.active, now - entry.lastHeard < activeFor)
        for (const known of before) assert.isTrue(nodes.some((entry) => entry.id === known), "pushed out")
        assert.isAtMost(nodes.length, max)
        assert.isAtMost(nodes.filter(({ guessed }) => guessed).length, max / 2)
        assert.deepStrictEqual(
          electorate(table, now),
          [self.id, ...nodes.filter(({ active, role }) => active && role === "IBPMonitor").map((entry) => entry.id)]
            .sort()
        )
        const state = JSON.stringify(nodes.map(({ lastHeard: _, ...rest }) => rest))
        assert.isAtLeast(table.version, seen.version)
        if (table.version === seen.version) assert.strictEqual(state, seen.state)
        seen = { version: table.version, state }
      }
    }))
  })
})
