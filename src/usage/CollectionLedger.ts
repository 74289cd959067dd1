import * as Schema from "effect/Schema"
import { dayOf } from "../domain/wire/Usage.ts"
import { endOf, isClosed } from "./closing.ts"
import { journalDays } from "./UsageJournals.ts"

/** The file in the work directory of a collator that holds the ledger. */
export const ledgerFile = "usage-collected.json"

/** What is known of one node and day. */
const NodeDay = Schema.Struct({
  /** When the node last gave all its totals of the day, in milliseconds since the epoch; 0 for never. */
  collectedAt: Schema.Number,
  /** It gave them after the day was over: that is all there is. */
  complete: Schema.Boolean,
  /** The hits that it gave. */
  hits: Schema.Number,
  /** How many hits fewer it gave than before. The store has kept the greater totals. */
  fallen: Schema.Number,
  /** How many hits came after the day was closed. */
  corrected: Schema.Number
})
type NodeDay = typeof NodeDay.Type

/** The ledger as it is kept. */
export const LedgerDocument = Schema.fromJsonString(Schema.Struct({
  version: Schema.Literal(1),
  days: Schema.Record(Schema.String, Schema.Record(Schema.String, NodeDay)),
  /** The nodes that were there last, and the day. */
  last: Schema.Struct({ day: Schema.String, nodes: Schema.Array(Schema.String) })
}))
type Document = typeof LedgerDocument.Type

/** How complete the usage of one node and day is. */
export interface Completeness {
  readonly day: string
  readonly node: string
  /** `running`: the day is not over; `complete`: all of it is stored; `missing`: the node has not given all of it. */
  readonly state: "running" | "complete" | "missing"
  /** When it was last collected, in milliseconds since the epoch; undefined for never. */
  readonly collectedAt: number | undefined
  readonly hits: number
  /** Hits that a node had told before and does not tell any more: its journals or its database are damaged. They are kept. */
  readonly fallen: number
  /** Hits that came when the day was closed: bills of it are too low by them. */
  readonly corrected: number
  /** The day ended more than 48 hours ago. */
  readonly closed: boolean
}

const dayMillis = 86_400_000
/** How long after its end a day may still be counted on by nodes whose clocks are late. Milliseconds. */
const lateClocks = 10 * 60_000
/** Nodes of a day at most. What is beyond is collected, but not remembered. */
const maxNodes = 1_000
/** Days that are remembered: twice more than are asked for, so that a clock that is wrong for a while drives none of them out. */
const maxDays = 3 * (journalDays + 1)

/** Collected later than now it was collected by a clock that was ahead: whether the day was over is not known. */
const believed = (it: NodeDay, now: number): NodeDay =>
  it.collectedAt <= now + lateClocks ? it : { ...it, collectedAt: now, complete: false }

const unknown: NodeDay = { collectedAt: 0, complete: false, hits: 0, fallen: 0, corrected: 0 }

/**
 * What was collected from whom: the pure core of `UsageCollector`. A day of a node is complete when the node gave all of it
 * after its end; until then it is asked again, as long as the node can still know.
 */
export class CollectionLedger {
  readonly #days = new Map<string, Map<string, NodeDay>>()
  #last: { readonly day: string; readonly nodes: ReadonlyArray<string> } = { day: "", nodes: [] }

  /** Goes on from what was kept. */
  static from(document: Document): CollectionLedger {
    const ledger = new CollectionLedger()
    for (const [day, nodes] of Object.entries(document.days)) ledger.#days.set(day, new Map(Object.entries(nodes)))
    ledger.#last = document.last
    return ledger
  }

  toDocument(): Document {
    return {
      version: 1,
      days: Object.fromEntries([...this.#days].map(([day, nodes]) => [day, Object.fromEntries(nodes)])),
      last: this.#last
    }
  }

  /**
   * These nodes are there: they are expected to tell this day. Those that were there last are expected to tell the days since
   * then too, for nobody was here to see when they went.
   */
  expect(nodes: ReadonlyArray<string>, now: number): void {
    // For good: when its time comes, what a clock that was ahead has noted is no truer.
    for (const of of this.#days.values()) for (const [node, it] of of) of.set(node, believed(it, now))
    const today = dayOf(now)
    const first = this.#last.day > this.#firstDay(now) ? this.#last.day : this.#firstDay(now)
    if (this.#last.nodes.length > 0) {
      for (let day = first; day < today; day = dayOf(endOf(day))) this.#expectOn(day, this.#last.nodes)
    }
    this.#expectOn(today, nodes)
    this.#last = { day: today, nodes: nodes.slice(0, maxNodes) }
    this.#forget(today)
  }

  /** A node gave all its totals of a day: so many hits. Says what is odd about it. */
  collected(
    node: string,
    day: string,
    hits: number,
    now: number
  ): { readonly fell: number; readonly corrected: number } {
    const nodes = this.#days.get(day) ?? new Map<string, NodeDay>()
    const before = believed(nodes.get(node) ?? unknown, now)
    const fell = before.collectedAt === 0 ? 0 : Math.max(0, before.hits - hits)
    const corrected = before.complete && isClosed(day, now) ? Math.max(0, hits - before.hits) : 0
    if (nodes.has(node) || nodes.size < maxNodes) {
      this.#days.set(day, nodes)
      nodes.set(node, {
        collectedAt: now,
        complete: before.complete || now >= endOf(day) + lateClocks,
        hits: Math.max(before.hits, hits),
        fallen: Math.max(before.fallen, fell),
        corrected: before.corrected + corrected
      })
    }
    return { fell, corrected }
  }

  /** The days before yesterday that these nodes have not told in full, oldest first: what is to be asked besides. */
  toCatchUp(
    nodes: ReadonlyArray<string>,
    now: number
  ): ReadonlyArray<{ readonly day: string; readonly nodes: ReadonlyArray<string> }> {
    const yesterday = dayOf(now - dayMillis)
    const missing: Array<{ readonly day: string; readonly nodes: ReadonlyArray<string> }> = []
    for (let day = this.#firstDay(now); day < yesterday; day = dayOf(endOf(day))) {
      const behind = nodes.filter((node) => !this.#of(day, node, now).complete)
      if (behind.length > 0) missing.push({ day, nodes: behind })
    }
    return missing
  }

  /** What is known of the days that are asked for, by day and node. */
  completeness(now: number): ReadonlyArray<Completeness> {
    const first = this.#firstDay(now)
    const today = dayOf(now)
    const days = [...this.#days].filter(([day]) => day >= first && day <= today).sort(([a], [b]) => a < b ? -1 : 1)
    return days.flatMap(([day, nodes]) =>
      [...nodes.keys()].sort().map((node): Completeness => {
        const it = this.#of(day, node, now)
        return {
          day,
          node,
          state: it.complete ? "complete" : now < endOf(day) + lateClocks ? "running" : "missing",
          collectedAt: it.collectedAt === 0 ? undefined : it.collectedAt,
          hits: it.hits,
          fallen: it.fallen,
          corrected: it.corrected,
          closed: isClosed(day, now)
        }
      })
    )
  }

  #of(day: string, node: string, now: number): NodeDay {
    return believed(this.#days.get(day)?.get(node) ?? unknown, now)
  }

  /** By number and not by the clock: one that is ahead must not drop what is missing. The farthest from today go. */
  #forget(today: string): void {
    const far = (day: string) => Math.abs(Date.parse(day) - Date.parse(today))
    const days = [...this.#days.keys()].sort((a, b) => far(a) - far(b))
    for (const day of days.slice(maxDays)) this.#days.delete(day)
  }

  #firstDay(now: number): string {
    return dayOf(now - journalDays * dayMillis)
  }

  #expectOn(day: string, nodes: ReadonlyArray<string>): void {
    const known = this.#days.get(day) ?? new Map<string, NodeDay>()
    this.#days.set(day, known)
    for (const node of nodes) if (!known.has(node) && known.size < maxNodes) known.set(node, unknown)
  }
}
