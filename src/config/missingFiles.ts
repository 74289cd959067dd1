import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { Local } from "../domain/documents/Local.ts"
import { Documents } from "./Documents.ts"
import { isHttp, resolveLocation } from "./location.ts"
import { formatPath, type Problem } from "./Problem.ts"

/** The longest certificate or key, in bytes. */
const maxFileBytes = 1024 * 1024

/** The files that a local document names beside documents: certificates, keys, credentials. By their paths. */
const filesOf = ({ GeoDNS: { Http, Nats, Store } }: Local) =>
  [
    [["GeoDNS", "Nats", "CredentialsFile"], Nats.CredentialsFile],
    [["GeoDNS", "Nats", "Tls", "CaFile"], Nats.Tls?.CaFile],
    [["GeoDNS", "Nats", "Tls", "CertFile"], Nats.Tls?.CertFile],
    [["GeoDNS", "Nats", "Tls", "KeyFile"], Nats.Tls?.KeyFile],
    [["GeoDNS", "Http", "Tls", "CertFile"], Http.Tls?.CertFile],
    [["GeoDNS", "Http", "Tls", "KeyFile"], Http.Tls?.KeyFile],
    [["GeoDNS", "Store", "Tls", "CaFile"], Store.Tls?.CaFile]
  ] as const

/** The certificates, keys and credentials that cannot be read: whoever needs one of them will not get far. */
export const missingFiles = Effect.fnUntraced(function*(
  path: string,
  local: Local
): Effect.fn.Return<ReadonlyArray<Problem>, never, Documents> {
  const problems: Array<Problem> = []
  for (const [place, file] of filesOf(local)) {
    if (file === undefined) continue
    const location = resolveLocation(isHttp(path) ? "./local.json" : path, file)
    const read = yield* Effect.result(Documents.use((documents) => documents.read(location, { limit: maxFileBytes })))
    if (Result.isSuccess(read) && read.success.trim() !== "") continue
    problems.push({
      severity: "error",
      document: "local",
      path: formatPath(place),
      expected: `a file at ${location}`,
      found: Result.isSuccess(read) ? "an empty one" : read.failure.found,
      hint: "relative paths count from the place of the local document"
    })
  }
  return problems
})
