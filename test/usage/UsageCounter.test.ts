import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import type { Place } from "../../src/geo/GeoIp.ts"
import { countedText } from "../../src/usage/countedText.ts"
import { type Hit, otherName, type UsageBounds, UsageCounter } from "../../src/usage/index.ts"

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
const newCounter = (bounds?: UsageBounds) => new UsageCounter("0123456789abcdef", bounds)
/** Every total in memory. */
const totalsOf = (counter: UsageCounter) =>
  counter.counters.flatMap(({ table }) =>
    Array.from({ length: table.rows }, (_, row) => ({ day: table.day, ...table.key(row), hits: table.hits(row) }))
  )
/** Everything that has changed, as the journal takes it. */
const takeAll = (counter: UsageCounter) =>
  counter.counters.flatMap((it) => it.take(1_000).map((row) => [it.table.day, it.table.hits(row)] as const))
const sum = (counts: Iterable<{ readonly hits: number }>): number => [...counts].reduce((all, it) => all + it.hits, 0)

describe("UsageCounter", () => {
  it("counts per day and key, and gives absolute totals", () => {
    const counter = newCounter()
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
    assert.deepStrictEqual(totalsOf(counter), all)
    assert.deepStrictEqual(takeAll(counter), [[day, 2], [day, 1], ["2026-03-02", 1]])
    assert.deepStrictEqual(takeAll(counter), [])
    counter.record(hit(), "2026-03-02")
    counter.record(hit(), "2026-03-02")
    assert.deepStrictEqual(takeAll(counter), [["2026-03-02", 3]])
  })

  it("cleans and cuts what it counts, and keeps what differs in case apart", () => {
    const counter = newCounter()
    const names = (member: string, network: string) => hit({ member, place: { ...place, network } })
    counter.record(names("  Potomac\0 Works\n", "Café"), day)
    counter.record(names("Potomac  Works", "Cafe\u0301"), day)
    counter.record(names("", ""), day)
    counter.record(names("m", "x".repeat(500)), day)
    counter.record(names("m", "x".repeat(127) + "🛰️"), day)
    counter.record(names("m", "EXAMPLE net"), day)
    counter.record(names("m", "Example Net"), day)
    counter.record(names("m", "a\ud800"), day)
    const found = totalsOf(counter).map((it) => [it.member, it.network, it.hits])
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
    const counter = newCounter()
    const nowhere = { ...place, country: "", countryName: " ", asn: "", network: "" }
    counter.record(hit({ domain: "RPC.Example", place: nowhere }), day)
    counter.record(hit({ domain: "rpc.example", place: { ...nowhere, country: "??", countryName: "Unknown" } }), day)
    const [total, ...rest] = totalsOf(counter)
    assert.deepStrictEqual(rest, [])
    assert.deepStrictEqual(
      [total?.domain, total?.country, total?.countryName, total?.asn, total?.network, total?.hits],
      ["rpc.example", "??", "Unknown", "", "", 2]
    )
  })

  it("does not take texts with a line break for other keys", () => {
    const counter = newCounter()
    counter.record(hit({ domain: "a\nb", member: "c" }), day)
    counter.record(hit({ domain: "a", member: "b\nc" }), day)
    assert.strictEqual(counter.keys, 2)
  })

  it("collapses a flood of networks into their names, and a flood of names into (other), and loses no hit", () => {
    const counter = newCounter({ keysPerDay: 100, keys: 1_000 })
    for (let i = 0; i < 5_000; i++) counter.record(hit({ place: { ...place, network: `net ${i}` } }), day)
    assert.strictEqual(counter.keys, 91)
    const named = totalsOf(counter).filter((it) => it.network === otherName)
    assert.deepStrictEqual(named.map((it) => [it.domain, it.member, it.country, it.hits]), [
      ["rpc.example", "Potomac Works", "??", 4_910]
    ])
    for (let i = 0; i < 5_000; i++) counter.record(hit({ domain: `${i}.example` }), day)
    assert.strictEqual(counter.keys, 101)
    assert.strictEqual(totalsOf(counter).find((it) => it.domain === otherName)?.hits, 4_991)
    assert.strictEqual(sum(totalsOf(counter)), 10_000)
    assert.strictEqual(counter.collapsed, 4_910 + 5_000)
    // What has a key keeps it, and the next day begins with room.
    counter.record(hit({ place: { ...place, network: "net 7" } }), day)
    assert.strictEqual(totalsOf(counter).find((it) => it.network === "net 7")?.hits, 2)
    counter.record(hit({ domain: "tomorrow.example" }), "2026-03-02")
    assert.strictEqual(totalsOf(counter).find((it) => it.domain === "tomorrow.example")?.hits, 1)
  })

  it("bounds the keys of all days together", () => {
    const counter = newCounter({ keysPerDay: 100, keys: 150 })
    for (let d = 10; d < 30; d++) {
      for (let i = 0; i < 500; i++) counter.record(hit({ domain: `${i}.example` }), `2026-03-${d}`)
    }
    assert.isAtMost(counter.keys, 150 + 2 * 20)
    assert.strictEqual(sum(totalsOf(counter)), 20 * 500)
  })

  it("says when something changes first, so that somebody can be woken", () => {
    const counter = newCounter()
    assert.deepStrictEqual([counter.record(hit(), day), counter.record(hit(), day)], [true, false])
    takeAll(counter)
    assert.deepStrictEqual([counter.record(hit(), day), counter.record(hit(), day)], [true, false])
  })

  it("ends a day, lets it go, and begins it anew under another writer", () => {
    const counter = newCounter()
    counter.record(hit(), day)
    counter.endBefore(day)
    assert.isDefined(counter.today)
    counter.endBefore("2026-03-02")
    assert.isUndefined(counter.today)
    assert.strictEqual(counter.keys, 1)
    counter.drop(counter.counters[0]!)
    assert.strictEqual(counter.keys, 0)
    counter.record(hit(), day)
    counter.record(hit(), "2026-03-02")
    assert.deepStrictEqual(
      counter.counters.map(({ table }) => [table.day, table.writer, table.hits(0)]),
      [[day, "0123456789abcdef-2", 1], ["2026-03-02", "0123456789abcdef-3", 1]]
    )
  })

  it("finds a hundred thousand keys again", () => {
    const counter = newCounter()
    const record = (i: number) =>
      counter.record(
        hit({ domain: `${i % 50}.example`, ipv6: i % 2 === 0, place: { ...place, network: `net ${i >> 3}` } }),
        day
      )
    for (let round = 0; round < 2; round++) for (let i = 0; i < 100_000; i++) record(i)
    assert.strictEqual(counter.keys, 100_000)
    assert.isTrue(totalsOf(counter).every(({ hits }) => hits === 2))
  })

  it("cleaning what is clean changes nothing, so that clean texts need no cleaning", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 12 }), fc.integer({ min: 1, max: 8 }), (text, width) => {
        const clean = countedText(text, width)
        assert.strictEqual(countedText(clean, width), clean)
        const name = countedText(text.toLowerCase(), width)
        assert.strictEqual(countedText(name.toLowerCase(), width), name)
      }),
      { numRuns: 2_000 }
    )
  })

  it("counts every answer exactly once, under whatever key, and no total ever falls", () => {
    const step = fc.oneof(
      {
        weight: 5,
        arbitrary: fc.record({
          _tag: fc.constant("record" as const),
          name: fc.nat(8),
          day: fc.integer({ min: 1, max: 3 })
        })
      },
      fc.record({ _tag: fc.constant("take" as const), max: fc.integer({ min: 1, max: 4 }), written: fc.boolean() }),
      fc.constant({ _tag: "drop" as const })
    )
    fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const counter = newCounter({ keysPerDay: 5, keys: 12 })
      const written = new Map<string, number>()
      let recorded = 0
      const write = (it: (typeof counter.counters)[number], rows: ReadonlyArray<number>) => {
        for (const row of rows) {
          const id = `${it.table.day} ${it.table.writer} ${row}`
          assert.isAbove(it.table.hits(row), written.get(id) ?? 0)
          written.set(id, it.table.hits(row))
        }
      }
      for (const it of steps) {
        if (it._tag === "record") {
          counter.record(hit({ domain: `${it.name}.example` }), `2026-03-0${it.day}`)
          recorded += 1
        } else if (it._tag === "take") {
          for (const of of counter.counters) {
            const rows = of.take(it.max)
            if (it.written) write(of, rows)
            else of.putBack(rows)
          }
        } else {
          for (const of of counter.counters) {
            if (of === counter.today) continue
            write(of, of.take(1_000))
            counter.drop(of)
          }
        }
      }
      for (const of of counter.counters) write(of, of.take(1_000))
      assert.strictEqual([...written.values()].reduce((all, hits) => all + hits, 0), recorded)
    }))
  })
})
