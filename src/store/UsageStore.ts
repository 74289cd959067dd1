import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Fragment } from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import { countedUsage } from "./foreignUsage.ts"
import { unpadded } from "./StoredText.ts"
import { databaseError, retryDeadlocks, type StoreError } from "./StoreError.ts"
import {
  compareUsage,
  encodeUsage,
  nodeOf,
  type StoredUsage,
  usageProblem,
  type UsageRow,
  type UsageTotal,
  WriterSum
} from "./UsageRow.ts"

export { type UsageRow, type UsageTotal, usageWidths } from "./UsageRow.ts"

/** Which usage. Everything given must hold. */
export interface UsageQuery {
  /** First and last day, both inclusive. */
  readonly from?: string
  readonly to?: string
  readonly node?: string
  readonly domain?: string
  readonly member?: string
  readonly country?: string
  /** As `AS13335`. */
  readonly asn?: string
}

const columnNames = [
  "date",
  "node_id",
  "domain_name",
  "member_name",
  "network_asn",
  "network_name",
  "country_code",
  "country_name",
  "is_ipv6",
  "hits"
] as const
const columns = columnNames.join(", ")
/** The primary key, in its order. */
const keyNames = [
  "date",
  "domain_name",
  "member_name",
  "network_asn",
  "network_name",
  "country_code",
  "country_name",
  "is_ipv6",
  "node_id"
] as const
const placeholders = columnNames.map(() => "?").join(", ")
/** All values of a statement in one list: lists per row cost more than the rest of making one. */
const valuesOf = (rows: ReadonlyArray<StoredUsage>): ReadonlyArray<string | number> => {
  const values: Array<string | number> = []
  for (const row of rows) {
    for (const name of columnNames) values.push(row[name])
  }
  return values
}

/** Rows of one statement. */
const batchRows = 500
/** Rows of one page of a stream: what is read without a turn for the event loop. */
const pageRows = 500

const refusedRows = Metric.counter("geodns_store_usage_refused_total", {
  description: "Usage rows that were set aside because no column holds them",
  incremental: true
})

/** The rows that can be stored; the others are reported, so that one bad row costs itself and not the batch. */
const storable = Effect.fnUntraced(function*(rows: ReadonlyArray<UsageRow>) {
  const good: Array<StoredUsage> = []
  let refused = 0
  let first: string | undefined
  for (const row of rows) {
    const problem = usageProblem(row)
    if (problem === undefined) good.push(encodeUsage(row))
    else {
      refused += 1
      first ??= problem
    }
  }
  if (refused > 0) {
    yield* Metric.update(refusedRows, refused)
    yield* Effect.logWarning("usage rows set aside").pipe(Effect.annotateLogs({ rows: refused, first }))
  }
  return good
})

/** Counted answers. Every stored value is an absolute total of one writer: sending it again changes nothing. */
export class UsageStore extends Context.Service<UsageStore, {
  /**
   * Stores totals; of two for one key the greater stays, whatever their order. All or none when the database fails; a row
   * that no column holds is set aside, logged and counted.
   */
  readonly upsert: (rows: ReadonlyArray<UsageRow>) => Effect.Effect<void, StoreError>
  /**
   * Totals in order of day, domain, member, ASN, network, country, country name, IP version and node, by code point.
   * Read in pages, so it may be long and slow; what is stored meanwhile may be in it or not.
   */
  readonly find: (query: UsageQuery) => Stream.Stream<UsageTotal, StoreError>
}>()("effect-geodns/store/UsageStore") {
  /** In the tables of a migrated database. */
  static readonly layer: Layer.Layer<UsageStore, never, SqlClient.SqlClient> = Layer.effect(
    UsageStore,
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient

      // In MySQL `foreign_at` is said, or the server would take the row for one of v2's.
      const { into, keepGreatest, rowText } = sql.onDialectOrElse({
        mysql: () => ({
          into: `${columns}, foreign_at`,
          rowText: `(${placeholders}, NULL),`,
          keepGreatest: "ON DUPLICATE KEY UPDATE hits = GREATEST(hits, VALUES(hits)), foreign_at = foreign_at"
        }),
        orElse: () => ({
          into: columns,
          rowText: `(${placeholders}),`,
          keepGreatest: `ON CONFLICT (${keyNames.join(", ")})
            DO UPDATE SET hits = excluded.hits WHERE excluded.hits > hits`
        })
      })

      // Written out, and not by the helper for inserts, which takes longer than the database.
      const insertBatch = (batch: ReadonlyArray<StoredUsage>) =>
        sql.unsafe(
          `INSERT INTO requests (${into}) VALUES ${rowText.repeat(batch.length).slice(0, -1)} ${keepGreatest}`,
          valuesOf(batch)
        )

      const upsert = Effect.fn("UsageStore.upsert")(function*(rows: ReadonlyArray<UsageRow>) {
        yield* retryDeadlocks(sql.withTransaction(Effect.gen(function*() {
          for (let i = 0; i < rows.length; i += batchRows) {
            // In the order of the key, so that two that write the same keys wait for each other in turn.
            const batch = (yield* storable(rows.slice(i, i + batchRows))).sort(compareUsage)
            if (batch.length > 0) yield* insertBatch(batch)
            yield* Effect.yieldNow
          }
        })))
      }, Effect.catchTag("SqlError", (error) => Effect.fail(databaseError("store usage")(error))))

      const whereOf = (query: UsageQuery): ReadonlyArray<Fragment> => {
        const where: Array<Fragment> = []
        if (query.domain !== undefined) where.push(sql`domain_name = ${query.domain}`)
        if (query.member !== undefined) where.push(sql`member_name = ${query.member}`)
        if (query.country !== undefined) where.push(sql`country_code = ${query.country}`)
        if (query.asn !== undefined) where.push(sql`network_asn = ${query.asn}`)
        if (query.node !== undefined) {
          // Every node id that begins with the node and a ~: the character after ~ ends the range.
          const { node } = query
          where.push(sql`(node_id = ${node} OR (node_id >= ${`${node}~`} AND node_id < ${`${node}\x7f`}))`)
        }
        return where
      }
      const daysOf = (query: UsageQuery): ReadonlyArray<Fragment> => {
        const where: Array<Fragment> = []
        if (query.from !== undefined) where.push(sql`date >= ${query.from}`)
        if (query.to !== undefined) where.push(sql`date <= ${query.to}`)
        return where
      }
      const selected = sql.literal(`SELECT ${columns} FROM requests`)
      const order = sql.literal(keyNames.join(", "))
      // MySQL finds its place in the key from equal beginnings, and not from a comparison of rows.
      const behind = sql.onDialectOrElse({
        mysql: () => (row: StoredUsage): Fragment =>
          sql.or(keyNames.map((name, i) =>
            sql.and([
              ...keyNames.slice(0, i).map((before) => sql`${sql(before)} = ${row[before]}`),
              sql`${sql(name)} > ${row[name]}`
            ])
          )),
        orElse: () => (row: StoredUsage): Fragment =>
          sql`(${order}) > (${sql.csv(keyNames.map((name) => sql`${row[name]}`))})`
      })

      /** The key is in this order, so a page begins where the last one ended, and between them no connection is held. */
      const readPages = (where: ReadonlyArray<Fragment>): Stream.Stream<StoredUsage, SqlError> =>
        Stream.paginate<StoredUsage | undefined, StoredUsage, SqlError>(undefined, (after) =>
          Effect.gen(function*() {
            const rows = yield* sql<StoredUsage>`
              ${selected} WHERE ${sql.and(after === undefined ? where : [...where, behind(after)])}
              ORDER BY ${order} LIMIT ${sql.literal(String(pageRows))}`
            const last = rows.length < pageRows ? undefined : rows.at(-1)
            yield* Effect.yieldNow
            return [rows, last === undefined ? Option.none() : Option.some(last)] as const
          }))

      /** Day by day, so that no statement looks through more than one for what may be rare. */
      const readDays = (query: UsageQuery): Stream.Stream<StoredUsage, SqlError> =>
        Stream.fromIterableEffect(
          sql<{ readonly date: string }>`SELECT DISTINCT date FROM requests WHERE ${
            sql.and(daysOf(query))
          } ORDER BY date`
        ).pipe(
          Stream.flatMap(({ date }) => readPages([sql`date = ${date}`, sql.literal(countedUsage), ...whereOf(query)]))
        )

      const read = sql.onDialectOrElse({
        mysql: () => readDays,
        orElse: () => (query: UsageQuery) => readPages([...daysOf(query), ...whereOf(query)])
      })

      const find = (asked: UsageQuery): Stream.Stream<UsageTotal, StoreError> =>
        Stream.suspend(() => {
          const query = storedQuery(asked)
          const sum = new WriterSum()
          return read(query).pipe(
            Stream.chunks,
            Stream.map((rows) => rows.flatMap((row) => isOf(query.node, row) ? sum.push(row) : [])),
            Stream.flattenIterable,
            Stream.concat(Stream.suspend(() => Stream.fromIterable(sum.end()))),
            Stream.mapError(databaseError("read usage"))
          )
        })

      return UsageStore.of({ upsert, find })
    })
  )

  /** In memory, with the same meaning. */
  static readonly layerMemory: Layer.Layer<UsageStore> = Layer.sync(UsageStore, () => {
    const stored = new Map<string, StoredUsage>()

    const upsert = Effect.fn("UsageStore.upsert")(function*(rows: ReadonlyArray<UsageRow>) {
      for (const row of yield* storable(rows)) {
        const { hits, ...key } = row
        const id = JSON.stringify(Object.values(key))
        if (hits > (stored.get(id)?.hits ?? -1)) stored.set(id, row)
      }
    })

    const matches = (query: UsageQuery) => (row: StoredUsage): boolean =>
      (query.from === undefined || row.date >= query.from) &&
      (query.to === undefined || row.date <= query.to) &&
      (query.domain === undefined || row.domain_name === query.domain) &&
      (query.member === undefined || row.member_name === query.member) &&
      (query.country === undefined || row.country_code === query.country) &&
      (query.asn === undefined || row.network_asn === query.asn) &&
      isOf(query.node, row)

    const find = (asked: UsageQuery): Stream.Stream<UsageTotal, StoreError> =>
      Stream.suspend(() => {
        const query = storedQuery(asked)
        const sum = new WriterSum()
        const rows = [...stored.values()].filter(matches(query)).sort(compareUsage)
        const totals = rows.flatMap((row) => sum.push(row))
        return Stream.fromIterable([...totals, ...sum.end()])
      })

    return UsageStore.of({ upsert, find })
  })
}

/** What is asked for as it is stored. */
const storedQuery = (query: UsageQuery): UsageQuery =>
  Object.fromEntries(
    Object.entries<string | undefined>({ ...query }).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, unpadded(text)]]
    )
  )

const isOf = (node: string | undefined, row: StoredUsage): boolean => node === undefined || nodeOf(row.node_id) === node
