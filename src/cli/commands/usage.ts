import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { storesOf } from "../../roles/stores.ts"
import { UsageStore } from "../../store/UsageStore.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import { terminalColumns } from "../terminal.ts"
import { csvLine } from "../text/csv.ts"
import { dayForms, periodOf, readDays } from "../text/period.ts"
import { table } from "../text/table.ts"
import { warnOfUnknown } from "../unknownFilters.ts"
import { collectionDocument, collectionText, readCollection } from "../usageCollection.ts"
import { type Grouping, groupings, UsageReport } from "../usageReport.ts"
import { checkReport } from "./reportChecks.ts"

/** Without a beginning. */
const defaultDays = 7

const days = (name: string) =>
  Flag.String(name).pipe(Flag.filterMap(readDays, () => `a day or a month (${dayForms})`), Flag.optional)

const filter = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional)

const readGroupings = (text: string): Option.Option<ReadonlyArray<Grouping>> => {
  const wanted = text.split(",").map((name) => name.trim())
  return wanted.every((name): name is Grouping => (groupings as ReadonlyArray<string>).includes(name)) &&
      new Set(wanted).size === wanted.length
    ? Option.some(wanted)
    : Option.none()
}

const sameText = (wanted: Option.Option<string>, ...texts: ReadonlyArray<string>): boolean =>
  Option.isNone(wanted) || texts.some((text) => text.toLowerCase() === wanted.value.toLowerCase())

export const usage = Command.make("usage", {
  config: Flag.String("config").pipe(
    Flag.withAlias("c"),
    Flag.withDescription("The local document that names the store, of a collator or a standalone node")
  ),
  from: days("from").pipe(
    Flag.withDescription(`First day or month, UTC (${dayForms}; default: the last ${defaultDays} days)`)
  ),
  to: days("to").pipe(Flag.withDescription("Last day or month, inclusive (default: today)")),
  by: Flag.String("by").pipe(
    Flag.withDescription(`What to add up by, in this order: ${groupings.join(", ")} (default member)`),
    Flag.filterMap(readGroupings, () => `some of ${groupings.join(",")}`),
    Flag.withDefault<ReadonlyArray<Grouping>>(["member"])
  ),
  member: filter("member", "Only answers with this member, by its name"),
  domain: filter("domain", "Only answers to this name"),
  country: Flag.String("country").pipe(
    Flag.withDescription("Only clients of this country, by its code (DE); ?? for those whose country is not known"),
    Flag.filter(
      (text) => /^([a-z]{2}|\?\?)$/i.test(text),
      () => "the two letters of a country (DE), or ?? for those whose country is not known"
    ),
    Flag.optional
  ),
  asn: Flag.String("asn").pipe(
    Flag.withDescription("Only clients of this network, as AS13335"),
    Flag.filter((text) => /^(AS)?\d+$/i.test(text), () => "the number of a network (AS13335)"),
    Flag.optional
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON document"), Flag.withDefault(false)),
  csv: Flag.Boolean("csv").pipe(Flag.withDescription("Print CSV with a header"), Flag.withDefault(false))
}, ({ asn, by, config, country, csv, domain, from, json, member, to }) =>
  toUserError(
    Effect.gen(function*() {
      const period = periodOf(from, to, yield* Clock.currentTimeMillis, defaultDays)
      const report = new UsageReport(by)
      const store = yield* UsageStore
      yield* store.find({
        ...period,
        ...Option.isSome(member) && { member: member.value },
        ...Option.isSome(domain) && { domain: domain.value.toLowerCase() }
      }).pipe(
        warnOfUnknown(config, { member, domain }),
        Stream.filter((total) =>
          sameText(country, total.country) && sameText(asn, total.asn, total.asn.replace(/^AS/, ""))
        ),
        Stream.runForEach((total) => Effect.sync(() => report.add(total)))
      )
      const collection = yield* readCollection(config, period)
      const lines = report.lines()
      if (json) {
        return yield* Console.log(JSON.stringify({
          ...period,
          total: report.total,
          collection: collectionDocument(collection),
          lines: lines.map(({ hits, keys }) => ({ ...Object.fromEntries(by.map((name, i) => [name, keys[i]])), hits }))
        }))
      }
      if (csv) {
        yield* Console.error(collectionText(collection))
        return yield* Console.log(
          [csvLine([...by, "hits"]), ...lines.map(({ hits, keys }) => csvLine([...keys, hits]))].join("\n")
        )
      }
      yield* Console.log([
        ...table(
          [...by.map((title) => ({ title })), { title: "answers", right: true }],
          lines.map(({ hits, keys }) => [...keys.map((text) => ({ text })), { text: String(hits) }]),
          { room: terminalColumns(), title: paint.bold }
        ),
        paint.dim(`${report.total} answers from ${period.from} to ${period.to}, UTC`),
        paint.dim(collectionText(collection))
      ].join("\n"))
    }).pipe(Effect.provide(storesOf(config)))
  )).pipe(
    Command.validate((flags) => checkReport(defaultDays, flags)),
    Command.withDescription("Shows how many DNS answers were counted, for which member, name, country and network"),
    Command.withExamples([
      { command: "geodns usage --config local.json", description: "The last 7 days, per member" },
      {
        command: "geodns usage --config local.json --from 2026-04 --by day,domain --csv",
        description: "A month, per day and name"
      }
    ])
  )
