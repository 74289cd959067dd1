import { assert, describe, it } from "@effect/vitest"
import { only, proposal, Table, tags, target } from "./fixtures.ts"
import { proposalOf, SealedTable } from "./sealed/SealedTable.ts"

const other = { ...target, member: "Harbour" }
const knowsOther = ({ member }: typeof target) => member === "Harbour"

describe("a target that the configuration has no more", () => {
  it("has no open proposals any more, and those of others stay", () => {
    const table = new Table()
    table.propose(false, "own")
    table.propose(false, "kept", other)
    table.receive(proposal({ id: "theirs" }))
    const effects = table.handle({ _tag: "Targets", knows: knowsOther })
    assert.deepStrictEqual(
      only(effects, "Rejected").map(({ proposal, reason }) => [proposal.ID, reason]),
      [["own", "removed"], ["theirs", "removed"]]
    )
    assert.deepStrictEqual(table.ballot.proposals().map((open) => open.proposal.ID), ["kept"])
    // It is not sent again, and no vote for it counts.
    assert.deepStrictEqual(only(table.pass(60), "PublishProposal").filter(({ proposal }) => proposal.ID === "own"), [])
    assert.deepStrictEqual(table.handle({ _tag: "Targets", knows: knowsOther }), [])
  })

  it("nor where decisions are sealed", () => {
    const table = new SealedTable()
    table.propose(false, "own")
    table.receive(proposalOf("m2"))
    assert.lengthOf(table.ballot.proposals(), 2)
    const effects = table.handle({ _tag: "Targets", knows: () => false })
    assert.deepStrictEqual(tags(effects), ["Rejected", "Rejected"])
    assert.lengthOf(table.ballot.proposals(), 0)
  })
})
