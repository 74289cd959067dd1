/*
 * Text of master files, which people call zone files (RFC 1035, 5.1): how bytes are written that would mean something else
 * there, and how they are read again.
 */

/** A byte: `\` before one of `special`, `\DDD` for what is not printable. */
const written = (byte: number, special: string): string => {
  const c = String.fromCharCode(byte)
  if (special.includes(c)) return `\\${c}`
  return byte > 0x20 && byte < 0x7f ? c : `\\${String(byte).padStart(3, "0")}`
}

/** The bytes of a label. Escaped are, too, what begins a comment or a directive, and what stands for the origin. */
export const writeLabel = (bytes: Uint8Array): string => {
  let text = ""
  for (const byte of bytes) text += written(byte, '.\\";()@$')
  return text
}

/** The bytes of a character-string, in quotes. */
export const writeString = (bytes: Uint8Array): string => {
  let text = ""
  for (const byte of bytes) text += byte === 0x20 ? " " : written(byte, '"\\')
  return `"${text}"`
}

/** `\DDD` of a byte, or `\` before anything but a digit. */
const escape = String.raw`\\(?:[01]\d\d|2[0-4]\d|25[0-5]|\D)`
const parts = new RegExp(String.raw`${escape}|[^\\]+`, "gsu")
const quoted = new RegExp(String.raw`"((?:[^"\\]|${escape})*)"`, "gsu")
const row = new RegExp(String.raw`^(?:"(?:[^"\\]|${escape})*"\s*)+$`, "su")
const bare = new RegExp(String.raw`^(?:[^"\\\s]|${escape})+$`, "su")

const readEscaped = (text: string): Buffer =>
  Buffer.concat(
    (text.match(parts) ?? []).map((part) =>
      !part.startsWith("\\")
        ? Buffer.from(part)
        : /^\d/.test(part.slice(1))
        ? Buffer.of(Number(part.slice(1)))
        : Buffer.from(part.slice(1))
    )
  )

/** Reads character-strings in quotes, one after the other. Undefined when the text is something else. */
export const readStrings = (text: string): ReadonlyArray<Buffer> | undefined =>
  row.test(text) ? [...text.matchAll(quoted)].map(([, inner]) => readEscaped(inner!)) : undefined

/** Reads one character-string, in quotes or without space. Undefined when the text is something else. */
export const readString = (text: string): Buffer | undefined => {
  if (bare.test(text)) return readEscaped(text)
  const strings = readStrings(text)
  return strings?.length === 1 ? strings[0] : undefined
}
