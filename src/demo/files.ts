import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { rawNames } from "../config/memoryConfig.ts"
import { documentKeys } from "../domain/documents/Local.ts"
import { writeDatabase } from "../geo/GeoEntry.ts"
import { DemoError } from "./DemoError.ts"
import { localDocument, sharedDocuments } from "./documents.ts"
import { demoNetworks } from "./places.ts"

/** Where the demo keeps everything, and its nodes' local documents. */
export interface DemoFiles {
  readonly directory: string
  /** The local document of a node, by its id. */
  readonly local: (nodeId: string) => string
}

/**
 * A temporary folder with the documents of all nodes and the GeoIP databases, as an operator would have them. It is
 * removed when the scope closes.
 */
export const writeDemoFiles = Effect.fnUntraced(function*(options: {
  readonly nodes: ReadonlyArray<string>
  readonly memberPort: number
  readonly dnsListen: string
}) {
  const directory = yield* Effect.acquireRelease(
    attempt("make a temporary folder", () => mkdtemp(join(tmpdir(), "geodns-demo-"))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined))
  )
  const geoDirectory = join(directory, "geo")
  const local = (nodeId: string) => join(directory, `${nodeId}.json`)
  yield* attempt("write the documents", async () => {
    const write = (name: string, document: unknown) =>
      writeFile(join(directory, name), JSON.stringify(document, null, 2))
    const shared = sharedDocuments(options.memberPort)
    for (const key of documentKeys) await write(`${key}.json`, shared[rawNames[key]])
    const ConfigUrls = Object.fromEntries(documentKeys.map((key) => [key, `${key}.json`]))
    for (const nodeId of options.nodes) {
      const document = localDocument({ ...options, nodeId })
      await write(`${nodeId}.json`, { ...document, System: { ...document.System, ConfigUrls } })
    }
    await mkdir(geoDirectory)
    for (const kind of ["City", "Country", "ASN"] as const) {
      await writeFile(
        join(geoDirectory, `Demo-${kind}.mmdb`),
        Result.getOrThrow(writeDatabase(kind, demoNetworks, builtAt))
      )
    }
  })
  return { directory, local } satisfies DemoFiles
})

const builtAt = Date.UTC(2026, 0, 1)

/** To its end once begun: what is written after the folder was removed would stay. */
const attempt = <A>(what: string, f: () => Promise<A>): Effect.Effect<A, DemoError> =>
  Effect.uninterruptible(Effect.tryPromise({
    try: f,
    catch: (cause) => new DemoError({ message: `the demo cannot ${what}: ${String(cause)}` })
  }))
