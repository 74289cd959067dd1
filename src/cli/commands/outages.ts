import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import type { Outage } from "../../domain/Outage.ts"
import { isOverrideRecord } from "../../domain/Override.ts"
import { storesOf } from "../../roles/stores.ts"
import { OutageStore } from "../../store/OutageStore.ts"
import { counted } from "../counted.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import { terminalColumns } from "../terminal.ts"
import { csvLine } from "../text/csv.ts"
import { shortId } from "../text/outageId.ts"
import { boundsOf, dayForms, periodOf, readDays } from "../text/period.ts"
import { spanText, timeText } from "../text/span.ts"
import { table } from "../text/table.ts"
import { familyText, whatText } from "../text/targetText.ts"
import { warnOfUnknown } from "../unknownFilters.ts"
import { checkReport } from "./reportChecks.ts"

/** What is open or over, how, and how it was decided. */
const stateText = ({ blip, end, proof }: Outage): string =>
  [
    end === undefined ? "open" : blip ? "blip" : "over",
    ...proof?.certified === true ? ["certified"] : [],
    ...proof?.late === true ? ["late"] : []
  ].join(", ")

/** Outages of one page of a table: its columns fit each other, and a long list needs no memory. */
const page = 500

/** Without a beginning. */
const defaultDays = 30

const days = (name: string) =>
  Flag.String(name).pipe(Flag.filterMap(readDays, () => `a day or a month (${dayForms})`), Flag.optional)

const time = (millis: number): string => new Date(millis).toISOString()

const voters = (outage: Outage, agreed: boolean): ReadonlyArray<string> =>
  Object.entries(outage.votes).filter(([, agree]) => agree === agreed).map(([node]) => node).sort()

const document = (outage: Outage) => ({
  id: outage.id,
  ...outage.target,
  start: time(outage.start),
  ...outage.end !== undefined && { end: time(outage.end), seconds: (outage.end - outage.start) / 1000 },
  blip: outage.blip,
  error: outage.error,
  // Whether the certificates hold, geodns verify says.
  ...outage.proof !== undefined && { proof: outage.proof },
  votes: { yes: voters(outage, true), no: voters(outage, false) }
})

const csvTitles = ["id", "member", "check_type", "check", "domain", "endpoint", "ip_version", "start", "end", "seconds"]

const csvRow = ({ blip, end, error, id, start, target }: Outage) =>
  csvLine([
    id,
    target.member,
    target.checkType,
    target.check,
    target.domain,
    target.endpoint,
    target.ipv6 ? 6 : 4,
    time(start),
    end === undefined ? "" : time(end),
    end === undefined ? "" : (end - start) / 1000,
    blip,
    error
  ])

const tableOf = (outages: ReadonlyArray<Outage>, now: number) =>
  table(
    [
      { title: "id", whole: true },
      { title: "member" },
      { title: "what" },
      { title: "ip" },
      { title: "start" },
      { title: "for", right: true },
      { title: "" },
      { title: "error" }
    ],
    outages.map((outage) => [
      // What was taken out by hand nobody decided.
      { text: isOverrideRecord(outage.target) ? "" : shortId(outage.id) },
      { text: outage.target.member },
      { text: whatText(outage.target) },
      { text: familyText(outage.target) },
      { text: timeText(outage.start) },
      { text: spanText((outage.end ?? now) - outage.start) },
      { text: stateText(outage), paint: outage.end === undefined ? paint.bad : paint.dim },
      { text: outage.error }
    ]),
    { room: terminalColumns(), title: paint.bold }
  )

interface Sum {
  readonly outages: number
  readonly overrides: number
}

/** An override has a row for each IP version, and counts once. */
const add = ({ outages, overrides }: Sum, { target }: Outage): Sum =>
  !isOverrideRecord(target)
    ? { outages: outages + 1, overrides }
    : { outages, overrides: overrides + (target.ipv6 ? 0 : 1) }

/** Members that were taken out by hand are no outages: `2 outages, 1 override`. */
const sumText = ({ outages, overrides }: Sum): string => {
  const sum = outages === 0 ? "No outage" : counted(outages, "outage")
  return overrides === 0 ? sum : `${sum}, ${counted(overrides, "override")}`
}

export const outages = Command.make("outages", {
  config: Flag.String("config").pipe(
    Flag.withAlias("c"),
    Flag.withDescription("The local document that names the store, of a collator or a standalone node")
  ),
  from: days("from").pipe(
    Flag.withDescription(`First day or month, UTC (${dayForms}; default: the last ${defaultDays} days)`)
  ),
  to: days("to").pipe(Flag.withDescription("Last day or month, inclusive (default: today)")),
  member: Flag.String("member").pipe(Flag.withDescription("Only of this member, by its name"), Flag.optional),
  domain: Flag.String("domain").pipe(Flag.withDescription("Only of targets with this host name"), Flag.optional),
  open: Flag.Boolean("open").pipe(Flag.withDescription("Only those that are open"), Flag.withDefault(false)),
  blips: Flag.Boolean("no-blips").pipe(
    Flag.withDescription("Without outages that were shorter than MinimumOfflineTime. Overrides stay, however short"),
    Flag.withDefault(false),
    Flag.map((without) => !without)
  ),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON document"), Flag.withDefault(false)),
  csv: Flag.Boolean("csv").pipe(Flag.withDescription("Print CSV with a header"), Flag.withDefault(false))
}, ({ blips, config, csv, domain, from, json, member, open, to }) =>
  toUserError(
    Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      const period = periodOf(from, to, now, defaultDays)
      const store = yield* OutageStore
      const found = store.find({
        ...boundsOf(period),
        ...Option.isSome(member) && { member: member.value },
        ...open && { open }
      }).pipe(
        Stream.filter((outage) =>
          (blips || !outage.blip)
          && (Option.isNone(domain) || outage.target.domain === domain.value.toLowerCase())
        ),
        warnOfUnknown(config, { member, domain })
      )
      // However many there are, they are printed as they come.
      if (json) {
        yield* Console.log(`{"from":"${period.from}","to":"${period.to}","outages":[`)
        yield* Stream.runForEach(
          Stream.zipWithIndex(found),
          ([outage, i]) => Console.log(`${i === 0 ? "" : ","}${JSON.stringify(document(outage))}`)
        )
        return yield* Console.log("]}")
      }
      if (csv) {
        yield* Console.log(csvLine([...csvTitles, "blip", "error"]))
        return yield* Stream.runForEach(found, (outage) => Console.log(csvRow(outage)))
      }
      const shown = yield* found.pipe(
        Stream.grouped(page),
        Stream.runFoldEffect(
          (): Sum => ({ outages: 0, overrides: 0 }),
          (sum, some) => Effect.as(Console.log(tableOf(some, now).join("\n")), some.reduce(add, sum))
        )
      )
      yield* Console.log(
        paint.dim(`${sumText(shown)} from ${period.from} to ${period.to}, UTC`)
      )
    }).pipe(Effect.provide(storesOf(config)))
  )).pipe(
    Command.validate((flags) => checkReport(defaultDays, flags)),
    Command.withDescription(
      "Shows the outages that the store has, all that overlap a period, and when members were taken out by hand. The table has the beginning of each id, which geodns verify takes; --json and --csv have all of it."
    ),
    Command.withExamples([
      { command: "geodns outages --config local.json", description: "The last 30 days" },
      {
        command: 'geodns outages --config local.json --from 2026-04 --member "Rhine Networks" --csv',
        description: "A month of one member"
      }
    ])
  )
