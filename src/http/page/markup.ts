import { escapeHtml } from "../../domain/escapeHtml.ts"

/** A text, or an element. It holds no HTML: every text is only ever a text. */
export type Markup = string | MarkupElement

/** An element. No two texts in it stand side by side, and none is empty: an HTML parser would not keep them apart. */
export interface MarkupElement {
  readonly tag: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: ReadonlyArray<Markup>
}

/** The HTML of a piece of markup. Tags and attribute names come from our own code, all else is escaped. */
export const html = (markup: Markup): string => {
  if (typeof markup === "string") return escapeHtml(markup)
  const { attributes, children, tag } = markup
  const attributeText = Object.entries(attributes).map(([name, value]) => ` ${name}="${escapeHtml(value)}"`).join("")
  return `<${tag}${attributeText}>${children.map(html).join("")}</${tag}>`
}
