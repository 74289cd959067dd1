import { Effect } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Outage } from "../../src/domain/Outage.ts"
import { OutageStore, UsageStore } from "../../src/store/index.ts"
import { outage, target, usage } from "../store/samples.ts"
import { temporaryFolder } from "./geodns.ts"

const at = (time: string): number => Date.parse(`${time}Z`)

/** An error text as a member can send it: to a spreadsheet, to a reader of CSV and to a terminal. */
export const nastyError = `=cmd|'/c calc'!A1, "quoted"\n\u001b[2Jnext`

/** Into March, in March and short, and open since April. */
export const sampleOutages: ReadonlyArray<Outage> = [
  outage("o-a", { start: at("2026-02-28T23:00:00.000"), end: at("2026-03-01T01:00:00.500") }),
  outage("o-b", {
    target: target({
      checkType: "domain",
      check: "ssl",
      member: "Rhine Networks",
      domain: "other.example",
      endpoint: "",
      ipv6: true
    }),
    start: at("2026-03-10T10:00:00.000"),
    end: at("2026-03-10T10:01:00.000"),
    blip: true,
    error: nastyError
  }),
  outage("o-c", {
    target: target({ checkType: "site", check: "ping", domain: "", endpoint: "" }),
    start: at("2026-04-02T00:00:00.000")
  })
]

/** Stores the outages, and usage of two days. */
export const fillStores: Effect.Effect<void, unknown, OutageStore | UsageStore> = Effect.gen(function*() {
  const outages = yield* OutageStore
  for (const it of sampleOutages) yield* outages.open(it)
  yield* (yield* UsageStore).upsert([
    usage(5),
    usage(7, { writer: "w2" }),
    usage(100, { day: "2026-03-02", country: "BR", countryName: "Brazil", asn: "AS64501", network: 'Net, "B"' }),
    usage(30, { member: "Rhine Networks", domain: "other.example", asn: "", network: "", ipv6: true })
  ])
})

/** A local document in a folder of its own that goes with the scope. Gives its path. */
export const writeLocal = Effect.fnUntraced(function*(change: Readonly<Record<string, unknown>> = {}) {
  const folder = yield* temporaryFolder
  const file = join(folder, "collator.json")
  mkdirSync(join(folder, "work"))
  writeFileSync(file, JSON.stringify({ System: { ConfigUrls: {} }, Nats: { NodeID: "collator-1" }, ...change }))
  return { file, folder, sqlite: join(folder, "work/geodns.sqlite") }
})
