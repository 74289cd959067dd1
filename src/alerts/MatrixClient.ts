import * as Effect from "effect/Effect"
import type * as IpNetwork from "effect/net/IpNetwork"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import { randomUUID } from "node:crypto"
import { type Answer, exchange } from "../config/exchange.ts"
import type { AlertStore } from "../store/AlertStore.ts"
import { AlertError } from "./AlertError.ts"
import { alertTarget, refused, unanswered } from "./AlertTarget.ts"
import type { MatrixContent } from "./matrixMessage.ts"

/** The account that writes. */
export interface MatrixAccount {
  readonly homeserver: string
  /** `name` or `@name:server`. */
  readonly user: string
  readonly password: Redacted.Redacted
  readonly allowed: ReadonlyArray<IpNetwork.IpNetwork>
}

/** The few things of the client-server API that alerts need. */
export interface MatrixClient {
  /** Sends a message and gives the id of its event: the same for the same transaction, however often it is sent. */
  readonly send: (room: string, transaction: string, content: MatrixContent) => Effect.Effect<string, AlertError>
  /** Logs out, when the session is not in the store: nobody could use it again, and its device would stay for ever. */
  readonly release: Effect.Effect<void, AlertError>
}

/** Who we are at the homeserver. Kept in the store, so that a repeat after a restart is known there as one. */
const Session = Schema.fromJsonString(Schema.Struct({
  homeserver: Schema.String,
  user: Schema.String,
  device: Schema.String,
  token: Schema.String
}))
type Session = typeof Session.Type

/** The name under which it is kept. */
const sessionName = "matrix session"
/** How long a wrong password is not tried again, in milliseconds: accounts are locked for less. */
const afterWrongPassword = 300_000

const readJson = (text: string): unknown => Result.getOrUndefined(Result.try(() => JSON.parse(text) as unknown))

const field = (json: unknown, key: string): unknown => Predicate.hasProperty(json, key) ? json[key] : undefined
const textField = (json: unknown, key: string): string | undefined => {
  const value = field(json, key)
  return typeof value === "string" && value !== "" ? value : undefined
}

/** How long a server wants to be left alone, in milliseconds: some say the number as a text. */
const waitOf = (value: unknown): number | undefined => {
  const wait = typeof value === "string" && /^\d{1,12}$/.test(value) ? Number(value) : value
  return typeof wait === "number" && wait >= 0 ? wait : undefined
}

/**
 * A client over HTTP. It logs in with the password when it has no token or the one it has is not taken any more, joins a room
 * that it is invited to, and waits as long as the server asks. It needs no sync: it only writes. Without a store the session is
 * of this process alone.
 */
export const makeMatrixClient = (
  account: MatrixAccount,
  store: AlertStore["Service"] | undefined,
  channel: string
): MatrixClient => {
  const { allowed, homeserver, password, user } = account
  const target = alertTarget(channel, homeserver, allowed)
  const lock = Semaphore.makeUnsafe(1)
  let session: Session | undefined
  let isStored = false

  const errorOf = (answer: Answer): AlertError => {
    const json = readJson(answer.text)
    const code = textField(json, "errcode")
    const wait = waitOf(field(json, "retry_after_ms"))
    const error = refused(
      target!,
      { ...answer, ...wait !== undefined && { retryAfter: wait } },
      code !== undefined && /^\w[\w.]{0,99}$/.test(code) ? code : undefined
    )
    if (code === "M_LIMIT_EXCEEDED") return error.but({ isRetryable: true, isDown: true, isOdd: false })
    // The server works, and what is asked for is not there, or is none.
    return code !== undefined && [400, 404, 413].includes(answer.status)
      ? error.but({ isRetryable: false, isDown: false, isOdd: false })
      : error
  }

  const call = (method: "PUT" | "POST", path: string, body: unknown, token?: string) =>
    target === undefined
      ? Effect.fail(
        new AlertError({
          channel,
          problem: "Matrix.HomeServerURL is no http or https URL",
          isRetryable: true,
          isDown: true
        })
      )
      : exchange({
        url: new URL(`${target.url.pathname.replace(/\/+$/, "")}/_matrix/client/v3${path}`, target.url),
        allowed: target.allowed,
        method,
        headers: {
          "content-type": "application/json",
          ...token !== undefined && { authorization: `Bearer ${token}` }
        },
        body: JSON.stringify(body)
      }).pipe(Effect.mapError(unanswered(target)))

  /** What the store has. Without a store there is a new session, which repeats may show. */
  const kept = (store?.kept(sessionName) ?? Effect.undefined).pipe(
    Effect.timeout("5 seconds"),
    Effect.map((text) => {
      const read = text === undefined
        ? undefined
        : Result.getOrUndefined(Schema.decodeResult(Session)(Redacted.value(text)))
      return read?.homeserver === homeserver && read.user === user ? read : undefined
    }),
    Effect.catchCause((cause) =>
      Effect.as(Effect.logWarning("the Matrix session could not be read from the store", cause), undefined)
    )
  )
  const keep = (next: Session) =>
    store === undefined ? Effect.void : store.keep(sessionName, Redacted.make(JSON.stringify(next))).pipe(
      Effect.timeout("5 seconds"),
      Effect.andThen(Effect.sync(() => void (isStored = true))),
      Effect.catchCause((cause) => {
        isStored = false
        return Effect.logWarning("the Matrix session could not be stored", cause)
      })
    )

  const logIn = Effect.fnUntraced(function*(device: string) {
    const answer = yield* call("POST", "/login", {
      type: "m.login.password",
      identifier: { type: "m.id.user", user },
      password: Redacted.value(password),
      device_id: device,
      initial_device_display_name: "geodns alerts"
    })
    const token = answer.status === 200 ? textField(readJson(answer.text), "access_token") : undefined
    if (token === undefined) {
      const error = errorOf(answer)
      const isWrong = answer.status === 401 || answer.status === 403
      // It is no message that is refused.
      const noMessage = error.but({ isRetryable: true, isDown: true, isOdd: false })
      return yield* isWrong ? noMessage.but({ retryAfter: error.retryAfter ?? afterWrongPassword }) : noMessage
    }
    const next: Session = { homeserver, user, device, token }
    session = next
    yield* keep(next)
    return next
  })

  /** The session, or a newer one than that which is not taken any more. One at a time: many tokens at once are one too many. */
  const current = (spent?: Session) =>
    Effect.suspend(() => {
      if (session !== undefined && session !== spent && session.token !== spent?.token) return Effect.succeed(session)
      return Effect.flatMap(kept, (stored) => {
        if (stored !== undefined && stored.token !== "" && stored.token !== spent?.token) {
          session = stored
          isStored = true
          return Effect.succeed(stored)
        }
        const device = (stored ?? spent)?.device ?? `GEODNS${randomUUID().slice(0, 8).toUpperCase()}`
        // The device first: who is killed now logs in as the same one.
        return Effect.andThen(
          stored === undefined ? keep({ homeserver, user, device, token: "" }) : Effect.void,
          logIn(device)
        )
      })
    }).pipe(lock.withPermit)

  const codeOf = (answer: Answer): string | undefined => textField(readJson(answer.text), "errcode")

  const authorized = Effect.fnUntraced(function*(method: "PUT" | "POST", path: string, body: unknown) {
    const first = yield* current()
    const answer = yield* call(method, path, body, first.token)
    const isSpent = answer.status === 401 && ["M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"].includes(codeOf(answer) ?? "")
    if (!isSpent) return answer
    const second = yield* current(first)
    return yield* call(method, path, body, second.token)
  })

  return {
    send: Effect.fnUntraced(function*(room, transaction, content) {
      const at = encodeURIComponent(room)
      const put = authorized("PUT", `/rooms/${at}/send/m.room.message/${encodeURIComponent(transaction)}`, content)
      let answer = yield* put
      if (answer.status === 403 && codeOf(answer) === "M_FORBIDDEN") {
        const joined = yield* authorized("POST", `/join/${at}`, {})
        if (joined.status !== 200) return yield* errorOf(joined)
        answer = yield* put
      }
      const id = answer.status === 200 ? textField(readJson(answer.text), "event_id") : undefined
      return id ?? (yield* errorOf(answer))
    }),
    release: Effect.suspend(() => {
      const mine = session
      if (mine === undefined || isStored) return Effect.void
      session = undefined
      return Effect.flatMap(
        call("POST", "/logout", {}, mine.token),
        (answer) => answer.status === 200 ? Effect.void : Effect.fail(errorOf(answer))
      )
    }).pipe(lock.withPermit)
  }
}
