import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as IpNetwork from "effect/net/IpNetwork"
import * as Stream from "effect/Stream"
import { DocumentError, Forbidden, TimedOut, TooLarge } from "./DocumentError.ts"
import { FileChanges } from "./FileChanges.ts"
import { fingerprintOf, readFile } from "./fileDocument.ts"
import { isHttp, publicLocation } from "./location.ts"
import { MemoryDocuments } from "./MemoryDocuments.ts"
import { makeReadUrl } from "./urlDocument.ts"

/** Seconds that the reading of one document may take. */
export const readTimeout = 15

/** The longest document, in bytes after decompression. */
export const maxDocumentBytes = 16 * 1024 * 1024

/** Seconds between two looks at the files that are watched. */
export const watchInterval = 1

/** How many files are watched. */
const maxWatched = 64

/** Reads documents as text, from a path or an `http` or `https` URL. */
export class Documents extends Context.Service<Documents, {
  /**
   * The text of one document, bounded in time and in size: `limit` bytes, 16 MiB when it is left out. A document of a URL
   * that has not changed is not sent again (`ETag`, `Last-Modified`): it is the same text as before. With `sameHost`,
   * redirects to other hosts are not followed.
   *
   * `reach` is for a location that is not this operator's own, as it stands in a shared document: it must be a URL, and only
   * the internet and these networks are connected to, see `mayReach`.
   */
  readonly read: (
    location: string,
    options?: {
      readonly limit?: number
      readonly sameHost?: boolean
      readonly reach?: ReadonlyArray<IpNetwork.IpNetwork>
    }
  ) => Effect.Effect<string, DocumentError>
  /**
   * Emits when a file among `locations` is not any more what it was when it was read last, and has settled. URLs are
   * left out. Never fails: what cannot be looked at is looked at again.
   */
  readonly watch: (locations: ReadonlyArray<string>) => Stream.Stream<void>
}>()("effect-geodns/config/Documents") {
  /**
   * The file system and the network. Files are watched by looking at them every second: that sees editors that replace
   * a file, symbolic links that move to another folder, folders that come and go, and network file systems alike.
   */
  static readonly layer: Layer.Layer<Documents> = Layer.effect(
    Documents,
    Effect.gen(function*() {
      const readUrl = makeReadUrl(yield* HttpClient.HttpClient)
      const changes = new FileChanges()

      const readPath = (path: string, limit: number) =>
        Effect.flatMap(fingerprintOf(path), (fingerprint) => {
          if (fingerprint !== undefined) changes.read(path, fingerprint)
          return readFile(path, limit)
        })
      const read = Effect.fn("Documents.read")((
        location: string,
        { limit = maxDocumentBytes, reach, sameHost = false }: Parameters<Documents["Service"]["read"]>[1] = {}
      ) =>
        (isHttp(location)
          ? readUrl(location, { limit, sameHost, reach })
          : reach === undefined
          ? readPath(location, limit)
          : Effect.fail(new Forbidden({ detail: "no http or https URL" }))).pipe(
            Effect.timeoutOrElse({
              duration: Duration.seconds(readTimeout),
              orElse: () => Effect.fail(new TimedOut({ seconds: readTimeout }))
            }),
            Effect.mapError((reason) => new DocumentError({ location: publicLocation(location), reason }))
          )
      )

      const look = Effect.fnUntraced(function*(paths: ReadonlyArray<string>) {
        let changed = false
        for (const path of paths) {
          // A file system that does not answer must not hold up the others for ever.
          const fingerprint = yield* Effect.timeoutOrElse(fingerprintOf(path), {
            duration: Duration.seconds(readTimeout),
            orElse: () => Effect.succeed(undefined)
          })
          if (fingerprint !== undefined && changes.look(path, fingerprint)) changed = true
        }
        return changed
      })
      const watch = (locations: ReadonlyArray<string>): Stream.Stream<void> => {
        const paths = [...new Set(locations)].filter((location) => location !== "" && !isHttp(location))
          .slice(0, maxWatched)
        return paths.length === 0 ? Stream.never : Stream.tick(Duration.seconds(watchInterval)).pipe(
          Stream.mapEffect(() => look(paths)),
          Stream.filter((changed) => changed),
          Stream.map(() => undefined)
        )
      }
      return Documents.of({ read, watch })
    })
  ).pipe(Layer.provide(FetchHttpClient.layer))

  /**
   * Documents in memory: location → text. `MemoryDocuments` changes them while everything runs; who watches hears of it
   * by its `touch`.
   */
  static readonly layerMemory = (
    documents: Readonly<Record<string, string>> = {}
  ): Layer.Layer<Documents | MemoryDocuments> =>
    Layer.effect(
      Documents,
      Effect.map(MemoryDocuments, (memory) =>
        Documents.of({
          read: (location, { limit = maxDocumentBytes } = {}) =>
            memory.read(location).pipe(
              Effect.filterOrFail(
                (text) => Buffer.byteLength(text) <= limit,
                () => new TooLarge({ limit })
              ),
              Effect.mapError((reason) => new DocumentError({ location: publicLocation(location), reason }))
            ),
          watch: (locations) =>
            memory.touched.pipe(
              Stream.filter((location) => locations.includes(location)),
              Stream.map(() => undefined)
            )
        }))
    ).pipe(Layer.provideMerge(MemoryDocuments.layer(documents)))
}
