/** Where a text stops being JSON (RFC 8259), and what could stand there instead. */
export interface SyntaxProblem {
  /** In UTF-16 units from the start of the text. */
  readonly offset: number
  readonly expected: string
}

/** How deep lists and objects may be nested; our documents need 6. */
export const maxDepth = 64

/** Whether lists and objects are nested deeper than they may be, in a text that is otherwise JSON. Fast. */
export const isTooDeep = (text: string): boolean => {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (inString) {
      if (c === 0x5c) at++
      else if (c === 0x22) inString = false
    } else if (c === 0x22) inString = true
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > maxDepth) return true
    } else if (c === 0x7d || c === 0x5d) depth--
  }
  return false
}

type Expecting = "document" | "value" | "value or ]" | "key" | "key or }" | "colon" | "comma"

const words: Readonly<Record<Expecting, string>> = {
  document: "an object or a list: { or [",
  value: "a value",
  "value or ]": "a value or ]",
  key: "another key in double quotes (no comma stands after the last entry)",
  "key or }": "a key in double quotes or }",
  colon: "a colon after the key",
  comma: "a comma"
}

/**
 * Scans a text without building anything. Undefined when it is a JSON object or list that is not nested too deeply; no
 * document of ours is anything else.
 */
export const findSyntaxProblem = (text: string): SyntaxProblem | undefined => {
  const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
  const open: Array<"{" | "["> = []
  let expecting: Expecting = "document"
  let done = false
  let at = 0
  const close = () => {
    open.pop()
    done = open.length === 0
    expecting = "comma"
    at++
  }
  while (true) {
    at = skipSpace(text, at)
    if (at >= text.length) {
      if (done) return undefined
      return { offset: text.length, expected: expecting === "comma" ? closing(open) : words[expecting] }
    }
    const c = text[at]!
    if (done) return { offset: at, expected: "the end of the document" }
    if (expecting === "comma") {
      const inside = open.at(-1)
      if (c === (inside === "{" ? "}" : "]")) close()
      else if (c === ",") {
        expecting = inside === "{" ? "key" : "value"
        at++
      } else return { offset: at, expected: closing(open) }
    } else if (expecting === "colon") {
      if (c !== ":") return { offset: at, expected: words.colon }
      expecting = "value"
      at++
    } else if (expecting === "key" || expecting === "key or }") {
      if (c === "}" && expecting === "key or }") close()
      else {
        if (c !== '"') return { offset: at, expected: words[expecting] }
        const end = scanString(text, at)
        if (typeof end !== "number") return end
        at = end
        expecting = "colon"
      }
    } else if (c === "]" && expecting === "value or ]") close()
    else if (c === "{" || c === "[") {
      if (open.length === maxDepth) return { offset: at, expected: `at most ${maxDepth} levels of nesting` }
      open.push(c)
      expecting = c === "{" ? "key or }" : "value or ]"
      at++
    } else {
      if (open.length === 0) return { offset: at, expected: words.document }
      if (c === '"') {
        const end = scanString(text, at)
        if (typeof end !== "number") return end
        at = end
      } else {
        scalar.lastIndex = at
        if (!scalar.test(text)) return { offset: at, expected: words[expecting] }
        at = scalar.lastIndex
      }
      expecting = "comma"
    }
  }
}

const closing = (open: ReadonlyArray<"{" | "[">): string => `a comma or ${open.at(-1) === "{" ? "}" : "]"}`

const skipSpace = (text: string, from: number): number => {
  let at = from
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) break
  }
  return at
}

/** The offset after the string that begins at `from`. */
const scanString = (text: string, from: number): number | SyntaxProblem => {
  for (let at = from + 1; at < text.length; at++) {
    const c = text.charCodeAt(at)
    if (c === 0x22) return at + 1
    if (c < 0x20) return { offset: at, expected: "a closing quote on the same line (or \\n for a new line)" }
    if (c === 0x5c) {
      if (!/^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.test(text.slice(at + 1, at + 6))) {
        return { offset: at, expected: "an escape that JSON knows (a backslash itself is \\\\)" }
      }
      at += 1
    }
  }
  return { offset: from, expected: "a closing quote for the string that begins here" }
}

/** Line and column of an offset, both from 1. */
export const lineAndColumn = (text: string, offset: number): { readonly line: number; readonly column: number } => {
  const before = text.slice(0, offset)
  const start = before.lastIndexOf("\n") + 1
  return { line: before.split("\n").length, column: offset - start + 1 }
}

/** What stands before and after an offset on its line, for people: short, without control characters. */
export const excerpt = (
  text: string,
  offset: number
): { readonly before: string; readonly after: string } => {
  const start = text.lastIndexOf("\n", offset - 1) + 1
  const newline = text.indexOf("\n", offset)
  const end = newline === -1 ? text.length : newline
  const clean = (part: string) => part.replace(/[\p{Cc}\u2028\u2029]/gu, " ").trim()
  const before = clean(text.slice(Math.max(start, offset - 60), offset))
  const after = clean(text.slice(offset, Math.min(end, offset + 40)))
  return {
    before: offset - 60 > start ? `…${before}` : before,
    after: offset + 40 < end ? `${after}…` : after
  }
}

/**
 * A text with everything hidden that could be a secret: only punctuation and the keys in `known` stay. A syntax error
 * can be anywhere, also in the middle of a password, so that what is a value cannot be told from what is not.
 */
export const maskValues = (text: string, known: ReadonlySet<string>): string =>
  text.replace(
    /"([^"]*)"(?=\s*:)|[^{}[\]:,\s"…]+/g,
    (part, key: string | undefined) => key === undefined ? "•" : known.has(key) ? part : '"•"'
  )
