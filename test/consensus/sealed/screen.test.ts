import { assert, describe, it } from "@effect/vitest"
import { screenProposal, screenVote } from "../../../src/consensus/sealed/screen.ts"
import { roster, rostersOf, start } from "./fixtures.ts"
import { proposalOf, voteOf } from "./SealedTable.ts"

describe("what is looked at before a signature", () => {
  it("tells who has another roster from what a retired epoch signed", () => {
    const rosters = rostersOf(roster(), roster({ epoch: 2 }), roster({ epoch: 3, minEpoch: 2 }))
    const of = (epoch: number) => {
      const by = { node: "m1", now: start, rosters }
      return [
        screenVote(voteOf("m2", { epoch }), by),
        screenProposal(proposalOf("m2", { epoch }), { ...by, knows: () => true })
      ].map((screened) => screened._tag === "Refused" ? screened.reason : screened._tag)
    }
    assert.deepStrictEqual([1, 2, 3, 4].map(of), [
      ["retired-epoch", "retired-epoch"],
      ["other-epoch", "other-epoch"],
      ["Sealed", "Sealed"],
      ["other-epoch", "other-epoch"]
    ])
  })
})
