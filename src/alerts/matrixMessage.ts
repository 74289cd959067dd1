import { clip } from "../domain/clip.ts"
import { escapeHtml } from "../domain/escapeHtml.ts"
import type { Outage } from "../domain/Outage.ts"
import type { AlertMessage } from "./AlertMessage.ts"
import { durationText, endOf, membersOf, oneLine, testText, timeText, votesText, whyOf } from "./AlertText.ts"

/** The content of an `m.room.message`. */
export type MatrixContent = Readonly<Record<string, unknown>>

/** Outages of a storm that a message lists. */
const maxListed = 20
/** Characters of one of them: a homeserver takes 65,536 bytes, and an edit has all of it four times. */
const maxItem = 150

/** With those who took it down. */
const votersText = (outage: Outage): string => {
  const agreed = Object.entries(outage.votes).filter(([, agree]) => agree).map(([node]) => oneLine(node)).sort()
  return `${votesText(outage)}${agreed.length === 0 ? "" : ` (${agreed.join(", ")})`}`
}

/** Of these, what a test has to say. */
const ofTests: ReadonlySet<string> = new Set(["Member", "Error", "Since"])

/** What is said of one outage, line by line. */
const linesOf = (outage: Outage): ReadonlyArray<readonly [name: string, value: string]> => {
  const { check, checkType, domain, endpoint, ipv6, member } = outage.target
  const rows: ReadonlyArray<readonly [string, string]> = [
    ["Member", member],
    ["Check", `${checkType} ${check}`],
    ["Domain", domain],
    ["Endpoint", endpoint],
    ["IP version", ipv6 ? "IPv6" : "IPv4"],
    ["Error", whyOf(outage)],
    ["Since", timeText(outage.start)],
    ["Votes", votersText(outage)]
  ]
  return rows.flatMap(([name, value]) => value === "" ? [] : [[name, oneLine(value)] as const])
}

const itemOf = (outage: Outage): string => {
  const { check, checkType, domain, endpoint, ipv6, member } = outage.target
  const what = [member, checkType, check, endpoint === "" ? domain : endpoint, ipv6 ? "IPv6" : "IPv4"]
    .filter((part) => part !== "").map(oneLine).join(" ")
  const item = outage.end === undefined
    ? `${what}: ${whyOf(outage)}`
    : `${what}: ONLINE after ${durationText(outage.end - outage.start)}`
  return clip(item, maxItem)
}

const headline = (message: AlertMessage): string => {
  const { isTest = false, kind, outage, outages, severity } = message
  if (isTest) return testText(message)
  const members = membersOf(outages)
  const who = members.length === 1 ? oneLine(members[0]!) : `${members.length} members`
  const what = outages.length === 1 ? who : `${who}, ${outages.length} targets`
  const end = endOf(outages)
  if (kind === "resolved" && end !== undefined) return `ONLINE: ${what} after ${durationText(end - outage.start)}`
  const left = outages.filter((one) => one.end === undefined).length
  return `OFFLINE (${severity}): ${what}${outages.length > 1 && left < outages.length ? `, ${left} of them still` : ""}`
}

/** A message for people: the same as plain text and as HTML. `mentions` are the ids of those who are called. */
const textsOf = (message: AlertMessage, mentions: ReadonlyArray<string>) => {
  const { isTest = false, kind, outage, outages } = message
  const title = headline(message)
  const icon = isTest ? "🧪" : kind === "resolved" ? "🟢" : "🔴"
  const isStorm = outages.length > 1
  const items = outages.slice(0, maxListed).map(itemOf)
  const more = outages.length > maxListed ? [`and ${outages.length - maxListed} more`] : []
  const rows = linesOf(outage).filter(([name]) => !isTest || ofTests.has(name))
  const plain = isStorm
    ? [...items, ...more].map((item) => `- ${item}`)
    : rows.map(([name, value]) => `${name}: ${value}`)
  const html = isStorm
    ? `<ul>${[...items, ...more].map((item) => `<li>${escapeHtml(item)}</li>`).join("")}</ul>`
    : `<p>${rows.map(([name, value]) => `${name}: <code>${escapeHtml(value)}</code>`).join("<br>")}</p>`
  const pills = mentions.map((id) => `<a href="https://matrix.to/#/${encodeURIComponent(id)}">${escapeHtml(id)}</a>`)
  return {
    body: [`${icon} ${title}`, ...plain, ...mentions.length === 0 ? [] : [mentions.join(" ")]].join("\n"),
    formatted_body: `<p>${icon} <strong>${escapeHtml(title)}</strong></p>${html}` +
      (pills.length === 0 ? "" : `<p>${pills.join(" ")}</p>`)
  }
}

/**
 * The content of a message that is new. `m.text`, since a notice calls nobody. `calling` are the people who are called, of
 * those who are named.
 */
export const newContent = (
  message: AlertMessage,
  named: ReadonlyArray<string>,
  calling: ReadonlyArray<string> = named
): MatrixContent => ({
  msgtype: "m.text",
  ...textsOf(message, named),
  format: "org.matrix.custom.html",
  "m.mentions": calling.length === 0 ? {} : { user_ids: calling }
})

/** The content that replaces that of an event: `calling` are only those who were not called before. */
export const editContent = (
  message: AlertMessage,
  event: string,
  named: ReadonlyArray<string>,
  calling: ReadonlyArray<string>
): MatrixContent => {
  const content = newContent(message, named)
  return {
    ...content,
    body: `* ${String(content["body"])}`,
    formatted_body: `* ${String(content["formatted_body"])}`,
    "m.mentions": calling.length === 0 ? {} : { user_ids: calling },
    "m.new_content": content,
    "m.relates_to": { rel_type: "m.replace", event_id: event }
  }
}

/** The content of a reply to an event that cannot be edited. */
export const replyContent = (message: AlertMessage, event: string): MatrixContent => ({
  ...newContent(message, [], []),
  "m.relates_to": { "m.in_reply_to": { event_id: event } }
})
