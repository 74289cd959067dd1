import type { StatusDocument } from "../StatusDocument.ts"
import type { Markup, MarkupElement } from "./markup.ts"
import { view } from "./view.ts"

/**
 * What the page does in a browser: it follows the status as the node sends it, and changes what is shown where it differs, so
 * that a selection or a focus stays. Where events do not come through, as behind some proxies, it asks every few seconds. It
 * makes elements and texts, and never parses HTML. Like the view it may use nothing but its arguments and what a browser has.
 */
const keepFresh = (view: (status: StatusDocument) => MarkupElement): void => {
  const every = 3000
  /** The node sends something every 10 s at least: longer silence is a broken connection. */
  const silence = 25_000
  let source: EventSource | undefined
  let opened = 0
  /** When the last event came over the stream that is open; 0 before the first. */
  let heard = 0

  const change = (parent: Node, old: Node | undefined, markup: Markup): void => {
    if (typeof markup === "string") {
      if (old?.nodeType !== 3) return put(parent, old, document.createTextNode(markup))
      if (old.nodeValue !== markup) old.nodeValue = markup
      return
    }
    const { attributes, children, tag } = markup
    const isSame = old?.nodeType === 1 && (old as Element).localName === tag
    const element = isSame ? old as Element : document.createElement(tag)
    // What the reader has unfolded stays so.
    for (const name of element.getAttributeNames()) {
      if (!(name in attributes) && name !== "open") element.removeAttribute(name)
    }
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

  const show = (status: StatusDocument): void => {
    const main = document.getElementById("status")
    if (main === null) return
    const markup = view(status)
    change(main.parentNode!, main, markup)
    document.title = markup.attributes["data-title"] ?? document.title
    setLost(false)
  }

  const setLost = (isLost: boolean): void => {
    const lost = document.getElementById("lost")
    if (lost !== null) lost.hidden = !isLost
  }

  const close = (): void => {
    source?.close()
    source = undefined
  }

  const follow = (): void => {
    if (typeof EventSource === "undefined" || source !== undefined) return
    opened = performance.now()
    heard = 0
    source = new EventSource("api/status/events")
    source.addEventListener("status", (event) => {
      heard = performance.now()
      show(JSON.parse((event as MessageEvent<string>).data))
    })
    // It is asked for until the node sends again.
    source.addEventListener("error", close)
  }

  const refresh = async (): Promise<void> => {
    try {
      const response = await fetch("api/status", { signal: AbortSignal.timeout(5000) })
      if (!response.ok) throw new Error(String(response.status))
      show(await response.json())
    } catch {
      setLost(true)
    }
  }

  const loop = async (): Promise<void> => {
    if (document.hidden) close()
    else {
      if (performance.now() - Math.max(opened, heard) > silence) close()
      if (source === undefined || heard === 0) await refresh()
      follow()
    }
    setTimeout(loop, every)
  }
  follow()
  setTimeout(loop, every)
}

/** The page's script, with the view in it. It is the same for every page, so that a policy can name it by its hash. */
export const script = `"use strict";(${keepFresh})(${view});`.replaceAll("</", "<\\/")
