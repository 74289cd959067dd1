import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { readFile, stat } from "node:fs/promises"
import { Conditions } from "../node/Conditions.ts"
import { HttpBounds } from "./Bounds.ts"
import { type Pair, pairProblem, validityProblem } from "./certificate.ts"
import { BadCertificate, HttpError } from "./HttpError.ts"

/** Where the certificate of a server is. */
export interface TlsFiles {
  /** Path of the certificate and its chain, PEM. */
  readonly certFile: string
  /** Path of the key, PEM, without a passphrase. */
  readonly keyFile: string
}

/** Bytes of a certificate with its chain, or of a key. */
const maxFileBytes = 256 * 1024

const readText = (path: string): Effect.Effect<string, string> =>
  Effect.tryPromise({
    try: async (signal) =>
      (await stat(path)).size > maxFileBytes ? undefined : readFile(path, { encoding: "utf8", signal }),
    catch: (cause) => `${path} cannot be read (${(cause as NodeJS.ErrnoException).code ?? "unknown"})`
  }).pipe(
    Effect.flatMap((text) =>
      text === undefined ? Effect.fail(`${path} is longer than ${maxFileBytes} bytes`) : Effect.succeed(text)
    ),
    Effect.timeoutOrElse({ duration: "5 seconds", orElse: () => Effect.fail(`${path} cannot be read within 5 s`) })
  )

/** The pair that the files hold now, or why there is none that could be used. */
export const readPair = ({ certFile, keyFile }: TlsFiles): Effect.Effect<Pair, HttpError> =>
  Effect.gen(function*() {
    const pair = { cert: yield* readText(certFile), key: yield* readText(keyFile) }
    const problem = pairProblem(pair, { cert: certFile, key: keyFile })
    return problem === undefined ? pair : yield* Effect.fail(problem)
  }).pipe(Effect.mapError((problem) => new HttpError({ reason: new BadCertificate({ problem }) })))

/**
 * Looks at the files every `bounds.certificate` while the scope is open, and gives a new pair to `use`. While there is none that can
 * be used the one before stays: that, and a certificate that is not valid for long, is the condition `http:tls`.
 */
export const followPair = Effect.fnUntraced(function*(
  files: TlsFiles,
  first: Pair,
  use: (pair: Pair) => void
): Effect.fn.Return<void, never, Conditions | Scope.Scope> {
  const conditions = yield* Conditions
  const { certificate } = yield* HttpBounds
  let inUse = first

  const look = Effect.gen(function*() {
    const read = yield* Effect.result(readPair(files))
    if (Result.isFailure(read)) {
      const { reason } = read.failure
      const problem = reason._tag === "BadCertificate" ? reason.problem : read.failure.message
      return yield* conditions.raise("http:tls", `${problem}. In use: the certificate from before`)
    }
    const pair = read.success
    if (pair.cert !== inUse.cert || pair.key !== inUse.key) {
      use(pair)
      inUse = pair
      yield* Effect.logInfo(`the HTTP API uses the new certificate in ${files.certFile}`)
    }
    const problem = validityProblem(pair.cert, files.certFile, yield* Clock.currentTimeMillis)
    yield* problem === undefined ? conditions.clear("http:tls") : conditions.raise("http:tls", problem)
  }).pipe(Effect.catchCause((cause) => Effect.logError("looking at the certificate of the HTTP API failed", cause)))

  yield* look.pipe(
    Effect.andThen(Effect.sleep(Duration.millis(certificate))),
    Effect.forever,
    Effect.forkScoped
  )
})
