import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { Bus } from "../bus/Bus.ts"
import * as Messages from "../bus/Messages.ts"
import { Membership } from "../cluster/Membership.ts"
import * as Subject from "../domain/wire/Subject.ts"
import { dayOf } from "../domain/wire/Usage.ts"
import type { UsagePage } from "../domain/wire/UsagePages.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import type { StoreError } from "../store/StoreError.ts"
import { type UsageRow, UsageStore } from "../store/UsageStore.ts"
import { collectedRows, type Period, storedNode } from "./collectedRows.ts"
import { CollectionLedger, LedgerDocument, ledgerFile } from "./CollectionLedger.ts"
import { gatherUsage } from "./gatherUsage.ts"
import { TotalsSum } from "./TotalsSum.ts"
import type { UsageCollector } from "./UsageCollector.ts"

const incomplete = "usage:incomplete"
const storing = "usage:collect"
const sharing = "usage:shared-id"
const hourMillis = 3_600_000
const dayMillis = 86_400_000
/** When it begins: by then the nodes that are there have been heard. */
const firstAfter = "1 minute"
/** How often those that have not answered are asked again within a collection. */
const attempts = 3

const collectedPages = Metric.counter("geodns_usage_collected_pages_total", {
  description: "Pages and whole answers of DNS nodes that were stored",
  incremental: true
})
const missingNodes = Metric.gauge("geodns_usage_incomplete", {
  description: "Days and nodes whose usage is not complete though the day is over"
})
const fallenTotals = Metric.counter("geodns_usage_fallen_total", {
  description: "Totals of v2 nodes that were lower than before, or gone; the greater ones are kept",
  incremental: true
})

/** Makes the service `UsageCollector`. */
export const makeUsageCollector = Effect.gen(function*() {
  const bus = yield* Bus
  const membership = yield* Membership
  const store = yield* UsageStore
  const files = yield* DurableFiles
  const conditions = yield* Conditions
  const lock = yield* Semaphore.make(1)

  const kept = yield* files.read(ledgerFile).pipe(
    Effect.flatMap(Option.match({
      onNone: () => Effect.succeed(new CollectionLedger()),
      onSome: (text) => Effect.map(Schema.decodeUnknownEffect(LedgerDocument)(text), CollectionLedger.from)
    })),
    Effect.catch((error) =>
      Effect.as(
        Effect.logWarning(
          "what was collected before is not known; days are collected again, which changes nothing",
          error
        ),
        new CollectionLedger()
      )
    )
  )
  const ledger: CollectionLedger = kept

  const keep = Effect.suspend(() => Schema.encodeEffect(LedgerDocument)(ledger.toDocument())).pipe(
    Effect.flatMap((text) => files.write(ledgerFile, text)),
    Effect.catch((error) => Effect.logWarning("what was collected is not kept for the next start", error))
  )

  const activeNodes = Effect.map(
    membership.nodes,
    (nodes) => nodes.filter(({ active, role }) => active && role === "IBPDns").map(({ id }) => id)
  )

  /** v2 has no writers, so a total of its nodes may fall. The store keeps the greater one; somebody should know. */
  const countFallen = Effect.fnUntraced(function*(node: string, period: Period, rows: ReadonlyArray<UsageRow>) {
    const told = new TotalsSum()
    for (const { day, hits, ...key } of rows) told.add(day, key, hits)
    let fallen = 0
    yield* store.find({ from: period.startDate, to: period.endDate, node }).pipe(
      Stream.runForEach(({ day, hits, ...key }) =>
        Effect.sync(() => {
          if (told.hitsOf(day, key) < hits) fallen += 1
        })
      )
    )
    if (fallen === 0) return
    yield* Metric.update(fallenTotals, fallen)
    yield* Effect.logWarning("a DNS node tells lower totals than before; the greater ones are kept").pipe(
      Effect.annotateLogs({ node, totals: fallen, from: period.startDate, to: period.endDate })
    )
  })

  // Whether nodes were found to share an id. Then all questions wait for the slower one, too.
  let isShared = false
  const reportShared = (nodes: ReadonlySet<string>, isFirst: boolean) =>
    Effect.suspend(() => {
      if (nodes.size === 0 && !isFirst) return Effect.void
      isShared = nodes.size > 0
      if (!isShared) return conditions.clear(sharing)
      const list = [...nodes].sort().slice(0, 10).join(", ")
      return conditions.raise(
        sharing,
        `two nodes answer as ${list}: the usage of both is collected under that id, but when one of them is away the days `
          + "look complete all the same. Give each a Nats.NodeID of its own"
      )
    })

  /** Asks once, stores what comes, and notes who has told all. Gives those who have. */
  const ask = Effect.fn("UsageCollector.ask")(function*(
    period: Period,
    expected: ReadonlyArray<string>,
    nodes: ReadonlyArray<string> | undefined
  ) {
    const hits = new Map<string, Map<string, number>>()
    let failure: StoreError | undefined

    const take = Effect.fnUntraced(
      function*(page: UsagePage) {
        const isWhole = page.Page === undefined
        const node = storedNode(page.nodeID)
        const rows = collectedRows(node, page.Writer ?? "", period, page.usageRecords)
        if (isWhole) yield* countFallen(node, period, rows)
        yield* store.upsert(rows)
        yield* Metric.update(collectedPages, 1)
        const days = hits.get(page.nodeID) ?? new Map<string, number>()
        hits.set(page.nodeID, days)
        // What it counted under another id it tells for that one.
        for (const row of rows) if (row.node === node) days.set(row.day, (days.get(row.day) ?? 0) + row.hits)
        return true
      },
      Effect.catch((error: StoreError) =>
        Effect.sync(() => {
          failure = error
          return false
        })
      )
    )

    const isFirst = nodes === undefined
    const { complete, shared } = yield* gatherUsage({
      period,
      expected,
      take,
      linger: isFirst || isShared,
      ...(nodes !== undefined && { nodes })
    }).pipe(Effect.provideService(Bus, bus))
    yield* reportShared(shared, isFirst)
    const now = yield* Clock.currentTimeMillis
    for (const node of complete) {
      for (let day = period.startDate; day <= period.endDate; day = dayOf(Date.parse(day) + dayMillis)) {
        const { corrected, fell } = ledger.collected(node, day, hits.get(node)?.get(day) ?? 0, now)
        if (fell > 0 || corrected > 0) {
          yield* Effect.logWarning(
            fell > 0
              ? "a DNS node tells fewer answers than before"
              : "answers came for a day that was closed: a correction"
          ).pipe(Effect.annotateLogs({ node, day, hits: fell > 0 ? fell : corrected }))
        }
      }
    }
    yield* failure === undefined
      ? conditions.clear(storing)
      : conditions.raise(
        storing,
        `collected usage cannot be stored (${failure.problem}); it is asked for again every hour`
      )
    return complete
  })

  /** Asks until those who are expected have told all, a bounded number of times. */
  const askAgain = Effect.fnUntraced(
    function*(period: Period, expected: ReadonlyArray<string>, nodes?: ReadonlyArray<string>) {
      let missing = expected
      let only = nodes
      for (let attempt = 0; attempt < attempts; attempt++) {
        const complete = yield* ask(period, missing, only)
        missing = missing.filter((node) => !complete.has(node))
        if (missing.length === 0) return
        only = missing
      }
    }
  )

  const report = Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const missing = ledger.completeness(now).filter(({ state }) => state === "missing")
    yield* Metric.update(missingNodes, missing.length)
    if (missing.length === 0) return yield* conditions.clear(incomplete)
    const days = Map.groupBy(missing, ({ day }) => day)
    const list = [...days].slice(0, 5).map(([day, of]) =>
      `${day}: ${of.map(({ node }) => node).slice(0, 10).join(", ")}`
    )
    yield* conditions.raise(
      incomplete,
      `usage is incomplete (${list.join("; ")}${
        days.size > 5 ? "; and other days" : ""
      }): these nodes have not told all of `
        + "those days, so bills of them would be too low. They are asked again every hour, for five weeks"
    )
  })

  const collect = Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    const active = yield* activeNodes
    ledger.expect(active, now)
    yield* askAgain({ startDate: dayOf(now - dayMillis), endDate: dayOf(now) }, active)
    yield* keep
    for (const { day, nodes } of ledger.toCatchUp(active, now)) {
      yield* askAgain({ startDate: day, endDate: day }, nodes, nodes)
      yield* keep
    }
  }).pipe(
    // Without the bus there is nothing to collect; the next hour comes soon.
    Effect.catch((error) => Effect.logWarning("usage could not be collected", error)),
    Effect.catchCause((cause) => Effect.logError("usage could not be collected", cause)),
    Effect.andThen(Effect.andThen(keep, report)),
    lock.withPermit,
    Effect.withSpan("UsageCollector.collect")
  )

  // What nodes tell others on the common subject is a sign of life, and nothing else: who answers there sums its writers.
  yield* Messages.receive(
    Subject.UsageData,
    ({ nodeID }) => nodeID === "" ? Effect.void : membership.heard(nodeID, "usage")
  )
    .pipe(Effect.provideService(Bus, bus))

  const untilTheHour = Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sleep(hourMillis - now % hourMillis))
  yield* report
  yield* Effect.sleep(firstAfter).pipe(
    Effect.andThen(Effect.forever(Effect.andThen(collect, untilTheHour))),
    Effect.forkScoped
  )

  const service: UsageCollector["Service"] = {
    collect,
    completeness: Effect.map(Clock.currentTimeMillis, (now) => ledger.completeness(now))
  }
  return service
})
