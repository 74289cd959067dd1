import {
  AuthenticationError,
  AuthorizationError,
  ConnectionError,
  ConstraintError,
  LockTimeoutError,
  SqlError,
  type SqlErrorReason,
  SqlSyntaxError,
  StatementTimeoutError,
  UniqueViolation,
  UnknownError
} from "effect/sql/SqlError"

/** Result codes of SQLite (https://www.sqlite.org/rescode.html); the low byte of an extended code is its primary code. */
const code = {
  error: 1,
  permission: 3,
  busy: 5,
  locked: 6,
  readonly: 8,
  interrupt: 9,
  io: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  constraint: 19,
  auth: 23,
  notADatabase: 26,
  busySnapshot: 517,
  primaryKey: 1555,
  unique: 2067
} as const

const field = (cause: unknown, name: string): unknown =>
  typeof cause === "object" && cause !== null ? Reflect.get(cause, name) : undefined

const codeOf = (cause: unknown): number => {
  const errcode = field(cause, "errcode")
  return typeof errcode === "number" ? errcode : 0
}

const textOf = (cause: unknown): string => {
  const message = field(cause, "message")
  return typeof message === "string" ? message : String(cause)
}

/** Another connection holds the lock, and the same statement may succeed a little later. */
export const isBusy = (cause: unknown): boolean => {
  const errcode = codeOf(cause)
  return (errcode & 0xff) === code.busy && errcode !== code.busySnapshot
}

/** Sorts an error of `node:sqlite` into the reasons of `SqlError`. A full or failing disk counts as retryable. */
export const classify = (cause: unknown, operation: string): SqlErrorReason => {
  const errcode = codeOf(cause)
  const problem = textOf(cause)
  const because = (advice: string) => ({
    cause,
    operation,
    message: `SQLite could not ${operation}: ${problem}${advice}`
  })
  if (errcode === code.primaryKey || errcode === code.unique) {
    return new UniqueViolation({ ...because(""), constraint: problem.replace(/^UNIQUE constraint failed: /, "") })
  }
  switch (errcode & 0xff) {
    case code.error:
      return new SqlSyntaxError(because(""))
    case code.constraint:
      return new ConstraintError(because(""))
    case code.auth:
      return new AuthenticationError(because(""))
    case code.permission:
    case code.readonly:
      return new AuthorizationError(because("; check who owns the file and its folder"))
    case code.busy:
    case code.locked:
      return new LockTimeoutError(because("; another process holds the file"))
    case code.interrupt:
      return new StatementTimeoutError(because(""))
    case code.io:
    case code.cannotOpen:
      return new ConnectionError(because("; check the disk"))
    case code.full:
      return new ConnectionError(because("; make room on the disk"))
    default:
      return new UnknownError(because(""))
  }
}

/** The error of opening a database file, saying what to do about it. */
export const openError = (filename: string, cause: unknown): SqlError => {
  const primary = codeOf(cause) & 0xff
  const advice = primary === code.notADatabase || primary === code.corrupt
    ? "it is no intact SQLite database: move it away to start a new one, or restore a copy"
    : primary === code.busy
    ? "another process holds it: stop that process, or choose another file"
    : "check that the path is right, and that this user may create and write the file and its folder"
  return new SqlError({
    reason: new ConnectionError({
      cause,
      operation: "open",
      message: `cannot open the database ${filename} (${textOf(cause)}): ${advice}`
    })
  })
}
