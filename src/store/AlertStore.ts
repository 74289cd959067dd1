import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
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

/** A message that a channel would not take, or that was given up. */
export interface DeadLetter {
  readonly channel: string
  /** The idempotency key of the message. */
  readonly key: string
  /** When it was given up, in milliseconds since the epoch. */
  readonly at: number
  readonly problem: string
  /** The message as JSON. */
  readonly message: string
}

const pageRows = 500

/** Dead letters that are kept, the newest. */
export const maxDeadLetters = 300

/** What was told about which outage, so that a restart neither repeats nor forgets. */
export class AlertStore extends Context.Service<AlertStore, {
  /** Stores the state of a thread in place of the one before. */
  readonly save: (thread: StoredThread) => Effect.Effect<void, StoreError>
  /** The state of a thread, finished or not; undefined when there is none. */
  readonly get: (outage: string) => Effect.Effect<StoredThread | undefined, StoreError>
  /** The threads that are not finished, in order of their outage id. */
  readonly unfinished: Stream.Stream<StoredThread, StoreError>
  /**
   * Takes the lease of this name for so many milliseconds, if it is free, over or the holder's own, and gives who has it
   * then. Among processes that share a database the clock of the server counts.
   */
  readonly lease: (name: string, holder: string, millis: number) => Effect.Effect<string, StoreError>
  /** Gives a lease back, if the holder has it. */
  readonly release: (name: string, holder: string) => Effect.Effect<void, StoreError>
  /** Remembers a text under a name, in place of the one before. May be a secret: nothing shows it. */
  readonly keep: (name: string, value: Redacted.Redacted) => Effect.Effect<void, StoreError>
  /** What {@link keep} was given last. */
  readonly kept: (name: string) => Effect.Effect<Redacted.Redacted | undefined, StoreError>
  /** Keeps a dead letter, in place of one of the same channel and key; of all the newest {@link maxDeadLetters} stay. */
  readonly bury: (letter: DeadLetter) => Effect.Effect<void, StoreError>
  /** The dead letters, newest first. */
  readonly deadLetters: Effect.Effect<ReadonlyArray<DeadLetter>, StoreError>
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
      interface LetterRow extends Omit<DeadLetter, "key"> {
        readonly message_key: string
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

      const now = Effect.map(Clock.currentTimeMillis, (millis) => sql.literal(String(Math.floor(millis))))
      const lease = Effect.fn("AlertStore.lease")(function*(name: string, holder: string, millis: number) {
        const [leaseName, owner] = [storedKey(name), storedKey(holder)]
        const length = sql.literal(String(Math.floor(millis)))
        yield* sql.onDialectOrElse({
          // Assignments take place from left to right: the second sees who has it after the first.
          mysql: () => {
            const server = sql.literal("CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)")
            return Effect.asVoid(sql`INSERT INTO alert_leases (name, holder, leased_until)
              VALUES (${leaseName}, ${owner}, ${server} + ${length}) ON DUPLICATE KEY UPDATE
              holder = IF(leased_until <= ${server}, VALUES(holder), holder),
              leased_until = IF(holder = VALUES(holder), VALUES(leased_until), leased_until)`)
          },
          orElse: () =>
            Effect.flatMap(now, (own) =>
              Effect.asVoid(sql`INSERT INTO alert_leases (name, holder, leased_until)
                VALUES (${leaseName}, ${owner}, ${own} + ${length}) ON CONFLICT (name) DO UPDATE SET
                holder = excluded.holder, leased_until = excluded.leased_until
                WHERE leased_until <= ${own} OR holder = excluded.holder`))
        })
        const [row] = yield* sql<{ readonly holder: string }>`
          SELECT holder FROM alert_leases WHERE name = ${leaseName}`
        return row?.holder ?? owner
      }, Effect.mapError(databaseError("take the duty of alerts")))

      const release = Effect.fn("AlertStore.release")(function*(name: string, holder: string) {
        yield* sql`DELETE FROM alert_leases WHERE name = ${storedKey(name)} AND holder = ${storedKey(holder)}`
      }, Effect.mapError(databaseError("give the duty of alerts back")))

      const replaceValue = sql.onDialectOrElse({
        mysql: () => sql.literal("ON DUPLICATE KEY UPDATE value = VALUES(value)"),
        orElse: () => sql.literal("ON CONFLICT (name) DO UPDATE SET value = excluded.value")
      })
      const keep = Effect.fn("AlertStore.keep")(function*(name: string, value: Redacted.Redacted) {
        const row = { name: storedKey(name), value: storedText(Redacted.value(value)) }
        yield* sql`INSERT INTO alert_memory ${sql.insert(row)} ${replaceValue}`
      }, Effect.mapError(databaseError("remember what a channel of alerts needs")))
      const kept = Effect.fn("AlertStore.kept")(function*(name: string) {
        const [row] = yield* sql<{ readonly value: string }>`
          SELECT value FROM alert_memory WHERE name = ${storedKey(name)}`
        return row === undefined ? undefined : Redacted.make(row.value)
      }, Effect.mapError(databaseError("read what a channel of alerts needs")))

      const replaceLetter = sql.onDialectOrElse({
        mysql: () =>
          sql.literal(
            "ON DUPLICATE KEY UPDATE at = VALUES(at), problem = VALUES(problem), message = VALUES(message)"
          ),
        orElse: () =>
          sql.literal(
            "ON CONFLICT (channel, message_key) DO UPDATE SET at = excluded.at, problem = excluded.problem, " +
              "message = excluded.message"
          )
      })
      const deadLetters = sql<LetterRow>`SELECT channel, message_key, at, problem, message FROM alert_dead_letters
        ORDER BY at DESC, channel, message_key LIMIT ${sql.literal(String(maxDeadLetters))}`.pipe(
        Effect.map((rows) => rows.map(({ message_key, ...row }): DeadLetter => ({ ...row, key: message_key }))),
        Effect.mapError(databaseError("read dead letters"))
      )
      const bury = Effect.fn("AlertStore.bury")(function*(letter: DeadLetter) {
        const row = {
          channel: storedKey(letter.channel),
          message_key: storedKey(letter.key),
          at: letter.at,
          problem: storedText(letter.problem),
          message: storedText(letter.message)
        }
        yield* sql`INSERT INTO alert_dead_letters ${sql.insert(row)} ${replaceLetter}`
        const [beyond] = yield* sql<{ readonly at: number }>`SELECT at FROM alert_dead_letters
          ORDER BY at DESC, channel, message_key LIMIT 1 OFFSET ${sql.literal(String(maxDeadLetters))}`
        if (beyond !== undefined) yield* sql`DELETE FROM alert_dead_letters WHERE at <= ${beyond.at}`
      }, Effect.mapError(databaseError("keep a dead letter")))

      return AlertStore.of({ save, get, unfinished, lease, release, keep, kept, bury, deadLetters })
    })
  )

  /** In memory, with the same meaning. */
  static readonly layerMemory: Layer.Layer<AlertStore> = Layer.sync(AlertStore, () => {
    const threads = new Map<string, StoredThread>()
    const leases = new Map<string, { readonly holder: string; readonly until: number }>()
    const memory = new Map<string, Redacted.Redacted>()
    const letters = new Map<string, DeadLetter>()
    const newest = () =>
      [...letters.values()].sort((a, b) =>
        b.at - a.at || compareStored(a.channel, b.channel) || compareStored(a.key, b.key)
      ).slice(0, maxDeadLetters)
    return AlertStore.of({
      lease: (name, holder, millis) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const [key, owner] = [storedKey(name), storedKey(holder)]
          const there = leases.get(key)
          if (there !== undefined && there.holder !== owner && there.until > now) return there.holder
          leases.set(key, { holder: owner, until: now + millis })
          return owner
        }),
      release: (name, holder) =>
        Effect.sync(() => {
          if (leases.get(storedKey(name))?.holder === storedKey(holder)) leases.delete(storedKey(name))
        }),
      keep: (name, value) =>
        Effect.sync(() => void memory.set(storedKey(name), Redacted.make(storedText(Redacted.value(value))))),
      kept: (name) => Effect.sync(() => memory.get(storedKey(name))),
      bury: (letter) =>
        Effect.sync(() => {
          const stored: DeadLetter = {
            channel: storedKey(letter.channel),
            key: storedKey(letter.key),
            at: letter.at,
            problem: storedText(letter.problem),
            message: storedText(letter.message)
          }
          letters.set(JSON.stringify([stored.channel, stored.key]), stored)
          if (letters.size <= maxDeadLetters) return
          const kept = new Set(newest())
          for (const [key, one] of letters) if (!kept.has(one)) letters.delete(key)
        }),
      deadLetters: Effect.sync(newest),
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
