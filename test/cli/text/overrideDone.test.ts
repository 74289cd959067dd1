import { assert, describe, it } from "@effect/vitest"
import { givenText } from "../../../src/cli/text/overrideDone.ts"
import type { GivenOverride } from "../../../src/http/OverrideDocument.ts"

const same = (text: string): string => text
const colourless = { good: same, bad: same, dim: same, bold: same }

const now = Date.parse("2026-04-21T08:00:00Z")

const text = (change: Partial<GivenOverride>) =>
  givenText(
    {
      id: "o1",
      kind: "override",
      member: "Rhine",
      reason: "disk",
      author: "ann",
      node: "dns-1",
      at: "2026-04-21T08:00:00Z",
      from: "2026-04-21T08:00:00Z",
      state: "active",
      emptied: { total: 0, items: [] },
      connected: true,
      ...change
    },
    now,
    colourless
  ).join("\n")

const emptied = (...items: GivenOverride["emptied"]["items"]) => ({ emptied: { total: items.length, items } })

describe("what follows from an override", () => {
  it("is that answers leave the member out, but where nobody else is", () => {
    assert.include(text({}), "DNS answers leave it out from now on. It is not checked meanwhile.")
    assert.include(
      text(emptied({ name: "a.example" })),
      "from now on, but a.example has no other member: the override does not hold there, and AllDown says who answers."
    )
    assert.include(
      text(emptied({ name: "a.example", family: "IPv6" }, { name: "b.example", family: "IPv6" })),
      "but a.example and b.example have no other member in IPv6: the override does not hold there in IPv6, and"
    )
    assert.include(
      text(emptied({ name: "a.example", family: "IPv4" }, { name: "b.example" })),
      "have no other member in one IP version or both"
    )
    const items = Array.from({ length: 7 }, (_, i) => ({ name: `${i}.example` }))
    assert.include(text({ emptied: { total: 300, items } }), "3.example, 4.example and 295 more have no other member")
    assert.notInclude(text(emptied({ name: "a\u001b[2J" })), "\u001b")
  })

  it("is a plan for a time that comes", () => {
    const planned = text({
      kind: "maintenance",
      state: "planned",
      from: "2026-04-21T10:00:00Z",
      ...emptied({ name: "a.example" })
    })
    assert.include(planned, "Rhine will be out of service from 2026-04-21 10:00:00Z (in 2 h)")
    assert.include(planned, "for that time, but a.example has no other member: the maintenance will not hold there")
  })

  it("is known to the others only with a broker", () => {
    assert.include(text({}), "The other nodes are told at once")
    const without = text({ connected: false })
    assert.include(without, "This node has no broker now: the others learn of it when it is back.")
    assert.notInclude(without, "told")
  })

  it("is little for a member that is out already", () => {
    const again = text({ alreadySince: "2026-04-21T07:00:00Z" })
    assert.include(again, "Rhine is already out since 2026-04-21 07:00:00Z")
    assert.include(again, "this is one more override, until somebody ends it.")
    assert.notInclude(again, "from now on")
  })
})
