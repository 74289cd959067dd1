import { assert, describe, it } from "@effect/vitest"
import { newsLine } from "../../src/status/overrideNews.ts"
import { override } from "./overridden.ts"

const ended = (reason: string) =>
  newsLine([{ change: "ended", override: override({ ended: { at: 2_000, by: "operator", reason } }) }])

describe("the news of an override that ended", () => {
  it("has the reason when one was given", () => {
    assert.strictEqual(ended("done"), "the override of Lagoon is over, ended by operator: done")
    assert.strictEqual(ended(""), "the override of Lagoon is over, ended by operator")
    const until = override({ until: 2_000 })
    assert.strictEqual(newsLine([{ change: "ended", override: until }]), "the override of Lagoon is over")
  })
})
