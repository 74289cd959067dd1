import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import { compareStored, storedKey, storedText } from "./StoredText.ts"
import { databaseError, type StoreError } from "./StoreError.ts"

/** The state of one alert thread as it is kept. What it holds is the business of the alerts. */
export interface StoredThread {
  /** The id of the outage: the thread is the outage. */
  readonly outage: string
  /** JSON. */
  readonly thread: string
  /** Nothing is left to be told. */
  readonly finished: boolean
}

const pageRows = 500

/** What was told about which outage, so that a restart neither repeats nor forgets. */
export class AlertStore extends Context.Service<AlertStore, {
  /** Stores the state of a thread in place of the one before. */
  readonly save: (thread: StoredThread) => Effect.Effect<void, StoreError>
  /** The state of a thread, finished or not; undefined when there is none. */
  readonly get: (outage: string) => Effect.Effect<StoredThread | undefined, StoreError>
  /** The threads that are not finished, in order of their outage id. */
  readonly unfinished: Stream.Stream<StoredThread, StoreError>
}>()("effect-geodns/store/AlertStore") {
  /** In the tables of a migrated database. */
  static readonly layer: Layer.Layer<AlertStore, never, SqlClient.SqlClient> = Layer.effect(
    AlertStore,
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient

      interface Row {
        readonly outage_id: string
        readonly finished: number
        readonly thread: string
      }
      const decode = (row: Row): StoredThread => ({
        outage: row.outage_id,
        thread: row.thread,
        finished: row.finished !== 0
      })

      const replace = sql.onDialectOrElse({
        mysql: () => sql.literal("ON DUPLICATE KEY UPDATE finished = VALUES(finished), thread = VALUES(thread)"),
        orElse: () =>
          sql.literal("ON CONFLICT (outage_id) DO UPDATE SET finished = excluded.finished, thread = excluded.thread")
      })

      const save = Effect.fn("AlertStore.save")(function*(thread: StoredThread) {
        yield* sql`INSERT INTO alert_threads ${
          sql.insert({
            outage_id: storedKey(thread.outage),
            finished: thread.finished ? 1 : 0,
            thread: storedText(thread.thread)
          })
        } ${replace}`
      }, Effect.mapError(databaseError("store an alert thread")))

      const get = Effect.fn("AlertStore.get")(function*(outage: string) {
        const [row] = yield* sql<Row>`
          SELECT outage_id, finished, thread FROM alert_threads WHERE outage_id = ${storedKey(outage)}`
        return row === undefined ? undefined : decode(row)
      }, Effect.mapError(databaseError("read an alert thread")))

      const unfinished = Stream.paginate("", (after) =>
        sql<Row>`
          SELECT outage_id, finished, thread FROM alert_threads WHERE finished = 0 AND outage_id > ${after}
          ORDER BY outage_id LIMIT ${sql.literal(String(pageRows))}`.pipe(
          Effect.mapError(databaseError("read alert threads")),
          Effect.map((rows) => {
            const last = rows.length < pageRows ? undefined : rows.at(-1)
            return [rows.map(decode), last === undefined ? Option.none() : Option.some(last.outage_id)] as const
          })
        ))

      return AlertStore.of({ save, get, unfinished })
    })
  )

  /** In memory, with the same meaning. */
  static readonly layerMemory: Layer.Layer<AlertStore> = Layer.sync(AlertStore, () => {
    const threads = new Map<string, StoredThread>()
    return AlertStore.of({
      save: (thread) =>
        Effect.sync(() => {
          const outage = storedKey(thread.outage)
          threads.set(outage, { outage, thread: storedText(thread.thread), finished: thread.finished })
        }),
      get: (outage) => Effect.sync(() => threads.get(storedKey(outage))),
      unfinished: Stream.suspend(() =>
        Stream.fromIterable(
          [...threads.values()].filter((thread) => !thread.finished).sort((a, b) => compareStored(a.outage, b.outage))
        )
      )
    })
  })
}
