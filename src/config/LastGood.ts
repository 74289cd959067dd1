import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { DocumentKey } from "../domain/documents/Local.ts"
import type { Slices } from "../domain/Slices.ts"
import type { DurableFileError, DurableFiles } from "../node/DurableFiles.ts"
import { inSlices } from "./inSlices.ts"

/** The last good copy of a shared document, as it stands on the disk: what a node starts with when there is no network. */
export const LastGood = Schema.Struct({
  /** Where it came from, fit to be shown. */
  location: Schema.String,
  /** Milliseconds since the epoch. */
  loadedAt: Schema.Finite,
  /** The document, letter by letter. */
  text: Schema.String
})
export type LastGood = typeof LastGood.Type

const Stored = Schema.fromJsonString(LastGood)

/** The name of the file with the last good copy of a document. */
export const lastGoodFile = (key: DocumentKey): string => `config-${key}.json`

/** What is on the disk for a document: its copy, none, or something that is none any more, and why. */
export interface Kept {
  readonly copy: LastGood | undefined
  readonly damage: string | undefined
}

/** The copy on the disk. One that cannot be read or understood is as good as none, but it is said. */
export const readLastGood = (files: DurableFiles["Service"], key: DocumentKey): Effect.Effect<Kept> =>
  files.read(lastGoodFile(key)).pipe(
    Effect.flatMap(Option.match({
      onNone: () => Effect.succeed<Kept>({ copy: undefined, damage: undefined }),
      onSome: (text) => Effect.map(Schema.decodeEffect(Stored)(text), (copy): Kept => ({ copy, damage: undefined }))
    })),
    Effect.catch((error) =>
      Effect.succeed<Kept>({
        copy: undefined,
        damage: error._tag === "DurableFileError" ? error.message : `${lastGoodFile(key)} is damaged`
      })
    )
  )

/** UTF-16 units of a document that are encoded before others have their turn: less than a millisecond. */
const partLength = 65_536

/** What `JSON.stringify` gives for a copy. A pair of surrogates may be parted: written as escapes, it is read as one. */
const encodeCopy = function*({ loadedAt, location, text }: LastGood): Slices<string> {
  let encoded = ""
  for (let at = 0; at < text.length; at += partLength) {
    encoded += JSON.stringify(text.slice(at, at + partLength)).slice(1, -1)
    yield
  }
  const rest = JSON.stringify({ location, loadedAt })
  return `${rest.slice(0, -1)},"text":"${encoded}"}`
}

/** Keeps a copy on the disk. */
export const writeLastGood = (
  files: DurableFiles["Service"],
  key: DocumentKey,
  copy: LastGood
): Effect.Effect<void, DurableFileError> =>
  Effect.flatMap(inSlices(encodeCopy(copy)), (content) => files.write(lastGoodFile(key), content))
