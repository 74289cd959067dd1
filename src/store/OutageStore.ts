import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Fragment } from "effect/sql/Statement"
import * as Stream from "effect/Stream"
import type { DecisionProof } from "../domain/DecisionProof.ts"
import type { Outage } from "../domain/Outage.ts"
import { describeTarget, type Target, targetKey } from "../domain/Target.ts"
import { Conditions } from "../node/Conditions.ts"
import { closingRow, type DecisionRow, decodeDecision, openingRow, proofColumns } from "./DecisionRow.ts"
import { decodeOutage, encodeOutage, type OutageRow, storedMember, type StoredOutage } from "./OutageRow.ts"
import { boundToText, compareStored, storedKey, timeToText } from "./StoredText.ts"
import { AlreadyOpen, BadRow, databaseError, retryDeadlocks, StoreError } from "./StoreError.ts"

/** Which outages. Everything given must hold. */
export interface OutageQuery {
  readonly id?: string
  /** What the id begins with. */
  readonly idStart?: string
  /** `Details.Name`. */
  readonly member?: string
  readonly target?: Target
  /** Milliseconds since the epoch: outages that overlap `[from, to)` in any way, open ones too. */
  readonly from?: number
  readonly to?: number
  readonly open?: boolean
}

/** The decision that closed an outage. */
export interface ClosingDecision {
  /** The id of the proposal. */
  readonly id: string
  /** Node id → agreed. */
  readonly votes: Readonly<Record<string, boolean>>
  /** Where it was made by a certificate. */
  readonly proof?: DecisionProof
}

/** A decision that opened or closed an outage. */
export interface OutageDecision extends ClosingDecision {
  /** False for the one that opened it. */
  readonly up: boolean
  /** Milliseconds since the epoch. */
  readonly decidedAt: number
}

const table = "member_events"
/** Rows of one page of a stream from SQLite: what is read and decoded without a turn for the event loop. */
const pageRows = 100
/** The same from MySQL, where reading is not on this thread, but each page is a trip to the server. */
const mysqlPageRows = 1_000

const badRow = (operation: string, in_: string, row: string) => (problem: string): StoreError =>
  new StoreError({ operation, reason: new BadRow({ table: in_, row, problem }) })

const encode = (outage: Outage): Effect.Effect<OutageRow, StoreError> =>
  Effect.mapError(Effect.fromResult(encodeOutage(outage)), badRow("store an outage", table, outage.id))

const endText = (id: string, end: number): Effect.Effect<string, StoreError> =>
  Option.match(timeToText(end), {
    onNone: () => Effect.fail(badRow("close an outage", table, id)(`its end ${end} is no time`)),
    onSome: Effect.succeed
  })

const decode = (row: StoredOutage): Effect.Effect<Outage, StoreError> =>
  Effect.mapError(Effect.fromResult(decodeOutage(row)), badRow("read outages", table, row.outage_id))

const readDecision = (row: DecisionRow): Effect.Effect<OutageDecision, StoreError> =>
  Effect.mapError(Effect.fromResult(decodeDecision(row)), badRow("read decisions", "decisions", row.outage_id))

/** How many unreadable rows are told of one by one. */
const maxTold = 100

/** Reads rows. One that is no outage is left out, so that it costs itself and no other, and is told of once. */
const makeDecodeAll = Effect.gen(function*() {
  // Commands that only look have none.
  const conditions = yield* Effect.serviceOption(Conditions)
  const told = new Set<string>()
  const tell = Effect.fnUntraced(function*(row: string, problem: string) {
    if (told.has(row) || told.size >= maxTold) return
    told.add(row)
    yield* Effect.logError("an outage cannot be read and is left out").pipe(
      Effect.annotateLogs({ table, row, problem })
    )
    if (Option.isNone(conditions)) return
    yield* conditions.value.raise(
      "store:row",
      `${
        told.size === maxTold ? "at least " : ""
      }${told.size} rows of ${table} cannot be read and are left out of all ` +
        `reports, the last of them ${row}: ${problem}. Mend them in the database and start the node again`
    )
  })
  return Effect.fnUntraced(function*(rows: ReadonlyArray<StoredOutage>) {
    const outages: Array<Outage> = []
    for (const row of rows) {
      const outage = decodeOutage(row)
      if (Result.isSuccess(outage)) outages.push(outage.success)
      else yield* tell(row.outage_id, outage.failure)
    }
    return outages as ReadonlyArray<Outage>
  })
})

const alreadyOpen = (outage: Outage): StoreError =>
  new StoreError({
    operation: "store an outage",
    reason: new AlreadyOpen({ target: describeTarget(outage.target) })
  })

/** Outages, append-only: a new outage of a target is a new row; closing sets the end once and changes nothing else. */
export class OutageStore extends Context.Service<OutageStore, {
  /**
   * Stores an outage: open, or closed when it has ended already, then with the decision that closed it. `proof` is that of the
   * decision that opened it; `Outage.proof`, which follows from the proofs of both, is not looked at. Storing the same id
   * again changes nothing. Fails with `AlreadyOpen` when another of the target is open, and this one would be, too.
   */
  readonly open: (
    outage: Outage,
    decision?: ClosingDecision,
    proof?: DecisionProof
  ) => Effect.Effect<void, StoreError>
  /**
   * Closes an outage; false when it is closed already or unknown. `end` in milliseconds since the epoch; an end before
   * the start becomes the start.
   */
  readonly close: (
    id: string,
    end: number,
    blip: boolean,
    decision?: ClosingDecision
  ) => Effect.Effect<boolean, StoreError>
  /**
   * In order of their start. A row that is no outage is left out, logged and raised as `store:row`. Read in pages, so it may be long and slow; what is stored
   * meanwhile may be in it or not.
   */
  readonly find: (query: OutageQuery) => Stream.Stream<Outage, StoreError>
  /**
   * The decisions that opened and, if it was given, closed an outage, with what proves them; empty when it is unknown.
   */
  readonly decisions: (id: string) => Effect.Effect<ReadonlyArray<OutageDecision>, StoreError>
}>()("effect-geodns/store/OutageStore") {
  /** In the tables of a migrated database. */
  static readonly layer: Layer.Layer<OutageStore, never, SqlClient.SqlClient> = Layer.effect(
    OutageStore,
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const decodeAll = yield* makeDecodeAll

      const insertDecision = (row: DecisionRow) => sql`INSERT INTO decisions ${sql.insert({ ...row })}`

      const isStored = (id: string) =>
        Effect.map(sql`SELECT 1 AS found FROM member_events WHERE outage_id = ${id}`, (rows) => rows.length > 0)

      const open = Effect.fn("OutageStore.open")(function*(
        outage: Outage,
        decision?: ClosingDecision,
        proof?: DecisionProof
      ) {
        const row = yield* encode(outage)
        const closing = row.end_time === null || decision === undefined
          ? undefined
          : closingRow(row.outage_id, row.end_time, decision)
        const insert = retryDeadlocks(sql.withTransaction(Effect.gen(function*() {
          yield* sql`INSERT INTO member_events ${sql.insert({ ...row, closed_by: closing?.decision_id ?? null })}`
          yield* insertDecision(openingRow(row, proof))
          if (closing !== undefined) yield* insertDecision(closing)
        })))
        // Which of its two unique keys was violated is told apart by looking: databases name them differently.
        yield* Effect.catchReason(insert, "SqlError", "UniqueViolation", () =>
          Effect.flatMap(
            isStored(row.outage_id),
            (stored) => stored ? Effect.void : Effect.fail(alreadyOpen(outage))
          ))
      }, Effect.catchTag("SqlError", (error) => Effect.fail(databaseError("store an outage")(error))))

      // In SQLite the transaction holds the write lock from its beginning.
      const lockRow = sql.onDialectOrElse({ mysql: () => sql.literal("FOR UPDATE"), orElse: () => sql.literal("") })

      const close = Effect.fn("OutageStore.close")(function*(
        id: string,
        end: number,
        blip: boolean,
        decision?: ClosingDecision
      ) {
        const outageId = storedKey(id)
        const asked = yield* endText(id, end)
        return yield* retryDeadlocks(sql.withTransaction(Effect.gen(function*() {
          const [found] = yield* sql<{ readonly start_time: string }>`
            SELECT start_time FROM member_events WHERE outage_id = ${outageId} AND end_time IS NULL ${lockRow}`
          if (found === undefined) return false
          const ended = asked > found.start_time ? asked : found.start_time
          const closing = decision && closingRow(outageId, ended, decision)
          yield* sql`
            UPDATE member_events SET end_time = ${ended}, blip = ${blip ? 1 : 0}, closed_by = ${
            closing?.decision_id ?? null
          }
            WHERE outage_id = ${outageId} AND end_time IS NULL`
          if (closing !== undefined) yield* insertDecision(closing)
          return true
        })))
      }, Effect.catchTag("SqlError", (error) => Effect.fail(databaseError("close an outage")(error))))

      type Row = StoredOutage & { readonly id: number }
      const limit = sql.onDialectOrElse({ mysql: () => mysqlPageRows, orElse: () => pageRows })
      // In MySQL a row that a v2 process has written has no identity until it is taken over.
      const ours = sql.onDialectOrElse({
        mysql: () => [sql`outage_id IS NOT NULL`],
        orElse: () => []
      })
      // MySQL finds no beginning in its index for a comparison of rows.
      const behind = sql.onDialectOrElse({
        mysql: () => ({ id, start_time }: Row) =>
          sql`(start_time >= ${start_time} AND (start_time > ${start_time} OR id > ${id}))`,
        orElse: () => ({ id, start_time }: Row) => sql`(start_time, id) > (${start_time}, ${id})`
      })
      // The page comes first: what is read of decisions does not depend on how many there are.
      const readPage = (where: ReadonlyArray<Fragment>): Effect.Effect<ReadonlyArray<Row>, SqlError> =>
        sql<Row>`
          SELECT o.id, o.outage_id, o.target_key, o.start_time, o.end_time, o.error, o.vote_data, o.additional_data, o.blip,
            d.seq, d.late, d.certificate IS NOT NULL AS certified, u.late AS up_late,
            u.certificate IS NOT NULL AS up_certified
          FROM (
            SELECT id, outage_id, target_key, start_time, end_time, error, vote_data, additional_data, blip
            FROM member_events WHERE ${sql.and([...ours, ...where])} ORDER BY start_time, id
            LIMIT ${sql.literal(String(limit))}
          ) o
          LEFT JOIN decisions d ON d.outage_id = o.outage_id AND d.up = 0
          LEFT JOIN decisions u ON u.outage_id = o.outage_id AND u.up = 1
          ORDER BY o.start_time, o.id`

      const find = (query: OutageQuery): Stream.Stream<Outage, StoreError> => {
        const where: Array<Fragment> = []
        if (query.id !== undefined) where.push(sql`outage_id = ${storedKey(query.id)}`)
        if (query.idStart !== undefined) {
          const start = storedKey(query.idStart)
          where.push(sql`SUBSTR(outage_id, 1, ${Array.from(start).length}) = ${start}`)
        }
        if (query.member !== undefined) where.push(sql`member_name = ${storedMember(query.member)}`)
        if (query.target !== undefined) where.push(sql`target_key = ${targetKey(query.target)}`)
        if (query.open !== undefined) where.push(query.open ? sql`end_time IS NULL` : sql`end_time IS NOT NULL`)
        if (query.to !== undefined) where.push(sql`start_time < ${boundToText(query.to)}`)
        if (query.from !== undefined) {
          const from = boundToText(query.from)
          where.push(sql`(end_time IS NULL OR end_time > ${from} OR start_time >= ${from})`)
        }
        return Stream.paginate<Row | undefined, Outage, StoreError>(undefined, (after) =>
          Effect.gen(function*() {
            const rows = yield* readPage(after === undefined ? where : [...where, behind(after)])
            const outages = yield* decodeAll(rows)
            yield* Effect.yieldNow
            const last = rows.length < limit ? undefined : rows.at(-1)
            return [outages, last === undefined ? Option.none() : Option.some(last)] as const
          }).pipe(Effect.catchTag("SqlError", (error) => Effect.fail(databaseError("read outages")(error)))))
      }

      const decisions = Effect.fn("OutageStore.decisions")(function*(id: string) {
        const rows = yield* sql<DecisionRow>`
          SELECT outage_id, decision_id, up, decided_at, vote_data, seq, late, certificate FROM decisions
          WHERE outage_id = ${storedKey(id)} ORDER BY up`
        return yield* Effect.forEach(rows, readDecision)
      }, Effect.catchTag("SqlError", (error) => Effect.fail(databaseError("read decisions")(error))))

      return OutageStore.of({ open, close, find, decisions })
    })
  )

  /** In memory, with the same meaning. */
  static readonly layerMemory: Layer.Layer<OutageStore> = Layer.sync(OutageStore, () => {
    const rows = new Map<string, OutageRow>()
    const openTargets = new Set<string>()
    const decided = new Map<string, Array<DecisionRow>>()

    const open = Effect.fn("OutageStore.open")(function*(
      outage: Outage,
      decision?: ClosingDecision,
      proof?: DecisionProof
    ) {
      const row = yield* encode(outage)
      if (rows.has(row.outage_id)) return
      if (row.end_time === null) {
        if (openTargets.has(row.target_key)) return yield* alreadyOpen(outage)
        openTargets.add(row.target_key)
      }
      rows.set(row.outage_id, row)
      decided.set(row.outage_id, [
        openingRow(row, proof),
        ...row.end_time === null || decision === undefined ? [] : [closingRow(row.outage_id, row.end_time, decision)]
      ])
    })

    const close = Effect.fn("OutageStore.close")(function*(
      id: string,
      end: number,
      blip: boolean,
      decision?: ClosingDecision
    ) {
      const outageId = storedKey(id)
      const asked = yield* endText(id, end)
      const row = rows.get(outageId)
      if (row === undefined || row.end_time !== null) return false
      const ended = asked > row.start_time ? asked : row.start_time
      rows.set(outageId, { ...row, end_time: ended, blip: blip ? 1 : 0 })
      openTargets.delete(row.target_key)
      if (decision !== undefined) decided.get(outageId)?.push(closingRow(outageId, ended, decision))
      return true
    })

    const matches = (query: OutageQuery) => (row: OutageRow): boolean => {
      const from = query.from === undefined ? undefined : boundToText(query.from)
      return (query.id === undefined || row.outage_id === storedKey(query.id)) &&
        (query.idStart === undefined || row.outage_id.startsWith(storedKey(query.idStart))) &&
        (query.member === undefined || row.member_name === storedMember(query.member)) &&
        (query.target === undefined || row.target_key === targetKey(query.target)) &&
        (query.open === undefined || query.open === (row.end_time === null)) &&
        (query.to === undefined || row.start_time < boundToText(query.to)) &&
        (from === undefined || row.end_time === null || row.end_time > from || row.start_time >= from)
    }

    // The sort is stable, so outages that began together stay in the order in which they were stored.
    const find = (query: OutageQuery): Stream.Stream<Outage, StoreError> =>
      Stream.suspend(() =>
        Stream.fromIterable(
          [...rows.values()].filter(matches(query)).sort((a, b) => compareStored(a.start_time, b.start_time))
        )
      ).pipe(Stream.mapEffect((row) => decode({ ...row, ...proofColumns(decided.get(row.outage_id) ?? []) })))

    const decisions = (id: string) =>
      Effect.suspend(() => Effect.forEach(decided.get(storedKey(id)) ?? [], readDecision))

    return OutageStore.of({ open, close, find, decisions })
  })
}
