import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import fc from "fast-check"
import { targetKey } from "../../src/domain/Target.ts"
import { proofColumns } from "../../src/store/DecisionRow.ts"
import { decodeOutage } from "../../src/store/OutageRow.ts"
import { adoptV2Outage, closeDuplicate, isUndated, type V2OutageRow, v2Target } from "../../src/store/v2Outage.ts"

const now = "2026-11-21 07:30:00.000"

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
    const adopted = adoptV2Outage(row({ end_time: null }), 900_000, now)
    assert.strictEqual(adopted.end_time, "2026-03-01 00:00:00.000")
    assert.strictEqual(adopted.blip, 1)
    assert.strictEqual(adopted.status, 0)
    assert.strictEqual(adoptV2Outage(row(), 900_000, now).blip, 1)
    assert.strictEqual(adoptV2Outage(row(), 600_000, now).blip, 0)
    assert.isNull(adoptV2Outage(row({ end_time: null, status: 0 }), 900_000, now).end_time)
  })

  it("keeps what has no place in our form", () => {
    const adopted = adoptV2Outage(row({ vote_data: `["m1"]`, additional_data: "oops" }), 0, now)
    assert.strictEqual(adopted.vote_data, "{}")
    assert.deepStrictEqual(JSON.parse(adopted.additional_data), {
      value: null,
      geodns: { v2: { vote_data: `["m1"]`, additional_data: "oops" } }
    })
    const duplicate = closeDuplicate(adoptV2Outage(row({ end_time: null, status: 0 }), 0, now), "v2-1")
    assert.deepStrictEqual(JSON.parse(duplicate.additional_data), { a: 1, geodns: { duplicateOf: "v2-1" } })
    assert.strictEqual(duplicate.end_time, duplicate.start_time)
  })

  it("whose times are none is kept, with the best time that is known and what v2 had", () => {
    const v2Of = (data: string): unknown =>
      (JSON.parse(data) as { readonly geodns?: { readonly v2?: unknown } }).geodns?.v2
    for (
      const none of ["0000-00-00 00:00:00.000", "0001-01-01 00:00:00.000", "2024-00-10 00:00:00", "2024-02-31 00:00:00"]
    ) {
      const closed = adoptV2Outage(row({ start_time: none }), 0, now)
      assert.deepStrictEqual([closed.start_time, closed.end_time], [row().end_time, row().end_time])
      assert.deepStrictEqual(v2Of(closed.additional_data), { start_time: none })
      assert.isTrue(isUndated(row({ start_time: none })))
      // Nobody knows since when: not since 1970.
      const open = adoptV2Outage(row({ start_time: none, end_time: null, status: 0 }), 0, now)
      assert.deepStrictEqual([open.start_time, open.end_time], [now, null])
      const moment = adoptV2Outage(row({ start_time: none, end_time: null, status: 1 }), 0, now)
      assert.deepStrictEqual([moment.start_time, moment.end_time], [
        "1970-01-01 00:00:00.000",
        "1970-01-01 00:00:00.000"
      ])
    }
    for (const none of ["0000-00-00 00:00:00.000", "0001-01-01 00:00:00.000"]) {
      const open = adoptV2Outage(row({ end_time: none, status: 0 }), 0, now)
      assert.deepStrictEqual([open.start_time, open.end_time, open.blip], [row().start_time, null, 0])
      assert.deepStrictEqual(v2Of(open.additional_data), { end_time: none })
      assert.strictEqual(adoptV2Outage(row({ end_time: none, status: 1 }), 0, now).end_time, row().start_time)
    }
    assert.isFalse(isUndated(row()))
  })

  it("becomes an outage that can be read, whatever is in it", () => {
    const text = fc.option(fc.oneof(fc.string(), fc.constantFrom("1", "2", "3", "{}", "[]", "null", `{"m":1}`)))
    const time = fc.option(
      fc.constantFrom(
        "2026-03-01 00:00:00.000",
        "2026-03-02 00:00:00.001",
        "2025-01-01 10:00:00.000",
        "0000-00-00 00:00:00.000",
        "0001-01-01 00:00:00.000",
        "2024-00-10 00:00:00.000",
        "2024-02-31 00:00:00.000"
      )
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
      const adopted = adoptV2Outage(row(over), 900_000, now)
      const read = decodeOutage({ ...adopted, ...proofColumns([]) })
      assert.isTrue(Result.isSuccess(read), JSON.stringify(read))
      if (Result.isSuccess(read)) {
        assert.strictEqual(targetKey(read.success.target), adopted.target_key)
        assert.isAtLeast(read.success.end ?? Infinity, read.success.start)
        if (over.start_time?.startsWith("202") && !/-00|02-31/.test(over.start_time)) {
          assert.strictEqual(read.success.start, Date.parse(`${over.start_time.replace(" ", "T")}Z`))
        }
      }
    }))
  })
})
