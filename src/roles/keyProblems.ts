import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { formatPath, type Problem } from "../config/Problem.ts"
import { readKeys, zonesNotServed } from "../dns/pdns/zoneKeyFiles.ts"
import type { Local } from "../domain/documents/Local.ts"

/**
 * What is wrong with `GeoDNS.Dns.Keys`, for nodes that answer PowerDNS: others do not read them. Keys that cannot be used
 * keep a node from starting; those of a zone that is none of `zones` are of no use. `file` as `Place.file`.
 */
export const keyProblems = Effect.fnUntraced(function*(
  local: Local,
  file: (path: string) => string,
  zones: ReadonlyArray<string>
): Effect.fn.Return<ReadonlyArray<Problem>> {
  const { Keys, PowerDnsHttp, PowerDnsSocket } = local.GeoDNS.Dns
  if (PowerDnsSocket === undefined && PowerDnsHttp === undefined) return []
  const problems: Array<Problem> = []
  for (const [zone, path] of Object.entries(Keys)) {
    const about = { document: "local", path: formatPath(["GeoDNS", "Dns", "Keys", zone]) } as const
    const read = yield* Effect.result(readKeys({ [zone]: path }, file))
    if (Result.isFailure(read)) {
      problems.push({
        severity: "error",
        ...about,
        expected: "a file with the private keys of the zone",
        found: "none that can be used",
        hint: read.failure.message
      })
      continue
    }
    for (const name of zonesNotServed(read.success.keys(), zones)) {
      problems.push({
        severity: "warning",
        ...about,
        expected: "a zone that is served",
        found: `keys of ${name}, which is no zone here`,
        hint: "correct the name, or take it out"
      })
    }
  }
  return problems
})
