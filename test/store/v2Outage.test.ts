import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import fc from "fast-check"
import { targetKey } from "../../src/domain/Target.ts"
import { decodeOutage } from "../../src/store/OutageRow.ts"
import { adoptV2Outage, closeDuplicate, type V2OutageRow, v2Target } from "../../src/store/v2Outage.ts"

const row = (over: Partial<V2OutageRow> = {}): V2OutageRow => ({
  id: 7,
  check_type: "endpoint",
  check_name: "wss",
  endpoint: "wss://rpc.example/x",
  member_name: "A",
  domain_name: "rpc.example",
  status: 1,
  is_ipv6: 0,
  start_time: "2026-03-01 00:00:00.000",
  end_time: "2026-03-01 00:10:00.000",
  error: "timeout",
  vote_data: `{"m1": true}`,
  additional_data: `{"a": 1}`,
  ...over
})

describe("a row of v2", () => {
  it("has the target that its text or number says, without the copies that v2 writes", () => {
    const site = { checkType: "site", check: "wss", member: "A", domain: "", endpoint: "", ipv6: false }
    for (const check_type of ["1", "site", " Site "]) {
      assert.deepStrictEqual<unknown>(v2Target(row({ check_type, endpoint: null, domain_name: null })), site)
    }
    const domain = { ...site, checkType: "domain", domain: "d.example" }
    assert.deepStrictEqual<unknown>(v2Target(row({ check_type: "2", endpoint: "d.example", domain_name: "" })), domain)
    assert.deepStrictEqual<unknown>(
      v2Target(row({ check_type: "domain", endpoint: "d.example", domain_name: "d.example" })),
      domain
    )
    assert.strictEqual(v2Target(row({ check_type: null })).checkType, "endpoint")
    assert.strictEqual(v2Target(row({ check_type: "?", endpoint: null })).checkType, "domain")
  })

  it("that was closed by its status alone ends when it began, and is a blip", () => {
    const adopted = adoptV2Outage(row({ end_time: null }), 900_000)
    assert.strictEqual(adopted.end_time, "2026-03-01 00:00:00.000")
    assert.strictEqual(adopted.blip, 1)
    assert.strictEqual(adopted.status, 0)
    assert.strictEqual(adoptV2Outage(row(), 900_000).blip, 1)
    assert.strictEqual(adoptV2Outage(row(), 600_000).blip, 0)
    assert.isNull(adoptV2Outage(row({ end_time: null, status: 0 }), 900_000).end_time)
  })

  it("keeps what has no place in our form", () => {
    const adopted = adoptV2Outage(row({ vote_data: `["m1"]`, additional_data: "oops" }), 0)
    assert.strictEqual(adopted.vote_data, "{}")
    assert.deepStrictEqual(JSON.parse(adopted.additional_data), {
      value: null,
      geodns: { v2: { vote_data: `["m1"]`, additional_data: "oops" } }
    })
    const duplicate = closeDuplicate(adoptV2Outage(row({ end_time: null, status: 0 }), 0), "v2-1")
    assert.deepStrictEqual(JSON.parse(duplicate.additional_data), { a: 1, geodns: { duplicateOf: "v2-1" } })
    assert.strictEqual(duplicate.end_time, duplicate.start_time)
  })

  it("becomes an outage that can be read, whatever is in it", () => {
    const text = fc.option(fc.oneof(fc.string(), fc.constantFrom("1", "2", "3", "{}", "[]", "null", `{"m":1}`)))
    const time = fc.option(
      fc.constantFrom("2026-03-01 00:00:00.000", "2026-03-02 00:00:00.001", "2025-01-01 10:00:00.000")
    )
    const any = fc.record({
      check_type: text,
      check_name: text,
      endpoint: text,
      member_name: text,
      domain_name: text,
      status: fc.option(fc.integer({ min: 0, max: 2 })),
      is_ipv6: fc.option(fc.integer({ min: 0, max: 1 })),
      start_time: time,
      end_time: time,
      error: text,
      vote_data: text,
      additional_data: text
    })
    fc.assert(fc.property(any, (over) => {
      const adopted = adoptV2Outage(row(over), 900_000)
      const read = decodeOutage(adopted)
      assert.isTrue(Result.isSuccess(read), JSON.stringify(read))
      if (Result.isSuccess(read)) {
        assert.strictEqual(targetKey(read.success.target), adopted.target_key)
        assert.isAtLeast(read.success.end ?? Infinity, read.success.start)
        if (over.start_time !== null) {
          assert.strictEqual(read.success.start, Date.parse(`${over.start_time.replace(" ", "T")}Z`))
        }
      }
    }))
  })
})
