import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { makeAnswers } from "../bus/Answers.ts"
import { Bus, type BusError } from "../bus/Bus.ts"
import * as Messages from "../bus/Messages.ts"
import { maxMessageBytes } from "../bus/MessageSize.ts"
import * as Subject from "../domain/wire/Subject.ts"
import type { UsageRecord } from "../domain/wire/Usage.ts"
import type { PagedUsageRequest, UsageMoreRequest, UsagePage } from "../domain/wire/UsagePages.ts"
import { Conditions } from "../node/Conditions.ts"
import type { DurableFileError } from "../node/DurableFiles.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { type KeyFilter, keyMatcher } from "./keyFilter.ts"
import { makeLeftOut } from "./leftOutJournals.ts"
import { TotalsSum } from "./TotalsSum.ts"
import { UsageJournals } from "./UsageJournals.ts"
import {
  bytesOf,
  type Cursor,
  formatCursor,
  isReplySubject,
  journalsFrom,
  pageBytes,
  pagesPerAsk,
  parseCursor,
  periodProblem,
  recordOf
} from "./usagePages.ts"

/** Rows of a table that are looked at before the event loop gets a turn. */
const slice = 2_000
/** What is left of a message for all but its records. */
const envelopeBytes = 1_024
/** What all answers together may have in bytes: a million totals are some 200 MB, and a collector gets them in a minute. */
const answerRate = { perSecond: 4 * 1024 * 1024, most: 16 * 1024 * 1024 }
/** To look at a total that is not asked for costs something, too: about so much as to send this. */
const rowBytes = 32
/** Questions that wait for their answers. A collator has one here at a time. */
const maxWaiting = 32

/** A period and the totals in it. */
type Wanted = Pick<PagedUsageRequest, "startDate" | "endDate" | "domain" | "memberName" | "country">

const filterOf = ({ country, domain, memberName }: Wanted): KeyFilter => ({ domain, member: memberName, country })

const make = Effect.gen(function*() {
  const identity = yield* NodeIdentity
  const journals = yield* UsageJournals
  const bus = yield* Bus
  const own = { Boot: identity.boot.slice(0, 64) }
  const answers = yield* makeAnswers(Subject.GetUsagePages, answerRate, isReplySubject)

  const leftOut = makeLeftOut(journals.node, yield* Conditions)

  const sendTo = (subject: string, page: Omit<UsagePage, "nodeID">) =>
    Messages.send({ ...Subject.UsagePages, name: subject }, { nodeID: identity.id, ...page }).pipe(
      Effect.provideService(Bus, bus)
    )

  /** Sends pages from a cursor on: the last of them is the final one, or tells how to ask for more. */
  const sendPages = Effect.fnUntraced(function*(wanted: Wanted, from: Cursor | undefined, to: string) {
    const matches = keyMatcher(filterOf(wanted))
    const first = from?.page ?? 0
    let page = first
    let records: Array<UsageRecord> = []
    let bytes = 0
    let looked = 0
    const send = (page: Omit<UsagePage, "nodeID">) => {
      answers.spend(envelopeBytes + bytes + looked * rowBytes)
      looked = 0
      return sendTo(to, { ...page, ...own })
    }
    yield* journals.sync
    const all = yield* journals.list(wanted.startDate, wanted.endDate)
    for (const journal of journalsFrom(all, from)) {
      const { day, writer } = journal
      const table = yield* journals.table(journal)
      const node = table.node ?? journals.node
      const rows = table.rows
      const isFirst = from?.day === day && from.writer === writer
      for (let row = isFirst ? from.row : 0; row < rows; row++) {
        if (row % slice === 0) yield* Effect.yieldNow
        looked += 1
        const hits = table.safeHits(row)
        if (hits === 0) continue
        const key = table.key(row)
        if (!matches(key)) continue
        const record = recordOf(node, day, key, hits)
        records.push(record)
        bytes += bytesOf(record)
        if (bytes < pageBytes) continue
        const next = page + 1 - first < pagesPerAsk
          ? {}
          : { Next: formatCursor({ page: page + 1, day, writer, row: row + 1 }) }
        yield* send({ Writer: writer, Page: page, usageRecords: records, ...next })
        if (next.Next !== undefined) return
        page += 1
        records = []
        bytes = 0
        yield* Effect.yieldNow
      }
      if (records.length === 0) continue
      // A page has totals of one writer and day.
      const next = page + 1 - first < pagesPerAsk
        ? {}
        : { Next: formatCursor({ page: page + 1, day, writer, row: rows }) }
      yield* send({ Writer: writer, Page: page, usageRecords: records, ...next })
      if (next.Next !== undefined) return
      page += 1
      records = []
      bytes = 0
    }
    yield* send({ Page: page, usageRecords: [], Final: true })
  })

  /**
   * v2 takes one message of a node: all in it, or nothing and why. It stores all of it under the id of who answers, so what
   * was counted under another id would count twice.
   */
  const answerWhole = Effect.fnUntraced(function*(wanted: Wanted, to: string) {
    const matches = keyMatcher(filterOf(wanted))
    const sum = new TotalsSum()
    let bytes = 0
    let looked = 0
    yield* journals.sync
    const all = yield* journals.list()
    yield* leftOut.onlyOf(all)
    for (const journal of all) {
      if (journal.day < wanted.startDate || journal.day > wanted.endDate) continue
      const table = yield* journals.table(journal)
      if (table.node !== undefined && table.node !== journals.node) {
        yield* leftOut.add(journal, table.node)
        continue
      }
      for (let row = 0; row < table.rows && bytes <= maxMessageBytes; row++) {
        if (row % slice === 0) yield* Effect.yieldNow
        looked += 1
        const hits = table.safeHits(row)
        const key = table.key(row)
        if (hits === 0 || !matches(key)) continue
        const before = sum.size
        sum.add(journal.day, key, hits)
        // The sum of several starts may have some more digits.
        if (sum.size > before) bytes += bytesOf(recordOf(identity.id, journal.day, key, hits)) + 8
      }
    }
    answers.spend(envelopeBytes + bytes + looked * rowBytes)
    if (bytes > maxMessageBytes - envelopeBytes) {
      // Part of it would be stored as if it were all.
      return yield* sendTo(to, {
        usageRecords: [],
        error:
          "the totals do not fit into one message of 1 MiB: ask for fewer days, one domain or one member, or with Paging"
      })
    }
    const usageRecords = sum.totals(identity.id).map(({ day, hits, ...key }) => recordOf(identity.id, day, key, hits))
    yield* sendTo(to, { usageRecords })
  })

  /** `boot` for who asked for pages: v2 knows none. */
  const refuse = (to: string, error: string, boot: Pick<UsagePage, "Boot">) =>
    Effect.suspend(() => {
      answers.spend(envelopeBytes)
      return sendTo(to, { usageRecords: [], error, ...boot })
    })

  const orSay = (
    to: string,
    answer: Effect.Effect<void, BusError | DurableFileError>,
    boot: Pick<UsagePage, "Boot">
  ) =>
    Effect.catchTag(answer, "DurableFileError", (error) =>
      Effect.andThen(
        Effect.logError("usage cannot be told", error),
        refuse(to, "the journals of this node cannot be read: see its log", boot)
      ))

  const answer = (request: PagedUsageRequest, reply: string | undefined) => {
    const to = reply ?? Subject.UsageData.name
    if (request.Nodes !== undefined && !request.Nodes.includes(identity.id)) return undefined
    const problem = periodProblem(request)
    const isPaged = request.Paging !== undefined && reply !== undefined
    const boot = isPaged ? own : {}
    if (problem !== undefined) return refuse(to, problem, boot)
    return orSay(to, isPaged ? sendPages(request, undefined, to) : answerWhole(request, to), boot)
  }

  const answerMore = (request: UsageMoreRequest, reply: string | undefined) => {
    if (request.NodeID !== identity.id || reply === undefined) return undefined
    // Behind the page of another process of this id there is something else.
    if (request.Boot !== undefined && request.Boot !== own.Boot) return undefined
    const cursor = parseCursor(request.Next)
    const problem = cursor === undefined
      ? `Next ${JSON.stringify(request.Next)} is not one of ours`
      : periodProblem(request)
    return problem === undefined
      ? orSay(reply, sendPages(request, cursor, reply), own)
      : refuse(reply, problem, own)
  }

  const waiting = yield* Queue.dropping<Effect.Effect<void, BusError>>(maxWaiting)
  /** No faster than all together may cost: who has the right to ask waits a little, and loses nothing. */
  const inTurn = Effect.fnUntraced(
    function*(reply: string | undefined, answer: Effect.Effect<void, BusError> | undefined) {
      if (answer === undefined || reply !== undefined && !(yield* answers.mayGoTo(reply))) return
      if (!Queue.offerUnsafe(waiting, answer)) yield* answers.tooMany
    }
  )
  yield* Queue.take(waiting).pipe(
    Effect.tap(answers.whenTheyMay),
    Effect.flatten,
    // What is asked while the bus is away is asked again by who asks.
    Effect.catch((error) => Effect.logDebug("usage could not be told", error)),
    Effect.catchCause((cause) => Effect.logError("telling usage failed", cause)),
    Effect.forever,
    Effect.forkScoped
  )
  yield* Messages.receive(Subject.GetUsagePages, (request, { reply }) => inTurn(reply, answer(request, reply)))
  yield* Messages.receive(Subject.MoreUsage, (request, { reply }) => inTurn(reply, answerMore(request, reply)))
})

/**
 * Answers those who ask for the usage of this node: collators of ours in pages per writer, v2's in one message of sums. It has
 * no methods: the layer is all there is.
 */
export const layer: Layer.Layer<never, BusError, UsageJournals | Bus | NodeIdentity | Conditions> = Layer.effectDiscard(
  make
)
