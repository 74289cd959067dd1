import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { Override } from "../domain/Override.ts"
import { fromOverrideRecord, OverrideRecord, toOverrideRecord } from "../domain/wire/Override.ts"
import type { DurableFiles } from "../node/DurableFiles.ts"

/** The durable file of the overrides. */
export const overridesFile = "overrides.json"

/** Where a broken {@link overridesFile} is set aside. */
export const brokenOverridesFile = "overrides.broken.json"

const decodeFile = Schema.decodeUnknownOption(
  Schema.fromJsonString(Schema.Struct({ version: Schema.Literal(1), overrides: Schema.Array(Schema.Unknown) }))
)
const decode = Schema.decodeUnknownOption(OverrideRecord)
const encode = Schema.encodeSync(OverrideRecord)

/**
 * Encodes all overrides as the content of a file, one a line. They must have passed {@link OverrideRecord}. What was
 * encoded before is not encoded again: the file is written often when much happens.
 */
export const overridesEncoder = (): (overrides: Iterable<Override>) => string => {
  const encoded = new WeakMap<Override, string>()
  const lineOf = (it: Override): string => {
    const line = encoded.get(it) ?? JSON.stringify(encode(toOverrideRecord(it)))
    encoded.set(it, line)
    return line
  }
  return (overrides) => `{"version":1,"overrides":[\n${Array.from(overrides, lineOf).join(",\n")}\n]}\n`
}

/** What can be read of a file, and how many entries cannot; undefined when it is no such file. */
export const decodeOverrides = (
  content: string
): { readonly overrides: ReadonlyArray<Override>; readonly broken: number } | undefined => {
  const file = decodeFile(content)
  if (Option.isNone(file)) return undefined
  const entries = file.value.overrides
  const overrides = entries.flatMap((entry) => Option.toArray(Option.map(decode(entry), fromOverrideRecord)))
  return { overrides, broken: entries.length - overrides.length }
}

/** Restores the file. Succeeds with what was wrong, if anything: a bad file never keeps a node from running. */
export const restoreOverrides = Effect.fnUntraced(function*(
  files: DurableFiles["Service"],
  take: (override: Override) => void
) {
  const read = yield* Effect.result(files.read(overridesFile))
  if (read._tag === "Failure") {
    return `${overridesFile} could not be read, this node learns the overrides from others: ${read.failure.message}`
  }
  if (Option.isNone(read.success)) return undefined
  const content = read.success.value
  const decoded = decodeOverrides(content)
  decoded?.overrides.forEach(take)
  if (decoded?.broken === 0) return undefined
  const aside = yield* Effect.result(files.write(brokenOverridesFile, content))
  const wrong = decoded === undefined
    ? "it is no such file"
    : `${decoded.broken} of ${decoded.broken + decoded.overrides.length} entries`
  return `${overridesFile} is broken, this node learns what is missing from others; look who should be out: ${wrong}; ${
    aside._tag === "Success" ? `set aside as ${brokenOverridesFile}` : aside.failure.message
  }`
})
