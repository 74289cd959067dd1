/**
 * `node:sqlite`, loaded when a database is opened and not before, without the warning that Node 22 prints for it: an
 * operator can do nothing about it. All other warnings pass.
 */
export const nodeSqlite = (): typeof import("node:sqlite") => {
  const emitWarning = process.emitWarning
  const quiet = (warning: string | Error, ...rest: ReadonlyArray<unknown>): void => {
    if (rest[0] === "ExperimentalWarning" && String(warning).includes("SQLite")) return
    Reflect.apply(emitWarning, process, [warning, ...rest])
  }
  process.emitWarning = quiet
  try {
    return process.getBuiltinModule("node:sqlite")
  } finally {
    process.emitWarning = emitWarning
  }
}
