import {
  AuthenticationError,
  AuthorizationError,
  ConnectionError,
  ConstraintError,
  DeadlockError,
  LockTimeoutError,
  SqlError,
  type SqlErrorReason,
  SqlSyntaxError,
  StatementTimeoutError,
  UniqueViolation,
  UnknownError
} from "effect/sql/SqlError"

/**
 * The connection was lost while COMMIT was under way: the transaction may have been committed or not. Whoever wrote
 * absolute values under an identity may write them again; whoever counted something up must look first.
 */
export class CommitOutcomeUnknown extends Error {
  override readonly name = "CommitOutcomeUnknown"
}

type Props = { readonly cause: unknown; readonly message: string; readonly operation: string }

/** Error numbers of MySQL and MariaDB, beside 1062 for a duplicate. */
const byNumber: ReadonlyArray<readonly [make: (props: Props) => SqlErrorReason, numbers: ReadonlyArray<number>]> = [
  // Too many connections, cannot connect, shut down under way, blocked host, killed, server gone, read only for a while.
  [(props) => new ConnectionError(props), [
    1040,
    1042,
    1043,
    1053,
    1077,
    1129,
    1130,
    1152,
    1158,
    1159,
    1160,
    1161,
    1184,
    1203,
    1226,
    1290,
    1836,
    1927,
    2006,
    2013,
    3169
  ]],
  [(props) => new AuthenticationError(props), [1045, 1251, 1524, 1698]],
  [(props) => new AuthorizationError(props), [1044, 1142, 1143, 1227, 1370]],
  [(props) => new SqlSyntaxError(props), [1049, 1051, 1054, 1064, 1091, 1146, 1149, 1305]],
  [(props) => new ConstraintError(props), [
    1022,
    1048,
    // Larger than max_allowed_packet, and it will be so next time.
    1153,
    1264,
    1265,
    1292,
    1364,
    1366,
    1406,
    1451,
    1452,
    3819,
    4025
  ]],
  [(props) => new DeadlockError(props), [1213]],
  [(props) => new LockTimeoutError(props), [1205, 3572]],
  // The statement ran longer than the server allows, or was killed.
  [(props) => new StatementTimeoutError(props), [1317, 1969, 3024]],
  // A full disk or a full table space may have room later.
  [(props) => new ConnectionError({ ...props, message: `${props.message}; make room on the disk of the server` }), [
    3,
    1021,
    1041,
    1114
  ]]
]
const reasonOfNumber = new Map(byNumber.flatMap(([make, numbers]) => numbers.map((number) => [number, make] as const)))

const field = (cause: unknown, name: string): unknown =>
  typeof cause === "object" && cause !== null ? Reflect.get(cause, name) : undefined

const textOf = (cause: unknown): string => {
  const text = field(cause, "sqlMessage") ?? field(cause, "message")
  return typeof text === "string" && text !== "" ? text : String(field(cause, "code") ?? cause)
}

/** Errors of sockets, TLS and the protocol have a code and no number of the server. */
const isOfConnection = (cause: unknown): boolean => {
  const code = field(cause, "code")
  return field(cause, "fatal") === true ||
    (typeof code === "string" && /^(E[A-Z]+|ERR_(TLS|SSL|SOCKET|STREAM)_\w+|PROTOCOL_\w+|HANDSHAKE_\w+)$/.test(code))
}

/** Sorts an error of mysql2 into the reasons of `SqlError`. */
export const classify = (cause: unknown, operation: string): SqlErrorReason => {
  const number = field(cause, "errno")
  const props = { cause, operation, message: `MySQL could not ${operation}: ${textOf(cause)}` }
  if (number === 1062 || number === 1586) {
    const key = /for key '([^']*)'/.exec(textOf(cause))?.[1] ?? "unknown"
    return new UniqueViolation({ ...props, constraint: key })
  }
  const known = typeof number === "number" ? reasonOfNumber.get(number) : undefined
  if (known !== undefined) return known(props)
  return isOfConnection(cause) ? new ConnectionError(props) : new UnknownError(props)
}

/** The error of connecting: says to whom, and what to do. Never the password. */
export const connectError = (server: string, cause: unknown): SqlError => {
  const reason = classify(cause, "connect")
  const advice = reason._tag === "AuthenticationError" || reason._tag === "AuthorizationError"
    ? "check the user, the password and what the user may do"
    : field(cause, "errno") === 1049
    ? "create the database"
    : "check that the server runs and can be reached from here"
  const message = `cannot connect to the database ${server} (${textOf(cause)}): ${advice}`
  const props = { cause, operation: "connect", message }
  return new SqlError({
    reason: reason._tag === "AuthenticationError"
      ? new AuthenticationError(props)
      : reason._tag === "AuthorizationError"
      ? new AuthorizationError(props)
      : new ConnectionError(props)
  })
}

/** The outcome of a COMMIT that was sent and not answered. Not worth a blind retry, so not retryable. */
export const commitUnknown = (cause: unknown): SqlError =>
  new SqlError({
    reason: new UnknownError({
      cause: new CommitOutcomeUnknown("the connection was lost during COMMIT", { cause }),
      operation: "commit",
      message: `MySQL did not confirm a COMMIT, which may have taken place or not: ${textOf(cause)}`
    })
  })

/** Whether it is unknown what became of a transaction. */
export const isOutcomeUnknown = (error: SqlError): boolean => error.reason.cause instanceof CommitOutcomeUnknown

/** A statement that did not end in time. Its connection has been cut. */
export const deadlinePassed = (operation: string, millis: number): SqlError =>
  new SqlError({
    reason: new StatementTimeoutError({
      cause: undefined,
      operation,
      message:
        `MySQL did not ${operation} within ${millis} ms: the connection was cut; the server hangs or is overloaded`
    })
  })

/** What a statement ends with whose connection is gone. */
export const connectionLost = () =>
  Object.assign(new Error("the server closed the connection"), { code: "PROTOCOL_CONNECTION_LOST", fatal: true })

/** What a statement ends with that is larger than the server takes. */
export const packetTooLarge = (bytes: number, most: number) =>
  Object.assign(new Error(`it has ${bytes} bytes, and max_allowed_packet of the server is ${most}`), { errno: 1153 })
