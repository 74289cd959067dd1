import type { StatusDocument } from "../StatusDocument.ts"
import type { Markup, MarkupElement } from "./markup.ts"
import { view } from "./view.ts"

/**
 * What the page does in a browser: every few seconds it asks for the status and changes what is shown where it differs,
 * so that a selection or a focus stays. It makes elements and texts, and never parses HTML. Like the view it may use
 * nothing but its arguments and what a browser has.
 */
const keepFresh = (view: (status: StatusDocument) => MarkupElement): void => {
  const every = 3000

  const change = (parent: Node, old: Node | undefined, markup: Markup): void => {
    if (typeof markup === "string") {
      if (old?.nodeType !== 3) return put(parent, old, document.createTextNode(markup))
      if (old.nodeValue !== markup) old.nodeValue = markup
      return
    }
    const { attributes, children, tag } = markup
    const isSame = old?.nodeType === 1 && (old as Element).localName === tag
    const element = isSame ? old as Element : document.createElement(tag)
    for (const name of element.getAttributeNames()) if (!(name in attributes)) element.removeAttribute(name)
    for (const [name, value] of Object.entries(attributes)) {
      if (element.getAttribute(name) !== value) element.setAttribute(name, value)
    }
    const there = [...element.childNodes]
    children.forEach((child, i) => change(element, there[i], child))
    for (const node of there.slice(children.length)) element.removeChild(node)
    if (!isSame) put(parent, old, element)
  }

  const put = (parent: Node, old: Node | undefined, node: Node): void => {
    if (old === undefined) parent.appendChild(node)
    else parent.replaceChild(node, old)
  }

  const refresh = async (): Promise<void> => {
    const main = document.getElementById("status")
    const lost = document.getElementById("lost")
    if (main === null || lost === null) return
    try {
      const response = await fetch("api/status", { signal: AbortSignal.timeout(5000) })
      if (!response.ok) throw new Error(String(response.status))
      const markup = view(await response.json())
      change(main.parentNode!, main, markup)
      document.title = markup.attributes["data-title"] ?? document.title
      lost.hidden = true
    } catch {
      lost.hidden = false
    }
  }

  const loop = async (): Promise<void> => {
    if (!document.hidden) await refresh()
    setTimeout(loop, every)
  }
  setTimeout(loop, every)
}

/** The page's script, with the view in it. It is the same for every page, so that a policy can name it by its hash. */
export const script = `"use strict";(${keepFresh})(${view});`.replaceAll("</", "<\\/")
