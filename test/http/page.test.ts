import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { createHash } from "node:crypto"
import { runInNewContext } from "node:vm"
import type { Override } from "../../src/domain/Override.ts"
import { html, type Markup, type MarkupElement } from "../../src/http/page/markup.ts"
import { contentSecurityPolicy, page } from "../../src/http/page/page.ts"
import { script } from "../../src/http/page/script.ts"
import { style } from "../../src/http/page/style.ts"
import { view } from "../../src/http/page/view.ts"
import type { StatusDocument } from "../../src/http/StatusDocument.ts"
import { addOutage, noOutages, summarize } from "../../src/http/summarize.ts"
import { FakeNode } from "./FakeDom.ts"
import { member, minutes, node, now, official, outage, proposal, snapshotOf, target } from "./fakes.ts"

/** A document with something in every part, in which every free text is `text`. */
const statusWith = (text: string, later = 0): StatusDocument => {
  const of = target({ member: text, check: text, domain: text, endpoint: text })
  const override: Override = {
    id: text,
    kind: "override",
    member: text,
    reason: text,
    author: text,
    node: text,
    at: now,
    from: now,
    until: undefined,
    ended: undefined
  }
  const planned: Override = { ...override, kind: "maintenance", from: now + minutes(1e6), until: now + minutes(2e6) }
  return summarize({
    now: now + later,
    node: { id: text, role: text, boot: text, startedAt: now - minutes(5) },
    config: snapshotOf({ [text]: member(text, { region: text, website: text, logo: text }) }),
    conditions: [{ name: text, detail: text, since: now - minutes(1) }],
    nodes: [node(text, text, { address: text, guessed: true })],
    electorate: new Set([text]),
    officials: [
      official(of, { up: false, error: text, id: text, decidedBy: text, votes: { [text]: true, [`${text}2`]: false } })
    ],
    latencies: {
      ofTarget: () => ({ p50: 10, p95: 50, p99: 200 }),
      ofMember: () => ({ p50: 20, p95: 90, p99: 400 })
    },
    proposals: [proposal(of, { error: text })],
    overrides: { all: [planned, override], active: new Map([[text, override]]) },
    shadow: {
      against: text,
      at: now,
      problem: text,
      compared: 2,
      agreed: 1,
      differences: [{ target: of, here: true, there: undefined, since: now }]
    },
    outages: {
      open: [outage(of, { error: text, votes: { [text]: true } })],
      recent: addOutage(noOutages, outage(of, { error: text, end: now, blip: true }))
    }
  })
}

/** The tags of a page with the names of their attributes: its structure without its texts. */
const skeleton = (text: string): ReadonlyArray<string> =>
  [
    ...text.replace("<!doctype html>", "").replace(script, "").replace(style, "")
      .matchAll(/<(\/?[a-z0-9]+)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>|<|>/gi)
  ]
    .map(([whole, tag, attributes = ""]) =>
      tag === undefined ? `stray ${whole}` : `${tag} ${attributes.replaceAll(/="[^"]*"/g, "")}`
    )

const hostile = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '" onmouseover="alert(1)',
  "</title><script>alert(1)</script>",
  "</script><script>alert(1)</script>",
  "<!-- ",
  "javascript:alert(1)",
  "&lt;script&gt;",
  "${alert(1)}`",
  "\u202e<b>"
]

const hostileText = fc.oneof(
  fc.constantFrom(...hostile),
  fc.string({
    unit: fc.constantFrom("<", ">", '"', "'", "&", "/", "=", " ", "a", "script", "`", "\u0000", "\n"),
    minLength: 1
  })
)

describe("the page as the server writes it", () => {
  it("has the same structure whatever the texts are", () => {
    const expected = skeleton(page(statusWith("plain")))
    assert.notInclude(expected.join(), "stray")
    fc.assert(
      fc.property(hostileText, (text) => assert.deepStrictEqual(skeleton(page(statusWith(text))), expected)),
      { numRuns: 200 }
    )
  })

  it("shows every text as it is", () => {
    for (const text of hostile) {
      const shown = page(statusWith(text)).replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"')
        .replaceAll("&#39;", "'").replaceAll("&amp;", "&")
      assert.isAbove(shown.split(text).length, 8, text)
    }
  })

  it("links to http and https alone", () => {
    const links = (website: string) =>
      [
        ...page(summarize({
          now,
          node: { id: "n", role: "IBPDns", boot: "b", startedAt: now },
          config: snapshotOf({ a: member("Amber", { website }) }),
          conditions: [],
          nodes: [],
          electorate: new Set(),
          officials: [],
          proposals: []
        })).matchAll(/<a href="([^"]*)"/g)
      ].map(([, url]) => url)
    assert.deepStrictEqual(links('https://amber.example/?a&b"<'), [
      "https://amber.example/?a&amp;b%22%3C",
      "api/status",
      "health",
      "metrics"
    ])
    assert.deepStrictEqual(links("javascript:alert(1)//https://"), ["api/status", "health", "metrics"])
  })

  it("lets no quote end an attribute", () => {
    const status = statusWith("x")
    const [m] = status.members.items
    const shown = (website: string) => html(view({ ...status, members: { total: 1, items: [{ ...m!, website }] } }))
    const text = shown('https://x.example/" onmouseover="alert(1)')
    assert.include(text, 'href="https://x.example/&quot; onmouseover=&quot;alert(1)"')
    assert.deepStrictEqual(skeleton(text), skeleton(shown("https://x.example/")))
    assert.strictEqual(
      html({ tag: "i", attributes: { title: `"'<&>` }, children: [] }),
      '<i title="&quot;&#39;&lt;&amp;&gt;"></i>'
    )
  })

  it("has one script and one style, and a policy that names them", () => {
    const text = page(statusWith("<script>"))
    const hashes = (tag: string) =>
      [...text.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, "gs"))].map(([, body]) =>
        `'sha256-${createHash("sha256").update(body!).digest("base64")}'`
      )
    assert.lengthOf(hashes("script"), 1)
    assert.lengthOf(hashes("style"), 1)
    assert.include(contentSecurityPolicy, `script-src ${hashes("script")[0]}`)
    assert.include(contentSecurityPolicy, `style-src ${hashes("style")[0]}`)
    assert.include(contentSecurityPolicy, "default-src 'none'")
    assert.notInclude(contentSecurityPolicy, "unsafe")
  })

  it("shows no logo, and lets a browser load none: whoever reads it asks nobody but this node", () => {
    const logo = "https://logos.example/planted.svg"
    const status = summarize({
      now,
      node: { id: "n", role: "IBPDns", boot: "b", startedAt: now },
      config: snapshotOf({ a: member("Amber", { logo }) }),
      conditions: [],
      nodes: [],
      electorate: new Set(),
      officials: [],
      proposals: []
    })
    assert.strictEqual(status.members.items[0]!.logo, logo)
    const text = page(status)
    assert.include(text, "Amber")
    assert.notMatch(text, /<img|planted/)
    assert.match(contentSecurityPolicy, /default-src 'none';.*img-src data:;/)
  })

  it("asks nothing of anybody else, and loads itself again without JavaScript", () => {
    const text = page(statusWith("plain"))
    assert.notMatch(text, /(?:src|href)="(?!data:|api\/|health|metrics)/)
    assert.notMatch(text, /@import|url\(/)
    assert.include(text, '<noscript><meta http-equiv="refresh"')
  })
})

describe("latencies", () => {
  const measured = (n: number, ofTarget: (key: string) => { p50: number; p95: number; p99: number } | undefined) => {
    const targets = Array.from(
      { length: n },
      (_, i) => target({ member: "Amber", check: i === 0 ? "tcp" : "wss", endpoint: `wss://rpc${i}.example/` })
    )
    return html(view(summarize({
      now,
      node: { id: "n", role: "IBPMonitor", boot: "b", startedAt: now },
      config: snapshotOf({ a: member("Amber") }),
      conditions: [],
      nodes: [],
      electorate: new Set(),
      officials: targets.map((of) => official(of, { up: true })),
      latencies: { ofTarget, ofMember: () => ({ p50: 20, p95: 90, p99: 400 }) },
      proposals: []
    })))
  }

  it("are there for each target, folded under those of the member", () => {
    const text = measured(
      2,
      (key) => key.includes("tcp") ? { p50: 1, p95: 2, p99: 3 } : { p50: 100, p95: 300, p99: 900 }
    )
    const [, summary = "", list = ""] = /<details class="muted"><summary>(.*?)<\/summary>(.*?)<\/details>/.exec(text)!
    assert.strictEqual(summary, "answers in 20 ms (95 % within 90, 99 % within 400), 2 targets together")
    assert.match(list, /<b>tcp<\/b> wss:\/\/rpc0\.example\/.*?<span>1 ms \(95 % within 2, 99 % within 3\)<\/span>/)
    assert.match(
      list,
      /<b>wss<\/b> wss:\/\/rpc1\.example\/.*?<span>100 ms \(95 % within 300, 99 % within 900\)<\/span>/
    )
  })

  it("of a member alone are shown as they are, and of many targets not all", () => {
    const alone = measured(1, () => undefined)
    assert.include(alone, "answers in 20 ms (95 % within 90, 99 % within 400)")
    assert.notInclude(alone, "<details")
    const many = measured(60, () => ({ p50: 1, p95: 2, p99: 3 }))
    assert.strictEqual(many.split("1 ms (95 %").length - 1, 50)
    assert.include(many, "10 more in api/status")
  })
})

describe("the headline", () => {
  const headline = (...ups: ReadonlyArray<boolean | undefined>): string =>
    view(summarize({
      now,
      node: { id: "n", role: "IBPDns", boot: "b", startedAt: now },
      config: snapshotOf(Object.fromEntries(ups.map((_, i) => [`k${i}`, member(`m${i}`)]))),
      conditions: [],
      nodes: [],
      electorate: new Set(),
      officials: ups.flatMap((up, i) => up === undefined ? [] : [official(target({ member: `m${i}` }), { up })]),
      proposals: []
    })).attributes["data-title"]!.replace(" · GeoDNS", "")

  it("says how it is", () => {
    assert.strictEqual(headline(), "No member is active")
    assert.strictEqual(headline(undefined, undefined), "Nothing is decided yet")
    assert.strictEqual(headline(true, undefined), "1 of 2 members up, the rest is not decided yet")
    assert.strictEqual(headline(true, true, true), "All 3 members are up")
    assert.strictEqual(headline(true, false, undefined), "1 of 3 members has trouble")
    assert.strictEqual(headline(false, false), "2 of 2 members have trouble")
  })
})

const built = (markup: Markup): FakeNode => {
  if (typeof markup === "string") return new FakeNode(3, markup)
  const node = new FakeNode(1, markup.tag)
  for (const [name, value] of Object.entries(markup.attributes)) node.setAttribute(name, value)
  for (const child of markup.children) node.appendChild(built(child))
  return node
}

const markupOf = (node: FakeNode): Markup =>
  node.nodeType === 3
    ? node.nodeValue!
    : { tag: node.localName, attributes: Object.fromEntries(node.attributes), children: node.childNodes.map(markupOf) }

/** Runs the page's script in a fake browser that shows `first`, and lets it ask until `answers` are used up. */
const browse = async (first: MarkupElement, answers: ReadonlyArray<StatusDocument | "lost">) => {
  const body = new FakeNode(1, "body")
  const lost = new FakeNode(1, "p")
  lost.hidden = true
  body.appendChild(lost)
  body.appendChild(built(first))
  const main = () => body.childNodes[1]!
  const before = main()
  const timers: Array<() => unknown> = []
  const asked: Array<string> = []
  const document = {
    title: "",
    hidden: false,
    createElement: (tag: string) => new FakeNode(1, tag),
    createTextNode: (text: string) => new FakeNode(3, text),
    getElementById: (id: string) => id === "status" ? main() : id === "lost" ? lost : null
  }
  const left = [...answers]
  const fetch = async (url: string) => {
    asked.push(url)
    const answer = left.shift()
    if (answer === undefined || answer === "lost") throw new TypeError("Failed to fetch")
    return { ok: true, json: async () => JSON.parse(JSON.stringify(answer)) }
  }
  runInNewContext(script, {
    document,
    fetch,
    AbortSignal,
    performance: { now: () => 1 },
    setTimeout: (f: () => unknown) => void timers.push(f)
  })
  for (const _ of answers) await timers.shift()!()
  return {
    asked,
    document,
    isLost: !lost.hidden,
    isSame: main() === before,
    shown: markupOf(main()),
    waits: timers.length
  }
}

const firstElement = (markup: Markup, tag: string): MarkupElement | undefined => {
  if (typeof markup === "string") return undefined
  if (markup.tag === tag) return markup
  for (const child of markup.children) {
    const found = firstElement(child, tag)
    if (found !== undefined) return found
  }
  return undefined
}

describe("the page as its script writes it", () => {
  it("becomes what the server would write, from anything to anything", async () => {
    await fc.assert(
      fc.asyncProperty(hostileText, hostileText, fc.integer({ min: 0, max: 1e8 }), async (before, after, later) => {
        const newer = statusWith(after, later)
        const { asked, isSame, shown, waits } = await browse(view(statusWith(before)), [newer])
        assert.deepStrictEqual(shown, view(newer))
        assert.strictEqual(html(shown), html(view(newer)))
        assert.isTrue(isSame)
        assert.deepStrictEqual([asked, waits], [["api/status"], 1])
      }),
      { numRuns: 100 }
    )
  })

  it("goes from empty to full and back", async () => {
    const empty = summarize({
      now,
      node: { id: "n", role: "IBPDns", boot: "b", startedAt: now },
      config: snapshotOf({}),
      conditions: [],
      nodes: [],
      electorate: new Set(),
      officials: [],
      proposals: []
    })
    const full = statusWith("full")
    assert.deepStrictEqual((await browse(view(empty), [full])).shown, view(full))
    const { document, shown } = await browse(view(full), [full, empty])
    assert.deepStrictEqual(shown, view(empty))
    assert.strictEqual(document.title, "No member is active · GeoDNS")
  })

  it("keeps what it has and says so when the node does not answer, until it does", async () => {
    const first = view(statusWith("x"))
    const lost = await browse(first, ["lost"])
    assert.deepStrictEqual([lost.isLost, lost.shown, lost.waits], [true, first, 1])
    assert.isFalse((await browse(first, ["lost", statusWith("y")])).isLost)
  })

  it("follows the events of the node, and asks only while none come", async () => {
    const first = statusWith("first")
    let clock = 0
    const timers: Array<() => unknown> = []
    const asked: Array<string> = []
    const sources: Array<{
      readonly url: string
      readonly on: Record<string, (event: unknown) => void>
      isClosed: boolean
    }> = []
    const body = new FakeNode(1, "body")
    body.appendChild(built(view(first)))
    const document = {
      title: "",
      hidden: false,
      createElement: (tag: string) => new FakeNode(1, tag),
      createTextNode: (text: string) => new FakeNode(3, text),
      getElementById: (id: string) => id === "status" ? body.childNodes[0]! : null
    }
    class EventSource {
      readonly source: (typeof sources)[number]
      constructor(url: string) {
        this.source = { url, on: {}, isClosed: false }
        sources.push(this.source)
      }
      addEventListener(name: string, listener: (event: unknown) => void) {
        this.source.on[name] = listener
      }
      close() {
        this.source.isClosed = true
      }
    }
    const fetch = async (url: string) => {
      asked.push(url)
      return { ok: true, json: async () => JSON.parse(JSON.stringify(first)) }
    }
    const tick = async (millis: number) => {
      clock += millis
      await timers.shift()!()
    }
    runInNewContext(script, {
      document,
      fetch,
      AbortSignal,
      EventSource,
      performance: { now: () => clock },
      setTimeout: (f: () => unknown) => void timers.push(f)
    })
    // Before the first event it asks: a proxy may hold events back.
    await tick(3000)
    assert.deepStrictEqual([sources.map(({ url }) => url), asked.length], [["api/status/events"], 1])
    const newer = statusWith("newer")
    sources[0]!.on["status"]!({ data: JSON.stringify(newer) })
    assert.deepStrictEqual(markupOf(body.childNodes[0]!), view(newer))
    for (let i = 0; i < 5; i++) await tick(3000)
    assert.deepStrictEqual([sources.length, asked.length], [1, 1])
    // Silence for too long is a broken connection.
    await tick(20_000)
    assert.deepStrictEqual([sources.length, sources[0]!.isClosed, asked.length], [2, true, 2])
    // A connection that broke is opened again, and until it speaks the page asks.
    sources[1]!.on["error"]!({})
    await tick(3000)
    assert.deepStrictEqual([sources.length, sources[1]!.isClosed, asked.length], [3, true, 3])
    sources[2]!.on["status"]!({ data: JSON.stringify(newer) })
    document.hidden = true
    await tick(3000)
    assert.deepStrictEqual([sources[2]!.isClosed, asked.length], [true, 3])
  })

  it("keeps unfolded what the reader has unfolded", async () => {
    const first = view(statusWith("first"))
    const details = (markup: Markup): MarkupElement => firstElement(markup, "details")!
    assert.deepStrictEqual(details(first).attributes, { class: "muted" })
    const open = JSON.parse(
      JSON.stringify(first).replace(
        '"tag":"details","attributes":{"class":"muted"}',
        '"tag":"details","attributes":{"class":"muted","open":""}'
      )
    )
    const { shown } = await browse(open, [statusWith("second")])
    assert.deepStrictEqual(details(shown).attributes, { class: "muted", open: "" })
    assert.include(html(details(shown)), "second")
  })

  it("makes no link of a URL that only looks like one", async () => {
    const status = statusWith("x")
    const [m] = status.members.items
    const forged = { ...status, members: { total: 1, items: [{ ...m!, website: "javascript:alert(1)" }] } }
    const { shown } = await browse(view(status), [forged])
    assert.deepStrictEqual(firstElement(shown, "a")?.attributes, { href: "api/status" })
  })
})
