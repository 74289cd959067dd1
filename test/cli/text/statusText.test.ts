import { assert, describe, it } from "@effect/vitest"
import { CliOutput } from "effect/cli"
import type { Paint } from "../../../src/cli/explanationText.ts"
import { logLine } from "../../../src/cli/text/logText.ts"
import { nodesText } from "../../../src/cli/text/nodesText.ts"
import { ofMember } from "../../../src/cli/text/ofMember.ts"
import { spanText } from "../../../src/cli/text/span.ts"
import { statusText } from "../../../src/cli/text/statusText.ts"
import type { StatusDocument } from "../../../src/http/StatusDocument.ts"
import { ago, decided, endpoint, now, proposed, statusDocument, targetOf, voted } from "../samples.ts"

const same = (text: string) => text
const colourless: Paint = { good: same, bad: same, dim: same, bold: same }
const layout = { now, room: undefined, paint: colourless, targets: "down" as const }
const listed = <A>(items: ReadonlyArray<A>) => ({ total: items.length, items })

const override = {
  id: "1",
  kind: "override" as const,
  member: "Rhine",
  reason: "stale chain",
  author: "Ada (ops)",
  node: "dns-2",
  at: ago(10),
  from: ago(10),
  until: ago(-120),
  state: "active" as const
}

describe("the status for people", () => {
  it("says who is down, why, and which monitor voted how", () => {
    const text = statusText(
      statusDocument([endpoint("Fuji Hosting", false, "status 503"), endpoint("Rhine", true)]),
      layout
    ).join("\n")
    assert.match(text, /^dns-1 IBPDns, running for 3 h, documents version 7 of 2026-04-21 08:07:10Z$/m)
    assert.match(text, /^3 monitors may vote; 3 nodes known, this one included; targets: 1 up, 1 down$/m)
    assert.match(text, /^Fuji Hosting +down +42 min +0 +1 +Asia$/m)
    assert.match(text, /^Rhine +up +42 min +1 +0 +Asia$/m)
    assert.include(
      text,
      "  down  Fuji Hosting  wss wss://rpc.demo.example/demo  v4  for 42 min\n        status 503\n        yes mon-1, mon-2; no mon-3; decided by mon-1"
    )
    assert.notInclude(text, "  up  Rhine")
    for (const title of ["Degraded on this node", "Open proposals", "Taken out by hand", "Shadow"]) {
      assert.notInclude(text, title)
    }
  })

  it("tells what is proved from what a retired epoch proved", () => {
    const proved = (more: object) =>
      statusText(statusDocument([{ ...endpoint("Fuji Hosting", false), seq: 3, ...more }]), layout).join("\n")
    assert.match(proved({}), /; decided by mon-1; proven, step 3$/m)
    assert.match(proved({ retired: true }), /; decided by mon-1; step 3, proof of a retired epoch$/m)
    assert.notInclude(proved({ retired: true }), "proven")
  })

  it("says how the node takes part as soon as there is a roster, in the mode open too", () => {
    const of = (consensus: NonNullable<StatusDocument["consensus"]>) =>
      statusText(statusDocument([], { consensus }), layout).join("\n")
    assert.match(
      of({ mode: "open", epoch: 2, votes: true }),
      /^Consensus: mode open, roster of epoch 2; this node votes$/m
    )
    assert.match(of({ mode: "require", epoch: 2, votes: false }), /^Consensus: mode require, .* does not vote$/m)
    assert.notInclude(of({ mode: "open", votes: true }), "Consensus:")
  })

  it("names nobody as who decided where votes were only counted", () => {
    const counted = { ...endpoint("Fuji Hosting", false, "status 503"), decidedBy: "" }
    const text = statusText(statusDocument([counted]), layout).join("\n")
    assert.match(text, /^ {8}yes mon-1, mon-2; no mon-3$/m)
    assert.notInclude(text, "decided by")
    const event = decided(3)
    assert(event._tag === "Decided")
    assert.match(logLine({ ...event, by: "" }, colourless), / {2}\[yes mon-1, mon-2\]$/)
  })

  it("shows what a monitor holds down, by member too, and nothing where nothing is held", () => {
    const held = listed(["Fuji Hosting", "Rhine"].map((member) => ({
      target: targetOf(member),
      penalty: 5_200,
      until: ago(-20)
    })))
    const document = statusDocument([endpoint("Fuji Hosting", false), endpoint("Rhine", false)], { held })
    assert.include(
      statusText(document, layout).join("\n"),
      "Held down because they flap\n  Fuji Hosting  wss wss://rpc.demo.example/demo  v4, until about 2026-04-21 08:29:10Z if it stays "
        + "calm (5200 points)\n  Rhine  wss"
    )
    const one = ofMember(document, "rhine")!
    assert.deepStrictEqual(one.held, listed([held.items[1]!]))
    assert.notInclude(statusText(statusDocument([], { held: listed([]) }), layout).join("\n"), "Held")
  })

  it("shows how far the clocks of others are from that of the node that was asked, and what is wrong with them", () => {
    const document = statusDocument([])
    const [self, monitor, old] = document.nodes.items
    const condition = {
      name: "clock:others",
      detail: "clocks of other nodes are off: mon-1 7.2 s behind",
      since: ago(3)
    }
    const marked: Paint = { ...colourless, bad: (text) => `!${text}!` }
    const text = nodesText(
      {
        ...document,
        nodes: listed([self!, { ...monitor!, clockSkew: -7.2 }, { ...old!, clockSkew: 0.1 }]),
        conditions: listed([condition, { ...condition, name: "store", detail: "The disk is full" }])
      },
      { now, room: undefined, paint: marked }
    ).join("\n")
    assert.match(text, /^dns-1 \(this\) .*yes$/m)
    assert.match(text, /^mon-1 .* !-7\.2 s!$/m)
    assert.match(text, /^old .* \+0\.1 s$/m)
    assert.include(text, "clocks of other nodes are off: mon-1 7.2 s behind")
    assert.notInclude(text, "disk")
  })

  it("shows open proposals, overrides, conditions, and where a shadow differs", () => {
    const text = statusText(
      statusDocument([endpoint("Fuji Hosting", true)], {
        conditions: listed([{ name: "bus", detail: "no connection to nats://a", since: ago(5) }]),
        proposals: listed([{
          id: "p",
          target: targetOf("Rhine"),
          up: false,
          error: "refused",
          proposer: "mon-2",
          firstSeen: ago(1),
          votes: { yes: ["mon-2"], no: [] }
        }]),
        overrides: listed([override]),
        shadow: {
          against: "the decisions on the bus",
          at: ago(0),
          compared: 10,
          agreed: 9,
          differences: {
            total: 3,
            items: [{ target: targetOf("Rhine"), here: false, there: true, since: ago(7) }]
          }
        }
      }),
      layout
    ).join("\n")
    assert.include(text, "  bus for 5 min: no connection to nats://a")
    assert.include(
      text,
      "  down  Rhine  wss wss://rpc.demo.example/demo  v4, by mon-2 1 min ago: refused; yes mon-2"
    )
    assert.match(
      text,
      /^Rhine +active +since 10 min, until 2026-04-21 10:09:10Z \(in 2 h\) +Ada \(ops\) at dns-2 +stale chain$/m
    )
    assert.include(text, "Compared with the decisions on the bus: 9 of 10 targets agree")
    assert.include(text, "  Rhine  wss wss://rpc.demo.example/demo  v4: here down, there up for 7 min\n  … and 2 more")
  })

  it("fits a terminal of 80 columns, and obeys nothing that others wrote", () => {
    const evil = `\u001b]0;owned\u0007${"x".repeat(300)}\r\nroot#`
    const lines = statusText(
      statusDocument([endpoint(`Fuji${evil}`, false, evil)], { overrides: listed([{ ...override, reason: evil }]) }),
      { ...layout, room: 80 }
    )
    for (const line of lines) {
      assert.notMatch(line, /[\u0000-\u001f\u007f-\u009f]/)
      assert.isAtMost(CliOutput.displayWidth(line), 80)
    }
  })

  it("says how many it leaves out", () => {
    const many = Array.from({ length: 70 }, (_, i) => endpoint(`Member ${i}`, false, "refused"))
    assert.include(statusText(statusDocument(many), layout).join("\n"), "  … and 20 more")
  })

  it("shows one member, by name or key, with what is up", () => {
    const status = statusDocument([endpoint("Fuji Hosting", true), endpoint("Rhine", false, "x")], {
      overrides: listed([override])
    })
    const one = ofMember(status, "fuji")!
    assert.deepStrictEqual(one.members.items.map(({ name }) => name), ["Fuji Hosting"])
    assert.deepStrictEqual([one.targets, one.overrides], [{ up: 1, down: 0 }, { total: 0, items: [] }])
    assert.include(statusText(one, { ...layout, targets: "all" }).join("\n"), "  up  Fuji Hosting")
    assert.strictEqual(ofMember(status, "RHINE")!.overrides.total, 1)
    assert.strictEqual(ofMember(status, "nobody"), undefined)
  })
})

describe("the log for people", () => {
  it("has one line per event, with its votes", () => {
    assert.deepStrictEqual([proposed(1), voted(2), decided(3)].map((event) => logLine(event, colourless)), [
      "2026-04-21 08:09:10Z  proposed  offline  Fuji Hosting  wss wss://rpc.demo.example/demo  v4, by mon-1: status 503",
      "2026-04-21 08:09:10Z  voted     yes  Fuji Hosting  wss wss://rpc.demo.example/demo  v4, by mon-2",
      "2026-04-21 08:09:10Z  offline   Fuji Hosting  wss wss://rpc.demo.example/demo  v4: status 503  [yes mon-1, mon-2; by mon-1]"
    ])
    assert.include(
      logLine({ _tag: "Override", at: ago(0), id: 4, change: "given", override }, colourless),
      "given  Rhine: stale chain, until 2026-04-21 10:09:10Z  [Ada (ops) at dns-2]"
    )
    assert.include(
      logLine({
        _tag: "Rejected",
        at: ago(0),
        id: 5,
        proposal: "p",
        target: targetOf("Rhine"),
        up: false,
        votes: { yes: ["a"], no: ["b", "c"] }
      }, colourless),
      "rejected  offline  Rhine  wss wss://rpc.demo.example/demo  v4  [yes a; no b, c]"
    )
  })
})

describe("spans", () => {
  it("have at most two units", () => {
    for (
      const [seconds, text] of [
        [0, "0 s"],
        [59, "59 s"],
        [61, "1 min 1 s"],
        [15 * 60 + 5, "15 min"],
        [7500, "2 h 5 min"],
        [86_400 * 3 + 4 * 3600, "3 d 4 h"]
      ] as const
    ) assert.strictEqual(spanText(seconds * 1000), text)
  })
})
