import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { type AnswerPolicy, makePolicies } from "../../src/dns/AnswerPolicy.ts"
import { DnsSettings } from "../../src/domain/documents/GeoDns.ts"

const now = 1_790_000_000_000
const settings = Schema.decodeUnknownSync(DnsSettings)

describe("the policy of settings", () => {
  it("keeps what its limiter knows of clients until the limits themselves change", () => {
    const policies = makePolicies()
    const policyOf = (of: typeof DnsSettings.Type) => policies(of, now)
    const first = policyOf(settings({ RateLimit: { ResponsesPerSecond: 5 } }))
    const renamed = policyOf(settings({ Nsid: "elsewhere", RateLimit: { ResponsesPerSecond: 5 } }))
    assert.isDefined(first.limiter)
    assert.strictEqual(renamed.limiter, first.limiter)
    assert.strictEqual(renamed.nsid?.toString("latin1", 4), "elsewhere")
    const slower = policyOf(settings({ RateLimit: { ResponsesPerSecond: 4 } }))
    assert.isDefined(slower.limiter)
    assert.notStrictEqual(slower.limiter, first.limiter)
    assert.isUndefined(policyOf(settings({ RateLimit: { ResponsesPerSecond: 0 } })).limiter)
    const limited = policyOf(settings({ RateLimit: { ResponsesPerSecond: 5, Slip: 2 } }))
    const exempt = policyOf(settings({ RateLimit: { ResponsesPerSecond: 5, Slip: 2, Exempt: ["192.0.2.0/24"] } }))
    assert.strictEqual(exempt.limiter, limited.limiter)
    assert.lengthOf(exempt.exempt, 1)
    const slips = policyOf(settings({ RateLimit: { ResponsesPerSecond: 5, Slip: 3 } }))
    assert.notStrictEqual(slips.limiter, limited.limiter)
  })

  describe("after a change of the cookie secret", () => {
    const secrets = ["1", "2", "3"].map((digit) => digit.repeat(32))
    const words = Uint32Array.of(0xc0000201, 0, 0, 0)
    const sample = Buffer.alloc(24, 7)
    const withSecret = (i: number, more: object = {}) => settings({ CookieSecret: secrets[i], ...more })
    const write = ({ cookies }: AnswerPolicy, at: number) =>
      cookies!.write(sample, { start: 0, end: 8 }, 4, words, at / 1000)
    const check = ({ cookies }: AnswerPolicy, cookie: Buffer, at: number) =>
      cookies!.check(cookie, { start: 4, end: cookie.length }, 4, words, at / 1000)

    it("takes cookies of the one before for as long as the last of them holds, also over other changes", () => {
      const policyOf = makePolicies()
      const old = write(policyOf(withSecret(0), now), now)
      const changed = policyOf(withSecret(1), now)
      assert.strictEqual(check(changed, old, now), "valid")
      assert.strictEqual(check(changed, write(changed, now), now), "fresh")
      const renamed = policyOf(withSecret(1, { Nsid: "elsewhere" }), now + 1_800_000)
      assert.strictEqual(check(renamed, old, now + 3_600_000), "valid")
      // One that was made later with the secret before: nobody but whoever else has it.
      const forged = write(makePolicies()(withSecret(0), now), now + 3_500_000)
      assert.strictEqual(check(renamed, forged, now + 3_600_000), "valid")
      assert.strictEqual(check(renamed, forged, now + 3_601_000), "invalid")
      assert.strictEqual(check(renamed, write(renamed, now + 3_601_000), now + 3_601_000), "fresh")
    })

    it("takes those of the one before alone", () => {
      const policyOf = makePolicies()
      const [first, second] = [0, 1].map((i) => write(policyOf(withSecret(i), now), now))
      const third = policyOf(withSecret(2), now)
      assert.deepStrictEqual([first, second].map((cookie) => check(third, cookie!, now)), ["invalid", "valid"])
    })
  })

  it("is the same as long as the settings are", () => {
    const policyOf = makePolicies()
    const same = settings({})
    assert.strictEqual(policyOf(same, now), policyOf(same, now + 1))
  })
})
