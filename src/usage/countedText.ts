/** Control characters, NUL and line breaks among them. */
const controls = /\p{Cc}+/gu

/** Printable ASCII without spaces around it: nothing to clean. */
const plain = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/

/**
 * A text as it is counted: well-formed, NFC, without control characters, trimmed, and at most `width` long. What differs
 * only in these is one key, and a long name costs nothing but its end.
 */
export const countedText = (text: string, width: number): string => {
  if (text.length <= width && plain.test(text)) return text
  const clean = text.toWellFormed().replace(controls, " ").normalize("NFC").trim()
  if (clean.length <= width) return clean
  const last = clean.charCodeAt(width - 1)
  const splitsPair = last >= 0xd800 && last <= 0xdbff
  return clean.slice(0, splitsPair ? width - 1 : width).trimEnd()
}

/** Remembers what texts became, so that the same few thousand are not cleaned again on every answer. Bounded. */
export class TextCache {
  readonly #clean: (text: string) => string
  readonly #size: number
  readonly #known = new Map<string, string>()

  constructor(clean: (text: string) => string, size: number) {
    this.#clean = clean
    this.#size = size
  }

  get(text: string): string {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const clean = this.#clean(text)
    if (this.#known.size >= this.#size) this.#known.clear()
    this.#known.set(text, clean)
    return clean
  }
}
