import type { Target } from "../../domain/Target.ts"
import type { OverrideStatus } from "../OverrideDocument.ts"
import type { MemberStatus, OutageStatus, ShadowStatus, StatusDocument, TargetStatus } from "../StatusDocument.ts"
import type { Markup, MarkupElement } from "./markup.ts"

/**
 * What the status page shows of a document: its `<main>`. The server renders it to HTML, and the page's script renders
 * the same function again from a newer document, so it may use nothing but its argument and the language itself.
 */
export const view = (status: StatusDocument): MarkupElement => {
  const failingShown = 8
  const latenciesShown = 50

  const h = (
    tag: string,
    attributes: Readonly<Record<string, string>>,
    ...children: ReadonlyArray<Markup | false | undefined>
  ): MarkupElement => {
    const merged: Array<Markup> = []
    for (const child of children) {
      if (child === false || child === undefined || child === "") continue
      const last = merged.at(-1)
      if (typeof child === "string" && typeof last === "string") merged[merged.length - 1] = last + child
      else merged.push(child)
    }
    return { tag, attributes, children: merged }
  }

  const latency = ({ p50, p95, p99 }: NonNullable<MemberStatus["latency"]>): string =>
    `${p50} ms (95 % within ${p95}, 99 % within ${p99})`

  const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`

  const duration = (millis: number): string => {
    const seconds = Math.max(0, Math.round(millis / 1000))
    const minutes = Math.floor(seconds / 60)
    const hours = Math.floor(minutes / 60)
    const days = Math.floor(hours / 24)
    if (seconds < 60) return `${seconds} s`
    if (minutes < 60) return `${minutes} min`
    if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
    return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`
  }

  const now = Date.parse(status.at)
  const clock = (time: string): string => `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`
  const time = (at: string, text: string): MarkupElement => h("time", { datetime: at, title: clock(at) }, text)
  const since = (at: string): MarkupElement => time(at, `for ${duration(now - Date.parse(at))}`)
  const ago = (at: string): MarkupElement => time(at, `${duration(now - Date.parse(at))} ago`)

  const ahead = (at: string): MarkupElement => time(at, `in ${duration(Date.parse(at) - now)}`)

  const link = (url: string, text: string): Markup =>
    /^https?:\/\//i.test(url) ? h("a", { href: url, rel: "noopener noreferrer" }, text) : text

  const what = ({ domain, endpoint, ipv6, check, checkType }: Target): MarkupElement =>
    h(
      "span",
      { class: "target" },
      h("b", {}, check),
      " ",
      endpoint !== "" ? endpoint : domain !== "" ? domain : checkType,
      " ",
      h("span", { class: "tag" }, ipv6 ? "IPv6" : "IPv4")
    )

  const votes = ({ no, yes }: TargetStatus["votes"]): MarkupElement =>
    h(
      "span",
      { class: "votes" },
      yes.length + no.length === 0 ? "no votes" : "votes ",
      yes.length > 0 && h("span", { class: "yes" }, `✓ ${yes.join(", ")}`),
      yes.length > 0 && no.length > 0 && " ",
      no.length > 0 && h("span", { class: "no" }, `✗ ${no.join(", ")}`)
    )

  const section = (title: string, note: string, ...children: ReadonlyArray<Markup>): MarkupElement =>
    h("section", {}, h("h2", {}, title, " ", h("small", {}, note)), ...children)

  const shortened = (list: { readonly total: number; readonly items: ReadonlyArray<unknown> }): string =>
    list.total > list.items.length ? `the first ${list.items.length} of ${list.total}` : `${list.total}`

  const stateText: Readonly<Record<MemberStatus["state"], string>> = {
    up: "Up",
    degraded: "Degraded",
    down: "Down",
    unknown: "Not decided yet",
    overridden: "Taken out by hand",
    inactive: "Not active"
  }

  const failure = ({ error, since: at, target, votes: cast }: TargetStatus): MarkupElement =>
    h(
      "li",
      {},
      h("div", { class: "row" }, what(target), since(at)),
      h("div", { class: "error" }, error === "" ? "no reason given" : error),
      h("div", { class: "muted" }, votes(cast))
    )

  const until = (at: string | undefined): ReadonlyArray<Markup> =>
    at === undefined ? ["until further notice"] : ["ends ", ahead(at)]

  const out = ({ author, by, reason, until: end }: NonNullable<MemberStatus["out"]>): MarkupElement =>
    by === "document"
      ? h("div", { class: "muted" }, "Taken out by the members document")
      : h(
        "div",
        { class: "muted" },
        `${by === "maintenance" ? "Maintenance" : "Taken out"} by `,
        h("b", {}, author),
        ": ",
        h("span", { class: "reason" }, reason),
        ", ",
        ...until(end)
      )

  const override = (o: OverrideStatus): MarkupElement =>
    h(
      "li",
      {},
      h(
        "div",
        { class: "row" },
        h(
          "span",
          {},
          h("span", { class: "name" }, o.member),
          " ",
          h("span", { class: "tag" }, o.kind),
          " ",
          h("span", { class: "reason" }, o.reason)
        ),
        o.state === "planned" ? h("span", { class: "muted" }, "begins ", ahead(o.from)) : since(o.from)
      ),
      h(
        "div",
        { class: "muted" },
        "by ",
        h("b", {}, o.author),
        ` on ${o.node} · `,
        ...o.state === "planned" && o.until !== undefined
          ? [`for ${duration(Date.parse(o.until) - Date.parse(o.from))}`]
          : until(o.until)
      )
    )

  const opinion = (up: boolean | undefined): MarkupElement =>
    h("b", { class: up === undefined ? "" : up ? "yes" : "no" }, up === undefined ? "nothing" : up ? "up" : "down")

  const shadow = (s: ShadowStatus): MarkupElement =>
    section(
      "Shadow",
      `agrees on ${s.agreed} of ${count(s.compared, "target")}`,
      h(
        "p",
        { class: "muted" },
        `This node takes part in nothing. It compares itself with ${s.against}`,
        s.at !== undefined && ", last ",
        s.at !== undefined && ago(s.at),
        "."
      ),
      ...s.problem === undefined ? [] : [h("p", { class: "error" }, s.problem)],
      ...s.differences.items.length === 0 ? [] : [
        h(
          "ul",
          { class: "list" },
          ...s.differences.items.map((d) =>
            h(
              "li",
              {},
              h(
                "div",
                { class: "row" },
                h("span", {}, h("span", { class: "name" }, d.target.member), " ", what(d.target)),
                since(d.since)
              ),
              h("div", { class: "muted" }, "here ", opinion(d.here), ", there ", opinion(d.there))
            )
          )
        ),
        ...s.differences.total > s.differences.items.length
          ? [h("p", { class: "muted" }, `${s.differences.total - s.differences.items.length} more`)]
          : []
      ]
    )

  const latencies = ({ latency: all, targets }: MemberStatus): MarkupElement | undefined => {
    if (all === undefined) return undefined
    const measured = targets.flatMap(({ latency: own, target }) => own === undefined ? [] : [{ own, target }])
    if (measured.length === 0) return h("div", { class: "muted" }, `answers in ${latency(all)}`)
    const more = measured.length - latenciesShown
    return h(
      "details",
      { class: "muted" },
      h("summary", {}, `answers in ${latency(all)}, ${count(measured.length, "target")} together`),
      h(
        "ul",
        {},
        ...measured.slice(0, latenciesShown).map(({ own, target }) =>
          h("li", { class: "row" }, what(target), h("span", {}, latency(own)))
        )
      ),
      more > 0 && h("div", {}, `${more} more in api/status`)
    )
  }

  const member = (m: MemberStatus): MarkupElement => {
    const failing = m.targets.filter(({ up }) => !up)
    const shown = failing.slice(0, failingShown)
    return h(
      "li",
      { class: `member ${m.state}` },
      h(
        "div",
        { class: "row" },
        h("span", { class: "name" }, h("i", { class: "dot" }), link(m.website, m.name)),
        h(
          "span",
          { class: "state" },
          h("b", {}, stateText[m.state]),
          m.since !== undefined && m.state !== "overridden" && m.state !== "inactive" && " ",
          m.since !== undefined && m.state !== "overridden" && m.state !== "inactive" && since(m.since),
          m.state === "overridden" && m.out?.since !== undefined && " ",
          m.state === "overridden" && m.out?.since !== undefined && since(m.out.since)
        )
      ),
      h(
        "div",
        { class: "muted" },
        [
          m.region,
          m.key === "" ? "not in the members document" : count(m.services, "service"),
          m.up + m.down === 0 ? "no target decided" : `${m.up} of ${count(m.up + m.down, "target")} up`
        ].filter((part) => part !== "").join(" · ")
      ),
      latencies(m),
      m.out !== undefined && out(m.out),
      shown.length > 0 && h("ul", { class: "failures" }, ...shown.map(failure)),
      m.down > shown.length && h("div", { class: "muted" }, `${m.down - shown.length} more down`)
    )
  }

  const outage = (o: OutageStatus): MarkupElement =>
    h(
      "li",
      { class: o.end === undefined ? "down" : "" },
      h(
        "div",
        { class: "row" },
        h("span", {}, h("span", { class: "name" }, o.target.member), " ", what(o.target)),
        o.end === undefined
          ? since(o.start)
          : h(
            "span",
            { class: "muted" },
            `${duration(Date.parse(o.end) - Date.parse(o.start))}, ended `,
            ago(o.end),
            o.blip && " ",
            o.blip && h("span", { class: "tag" }, "blip")
          )
      ),
      h("div", { class: "error" }, o.error === "" ? "no reason given" : o.error)
    )

  const outages = (kept: NonNullable<StatusDocument["outages"]>): ReadonlyArray<MarkupElement> => [
    section(
      "Open outages",
      shortened(kept.open),
      kept.open.items.length === 0
        ? h("p", { class: "muted" }, "None.")
        : h("ul", { class: "list" }, ...kept.open.items.map(outage))
    ),
    section(
      "Ended in the last 24 hours",
      shortened(kept.recent),
      kept.problem !== undefined
        ? h("p", { class: "error" }, kept.problem)
        : kept.recent.items.length === 0
        ? h("p", { class: "muted" }, "None.")
        : h("ul", { class: "list" }, ...kept.recent.items.map(outage))
    )
  ]

  const roleText = (role: string): string =>
    role === "IBPMonitor" ? "Monitor" : role === "IBPDns" ? "DNS" : role === "IBPCollator" ? "Collator" : role

  const tile = (value: string, label: string, tone: string): MarkupElement =>
    h("div", { class: `tile ${tone}` }, h("b", {}, value), h("span", {}, label))

  const members = status.members.items
  const serving = members.filter(({ state }) => state !== "inactive" && state !== "overridden")
  const troubled = serving.filter(({ state }) => state === "down" || state === "degraded").length
  const undecided = serving.filter(({ state }) => state === "unknown").length
  const up = serving.length - troubled - undecided
  const headline = serving.length === 0
    ? "No member is active"
    : troubled > 0
    ? `${troubled} of ${count(serving.length, "member")} ${troubled === 1 ? "has" : "have"} trouble`
    : undecided === serving.length
    ? "Nothing is decided yet"
    : undecided > 0
    ? `${up} of ${count(serving.length, "member")} up, the rest is not decided yet`
    : serving.length === 1
    ? "The one member is up"
    : `All ${serving.length} members are up`
  const tone = troubled > 0 ? "bad" : undecided > 0 || serving.length === 0 ? "dim" : "good"

  return h(
    "main",
    { id: "status", "data-title": `${headline} · GeoDNS` },
    h(
      "header",
      { class: tone },
      h("h1", {}, h("i", { class: "dot" }), headline),
      h(
        "p",
        { class: "muted" },
        "As ",
        h("b", {}, status.node.id),
        ` (${roleText(status.node.role)}) sees it at `,
        time(status.at, clock(status.at)),
        `, configuration v${status.config.version}, running `,
        since(status.node.startedAt)
      )
    ),
    status.conditions.total > 0 && h(
      "section",
      { class: "conditions", role: "status" },
      h("h2", {}, "This node is degraded"),
      h(
        "ul",
        {},
        ...status.conditions.items.map(({ detail, name, since: at }) =>
          h("li", {}, h("div", { class: "row" }, h("b", {}, name), since(at)), h("div", {}, detail))
        )
      )
    ),
    h(
      "div",
      { class: "tiles" },
      tile(`${up}/${serving.length}`, "members up", tone),
      tile(
        `${status.targets.down}`,
        `of ${count(status.targets.up + status.targets.down, "target")} down`,
        status.targets.down > 0 ? "bad" : ""
      ),
      tile(
        `${status.electorate}`,
        status.electorate === 1 ? "monitor votes" : "monitors vote",
        status.electorate < 2 ? "dim" : ""
      ),
      tile(`${status.proposals.total}`, status.proposals.total === 1 ? "open proposal" : "open proposals", "")
    ),
    section(
      "Members",
      shortened(status.members),
      members.length === 0
        ? h("p", { class: "muted" }, "The members document is empty.")
        : h("ul", { class: "members" }, ...members.map(member))
    ),
    status.overrides.total > 0 && section(
      "Taken out by hand, and planned maintenance",
      shortened(status.overrides),
      h("ul", { class: "list" }, ...status.overrides.items.map(override))
    ),
    status.shadow !== undefined && shadow(status.shadow),
    status.proposals.total > 0 && section(
      "Open proposals",
      shortened(status.proposals),
      h(
        "ul",
        { class: "list" },
        ...status.proposals.items.map((p) =>
          h(
            "li",
            {},
            h(
              "div",
              { class: "row" },
              h(
                "span",
                {},
                h("span", { class: "name" }, p.target.member),
                " ",
                what(p.target),
                " → ",
                h("b", { class: p.up ? "yes" : "no" }, p.up ? "up" : "down")
              ),
              since(p.firstSeen)
            ),
            p.error !== "" && h("div", { class: "error" }, p.error),
            h("div", { class: "muted" }, `by ${p.proposer === "" ? "an unknown node" : p.proposer} · `, votes(p.votes))
          )
        )
      )
    ),
    ...status.outages === undefined ? [] : outages(status.outages),
    section(
      "Nodes",
      shortened(status.nodes),
      h(
        "ul",
        { class: "list nodes" },
        ...status.nodes.items.map((n) =>
          h(
            "li",
            { class: n.active ? "" : "gone" },
            h(
              "div",
              { class: "row" },
              h(
                "span",
                {},
                h("span", { class: "name" }, n.id),
                " ",
                h(
                  "span",
                  { class: "muted" },
                  n.self === true && "(this) ",
                  roleText(n.role),
                  n.guessed && " (guessed)",
                  n.address !== "" && ` · ${n.address}`
                )
              ),
              h(
                "span",
                { class: "muted" },
                n.votes && h("span", { class: "tag" }, "votes"),
                n.votes && " ",
                n.self !== true && (n.active ? "heard " : "gone, heard "),
                n.self !== true && ago(n.lastHeard)
              )
            )
          )
        )
      )
    ),
    h(
      "footer",
      { class: "muted" },
      h("a", { href: "api/status" }, "api/status"),
      " · ",
      h("a", { href: "health" }, "health"),
      " · ",
      h("a", { href: "metrics" }, "metrics")
    )
  )
}
