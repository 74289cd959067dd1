import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { readFile } from "node:fs/promises"
import { fileProblem } from "../../node/fileProblem.ts"
import { domainName } from "../DomainName.ts"
import { BadKeys, PdnsError } from "./PdnsError.ts"
import { readZoneKeys, type ZoneKey } from "./zoneKeys.ts"

/** Without reading any further: no key is that long. */
const maxKeyFileCharacters = 65_536

/**
 * Reads the files of `GeoDNS.Dns.Keys`, by zone. `file` makes an absolute path of one that they are named by. Fails with the
 * first that cannot be used; what it says never holds a part of a key.
 */
export const readKeys = Effect.fnUntraced(function*(
  files: Readonly<Record<string, string>>,
  file: (path: string) => string
): Effect.fn.Return<ReadonlyMap<string, ReadonlyArray<ZoneKey>>, PdnsError> {
  const keys = new Map<string, ReadonlyArray<ZoneKey>>()
  for (const [zone, path] of Object.entries(files)) {
    const place = file(path)
    const bad = (problem: string) => new PdnsError({ reason: new BadKeys({ zone, file: place, problem }) })
    const name = domainName(zone)?.text
    if (name === undefined) return yield* bad("this is no name of a zone")
    const text = yield* Effect.tryPromise({
      try: () => readFile(place, "latin1"),
      catch: (cause) => bad(fileProblem("read", place, cause))
    })
    const read = text.length > maxKeyFileCharacters ? Result.fail("it is too long for keys") : readZoneKeys(text)
    if (Result.isFailure(read)) return yield* bad(read.failure)
    keys.set(name, read.success)
  }
  return keys
})

/** Those of the zones with keys (`keys`) that are none of `zones`: nothing is signed with their keys. */
export const zonesNotServed = (keys: Iterable<string>, zones: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...keys].filter((zone) => !zones.includes(zone))
