import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { messageCodec } from "../../src/bus/MessageCodec.ts"
import * as Subject from "../../src/domain/wire/Subject.ts"
import type { OfficialEntry } from "../../src/status/OfficialTable.ts"
import { maxPageBytes, readEntry, snapshotPage } from "../../src/status/snapshotPages.ts"
import { decision, targetNamed } from "./fixtures.ts"

const head = { NodeID: "monitor-1", NodeRole: "IBPMonitor", Count: 3, Hash: "0123456789abcdef" }
const { decode } = messageCodec(Subject.StatusReply)
const read = (text: string) => Result.getOrThrow(decode(text))

const name = fc.string({ minLength: 1, maxLength: 256, unit: "grapheme" }).filter((s) => s.length <= 256)
const time = fc.integer({ min: 1, max: 4e12 })

const arbitraryEntry: fc.Arbitrary<OfficialEntry> = fc.record({
  official: fc.record({
    id: name,
    target: fc.record({
      checkType: fc.constantFrom("site" as const, "domain" as const, "endpoint" as const),
      check: name,
      member: name,
      domain: fc.string({ maxLength: 256 }),
      endpoint: fc.string({ maxLength: 2_048 }),
      ipv6: fc.boolean()
    }),
    up: fc.boolean(),
    error: fc.string({ maxLength: 1_024 }),
    data: fc.oneof(fc.constant(null), fc.constant({ rtt: 3 })),
    decidedAt: time,
    decidedBy: name,
    votes: fc.dictionary(name, fc.boolean(), { maxKeys: 100 })
  }),
  newest: fc.record({ decidedAt: time, id: name }),
  recent: fc.constant([])
})

/** All pages of these entries, as an asker gets them. */
const pagesOf = (entries: ReadonlyArray<OfficialEntry>, maxBytes?: number) => {
  const pages: Array<string> = []
  for (let from: number | undefined = 0; from !== undefined;) {
    const page = snapshotPage(head, entries, from, maxBytes)
    pages.push(page)
    from = read(page).Next
  }
  return pages
}

describe("snapshotPage", () => {
  it("carries every entry to the other side, but for data, a long error and too many votes", () => {
    fc.assert(
      fc.property(fc.array(arbitraryEntry, { maxLength: 8 }), fc.constantFrom(1, 2_000, maxPageBytes), (all, max) => {
        const arrived = pagesOf(all, max).flatMap((page) => read(page).Entries.map(readEntry))
        assert.deepStrictEqual(
          arrived,
          all.map(({ newest, official }) => ({
            decision: {
              ...official,
              error: official.error.slice(0, 256),
              data: null,
              votes: Object.fromEntries(Object.entries(official.votes).slice(0, 64))
            },
            newest
          }))
        )
      }),
      { numRuns: 60 }
    )
  })

  it("keeps 30,000 targets to pages far below what the broker takes", () => {
    const entries = Array.from({ length: 30_000 }, (_, i): OfficialEntry => {
      const official = decision({ id: `p${i}`, target: targetNamed(`Žluťoučký ${i}`), error: "🐎".repeat(500) })
      return { official, newest: { id: official.id, decidedAt: official.decidedAt }, recent: [] }
    })
    const pages = pagesOf(entries)
    assert.isTrue(pages.every((page) => Buffer.byteLength(page) <= maxPageBytes))
    assert.strictEqual(pages.reduce((sum, page) => sum + read(page).Entries.length, 0), entries.length)
  })

  it("gives an empty page beyond the last entry", () => {
    const answer = read(snapshotPage(head, [], 7))
    assert.deepStrictEqual({ ...answer }, { ...head, From: 7, Entries: [] })
  })
})

describe("readEntry", () => {
  const official = decision()
  const entry = (changes: Readonly<Record<string, unknown>>): unknown => ({
    ...read(snapshotPage(
      head,
      [{ official, newest: { id: official.id, decidedAt: official.decidedAt }, recent: [] }],
      0
    )).Entries[0] as object,
    ...changes
  })

  it("refuses what is no status", () => {
    assert.deepStrictEqual(readEntry(entry({}))?.decision, official)
    const broken: ReadonlyArray<Readonly<Record<string, unknown>>> = [
      { Status: undefined },
      { Status: "false" },
      { ID: "" },
      { CheckType: "planet" },
      { MemberName: "x".repeat(257) },
      { DecidedAt: "0001-01-01T00:00:00Z" },
      { DecidedAt: "yesterday" },
      { Votes: { a: 1 } },
      { ErrorText: "x".repeat(257) }
    ]
    for (const change of broken) assert.isUndefined(readEntry(entry(change)), JSON.stringify(change))
  })

  it("survives anything", () => {
    fc.assert(fc.property(fc.anything(), (value) => {
      readEntry(value)
    }))
  })
})
