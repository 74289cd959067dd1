import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { makePolicies } from "../../src/dns/AnswerPolicy.ts"
import { DnsSettings } from "../../src/domain/documents/GeoDns.ts"

const settings = Schema.decodeUnknownSync(DnsSettings)

describe("the policy of settings", () => {
  it("keeps what its limiter knows of clients until the limits themselves change", () => {
    const policyOf = makePolicies()
    const first = policyOf(settings({ RateLimit: { ResponsesPerSecond: 5 } }))
    const renamed = policyOf(settings({ Nsid: "elsewhere", RateLimit: { ResponsesPerSecond: 5 } }))
    assert.isDefined(first.limiter)
    assert.strictEqual(renamed.limiter, first.limiter)
    assert.strictEqual(renamed.nsid?.toString("latin1", 4), "elsewhere")
    const slower = policyOf(settings({ RateLimit: { ResponsesPerSecond: 4 } }))
    assert.isDefined(slower.limiter)
    assert.notStrictEqual(slower.limiter, first.limiter)
    assert.isUndefined(policyOf(settings({ RateLimit: { ResponsesPerSecond: 0 } })).limiter)
  })

  it("is the same as long as the settings are", () => {
    const policyOf = makePolicies()
    const same = settings({})
    assert.strictEqual(policyOf(same), policyOf(same))
  })
})
