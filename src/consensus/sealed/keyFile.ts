import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { createPrivateKey, type KeyObject } from "node:crypto"
import { constants } from "node:fs"
import { open } from "node:fs/promises"
import { dirname } from "node:path"
import { newPrivateKey, publicKeyText } from "./ed25519.ts"
import { isPrivate } from "./isPrivate.ts"
import { MissingFile, NotAKey, RightsTooOpen, SealError, UnreadableFile, UnwritableFile } from "./SealError.ts"

/** A key of a node or an operator. */
export interface Key {
  /** For rosters, and for everybody. */
  readonly publicKey: string
  readonly privateKey: Redacted.Redacted<KeyObject>
}

/** The longest file of a key, in bytes. */
const maxKeyBytes = 16 * 1024

const keyOf = (privateKey: KeyObject): Key => ({
  publicKey: publicKeyText(privateKey),
  privateKey: Redacted.make(privateKey, { label: "private key" })
})

const codeOf = (cause: unknown): string | undefined =>
  cause instanceof Error && "code" in cause ? String(cause.code) : undefined

const problemOf = (cause: unknown): string =>
  codeOf(cause) === "EACCES" ? "this user may not read it" : cause instanceof Error ? cause.message : String(cause)

/** Why a file could not be written, for people. */
export const writeProblem = (path: string, cause: unknown): string => {
  switch (codeOf(cause)) {
    case "ENOENT":
    case "ENOTDIR":
      return `there is no folder ${dirname(path)}`
    case "EACCES":
    case "EPERM":
      return "this user may not write there"
    case "EEXIST":
      return "it is there already"
    default:
      return cause instanceof Error ? cause.message : String(cause)
  }
}

const failWith = (reason: SealError["reason"]) => Effect.fail(new SealError({ reason }))

/** What is in the file, after a look at its kind and rights. Opened once, so that nothing is swapped in between. */
const readPrivately = Effect.fnUntraced(function*(
  path: string
): Effect.fn.Return<Redacted.Redacted<string>, SealError, Scope.Scope> {
  const attempt = <A>(what: () => Promise<A>) =>
    Effect.tryPromise({
      try: what,
      catch: (cause) =>
        new SealError({
          reason: codeOf(cause) === "ENOENT"
            ? new MissingFile({ path, of: "key" })
            : new UnreadableFile({ path, problem: problemOf(cause) })
        })
    })
  const handle = yield* Effect.acquireRelease(
    // Without waiting: a pipe would keep us until somebody writes to it.
    attempt(() => open(path, constants.O_RDONLY | constants.O_NONBLOCK)),
    (handle) => Effect.promise(() => handle.close().catch(() => undefined))
  )
  const stat = yield* attempt(() => handle.stat())
  if (!stat.isFile()) return yield* failWith(new UnreadableFile({ path, problem: "it is not a plain file" }))
  if (!isPrivate(path, stat, process.env["CREDENTIALS_DIRECTORY"])) {
    return yield* failWith(new RightsTooOpen({ path, mode: (stat.mode & 0o777).toString(8) }))
  }
  const buffer = Buffer.alloc(maxKeyBytes + 1)
  const { bytesRead } = yield* attempt(() => handle.read(buffer, 0, buffer.length, 0))
  if (bytesRead > maxKeyBytes) {
    return yield* failWith(new NotAKey({ path, problem: `it is longer than ${maxKeyBytes} bytes` }))
  }
  return Redacted.make(buffer.toString("utf8", 0, bytesRead))
})

/** Reads a private key: PKCS #8 in PEM, as `geodns keys new` and `openssl genpkey -algorithm ed25519` write it. */
export const readKeyFile = Effect.fn("readKeyFile")(function*(path: string): Effect.fn.Return<Key, SealError> {
  const pem = yield* Effect.scoped(readPrivately(path))
  const privateKey = yield* Effect.try({
    try: () => createPrivateKey(Redacted.value(pem)),
    catch: () =>
      new SealError({
        reason: new NotAKey({
          path,
          problem: Redacted.value(pem).includes("ENCRYPTED")
            ? "it is encrypted with a passphrase, which no node could give"
            : "it holds no private key in PEM"
        })
      })
  })
  if (privateKey.asymmetricKeyType !== "ed25519") {
    return yield* failWith(
      new NotAKey({ path, problem: `its algorithm is ${privateKey.asymmetricKeyType}, and must be Ed25519` })
    )
  }
  return keyOf(privateKey)
})

/** Makes a private key and writes it, for this user alone. Replaces nothing. */
export const newKeyFile = Effect.fn("newKeyFile")(function*(path: string): Effect.fn.Return<Key, SealError> {
  const privateKey = newPrivateKey()
  yield* Effect.tryPromise({
    try: async () => {
      const handle = await open(path, "wx", 0o600)
      try {
        await handle.writeFile(privateKey.export({ format: "pem", type: "pkcs8" }))
        await handle.sync()
      } finally {
        await handle.close()
      }
    },
    catch: (cause) =>
      new SealError({
        reason: new UnwritableFile({
          path,
          problem: codeOf(cause) === "EEXIST"
            ? "it is there already, and a key that is lost cannot be made again"
            : writeProblem(path, cause)
        })
      })
  })
  return keyOf(privateKey)
})
