/** A text, or an element. It holds no HTML: every text is only ever a text. */
export type Markup = string | MarkupElement

/** An element. No two texts in it stand side by side, and none is empty: an HTML parser would not keep them apart. */
export interface MarkupElement {
  readonly tag: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: ReadonlyArray<Markup>
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!)

/** The HTML of a piece of markup. Tags and attribute names come from our own code, all else is escaped. */
export const html = (markup: Markup): string => {
  if (typeof markup === "string") return escaped(markup)
  const { attributes, children, tag } = markup
  const attributeText = Object.entries(attributes).map(([name, value]) => ` ${name}="${escaped(value)}"`).join("")
  return `<${tag}${attributeText}>${children.map(html).join("")}</${tag}>`
}
