import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import type { Place } from "../../src/geo/GeoIp.ts"
import { type Hit, otherName, UsageCounter } from "../../src/usage/index.ts"

const place: Place = {
  location: undefined,
  country: "DE",
  countryName: "Germany",
  asn: "AS64500",
  network: "Example Net",
  prefix: 24
}
const day = "2026-03-01"
const hit = (over: Partial<Hit> = {}): Hit => ({
  domain: "rpc.example",
  member: "Potomac Works",
  place,
  ipv6: false,
  ...over
})
const sum = (counts: Iterable<{ readonly hits: number }>): number => [...counts].reduce((all, it) => all + it.hits, 0)

describe("UsageCounter", () => {
  it("counts per day and key, and gives absolute totals", () => {
    const counter = new UsageCounter()
    counter.record(hit(), day)
    counter.record(hit(), day)
    counter.record(hit({ ipv6: true }), day)
    counter.record(hit(), "2026-03-02")
    const key = {
      domain: "rpc.example",
      member: "Potomac Works",
      asn: "AS64500",
      network: "Example Net",
      country: "DE",
      countryName: "Germany",
      ipv6: false
    }
    const all = [{ day, ...key, hits: 2 }, { day, ...key, ipv6: true, hits: 1 }, { day: "2026-03-02", ...key, hits: 1 }]
    assert.deepStrictEqual([...counter.totals()], all)
    assert.deepStrictEqual(counter.take(9), all)
    counter.record(hit(), day)
    assert.deepStrictEqual(counter.take(9), [{ day, ...key, hits: 3 }])
    assert.strictEqual(counter.waiting, 0)
  })

  it("cleans and cuts what it counts, and keeps what differs in case apart", () => {
    const counter = new UsageCounter()
    const names = (member: string, network: string) => hit({ member, place: { ...place, network } })
    counter.record(names("  Potomac\0 Works\n", "Café"), day)
    counter.record(names("Potomac  Works", "Cafe\u0301"), day)
    counter.record(names("", ""), day)
    counter.record(names("m", "x".repeat(500)), day)
    counter.record(names("m", "x".repeat(127) + "🛰️"), day)
    counter.record(names("m", "EXAMPLE net"), day)
    counter.record(names("m", "Example Net"), day)
    counter.record(names("m", "a\ud800"), day)
    const found = [...counter.totals()].map((it) => [it.member, it.network, it.hits])
    assert.deepStrictEqual(found, [
      ["Potomac  Works", "Café", 2],
      ["(none)", "", 1],
      ["m", "x".repeat(128), 1],
      ["m", "x".repeat(127), 1],
      ["m", "EXAMPLE net", 1],
      ["m", "Example Net", 1],
      ["m", "a\ufffd", 1]
    ])
  })

  it("counts a domain in lower case, and never leaves a part of the key without a value", () => {
    const counter = new UsageCounter()
    const nowhere = { ...place, country: "", countryName: " ", asn: "", network: "" }
    counter.record(hit({ domain: "RPC.Example", place: nowhere }), day)
    counter.record(hit({ domain: "rpc.example", place: { ...nowhere, country: "??", countryName: "Unknown" } }), day)
    const [total, ...rest] = counter.totals()
    assert.deepStrictEqual(rest, [])
    assert.deepStrictEqual(
      [total?.domain, total?.country, total?.countryName, total?.asn, total?.network, total?.hits],
      ["rpc.example", "??", "Unknown", "", "", 2]
    )
  })

  it("does not take texts with a line break for other keys", () => {
    const counter = new UsageCounter()
    counter.record(hit({ domain: "a\nb", member: "c" }), day)
    counter.record(hit({ domain: "a", member: "b\nc" }), day)
    assert.strictEqual(counter.keys, 2)
  })

  it("collapses a flood of networks into their names, and a flood of names into (other), and loses no hit", () => {
    const counter = new UsageCounter({ keysPerDay: 100, keys: 1_000 })
    for (let i = 0; i < 5_000; i++) counter.record(hit({ place: { ...place, network: `net ${i}` } }), day)
    assert.strictEqual(counter.keys, 91)
    const named = [...counter.totals()].filter((it) => it.network === otherName)
    assert.deepStrictEqual(named.map((it) => [it.domain, it.member, it.country, it.hits]), [
      ["rpc.example", "Potomac Works", "??", 4_910]
    ])
    for (let i = 0; i < 5_000; i++) counter.record(hit({ domain: `${i}.example` }), day)
    assert.strictEqual(counter.keys, 101)
    assert.strictEqual([...counter.totals()].find((it) => it.domain === otherName)?.hits, 4_991)
    assert.strictEqual(sum(counter.totals()), 10_000)
    assert.strictEqual(counter.collapsed, 4_910 + 5_000)
    // What has a key keeps it, and the next day begins with room.
    counter.record(hit({ place: { ...place, network: "net 7" } }), day)
    assert.strictEqual([...counter.totals()].find((it) => it.network === "net 7")?.hits, 2)
    counter.record(hit({ domain: "tomorrow.example" }), "2026-03-02")
    assert.strictEqual([...counter.totals()].find((it) => it.domain === "tomorrow.example")?.hits, 1)
  })

  it("bounds the keys of all days together", () => {
    const counter = new UsageCounter({ keysPerDay: 100, keys: 150 })
    for (let d = 10; d < 30; d++) {
      for (let i = 0; i < 500; i++) counter.record(hit({ domain: `${i}.example` }), `2026-03-${d}`)
    }
    assert.isAtMost(counter.keys, 150 + 20)
    assert.strictEqual(sum(counter.totals()), 20 * 500)
  })

  it("forgets old days when they are taken, not before, and has room again", () => {
    const counter = new UsageCounter()
    counter.record(hit(), day)
    counter.record(hit(), "2026-03-02")
    counter.record(hit(), "2026-03-03")
    counter.forgetBefore("2026-03-03")
    assert.strictEqual(counter.keys, 3)
    counter.take(1)
    counter.forgetBefore("2026-03-03")
    assert.deepStrictEqual([...counter.totals()].map((it) => it.day), ["2026-03-02", "2026-03-03"])
    counter.take(9)
    counter.forgetBefore("2026-03-04")
    assert.strictEqual(counter.keys, 0)
    counter.record(hit(), "2026-03-03")
    assert.deepStrictEqual([...counter.totals()].map((it) => it.hits), [1])
  })

  it("hands out every hit in the end, whatever is put back and recorded meanwhile", () => {
    const step = fc.oneof(
      fc.record({ _tag: fc.constant("record" as const), name: fc.nat(5), day: fc.integer({ min: 1, max: 3 }) }),
      fc.record({ _tag: fc.constant("take" as const), max: fc.integer({ min: 1, max: 4 }), stored: fc.boolean() }),
      fc.record({ _tag: fc.constant("forget" as const), day: fc.integer({ min: 1, max: 3 }) })
    )
    fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const counter = new UsageCounter({ keysPerDay: 5, keys: 12 })
      const model = new Map<string, number>()
      const stored = new Map<string, number>()
      const store = (taken: ReturnType<UsageCounter["take"]>) => {
        for (const { hits, ...key } of taken) {
          const id = JSON.stringify(key)
          assert.isAtLeast(hits, stored.get(id) ?? 0, "totals never fall")
          stored.set(id, hits)
        }
      }
      let forgotten = 0
      for (const it of steps) {
        if (it._tag === "record") {
          // A day that was forgotten does not come back: its totals would begin anew.
          const of = `2026-03-0${Math.max(it.day, forgotten)}`
          counter.record(hit({ domain: `${it.name}.example` }), of)
          model.set(of, (model.get(of) ?? 0) + 1)
        } else if (it._tag === "take") {
          const taken = counter.take(it.max)
          if (it.stored) store(taken)
          else counter.putBack(taken)
        } else {
          forgotten = Math.max(forgotten, it.day)
          counter.forgetBefore(`2026-03-0${it.day}`)
        }
      }
      store(counter.take(1_000))
      const days = new Map<string, number>()
      for (const [id, hits] of stored) {
        const { day } = JSON.parse(id) as { readonly day: string }
        days.set(day, (days.get(day) ?? 0) + hits)
      }
      assert.deepStrictEqual(Object.fromEntries(days), Object.fromEntries(model))
    }))
  })
})
