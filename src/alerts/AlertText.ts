import { clip } from "../domain/clip.ts"
import type { Outage } from "../domain/Outage.ts"
import { describeTarget } from "../domain/Target.ts"
import type { AlertMessage } from "./AlertMessage.ts"

const maxError = 300
const controls = /\p{Cc}+/gu

/** A text of somebody else as one line of bounded length. */
export const oneLine = (text: string): string => clip(text.replace(controls, " ").trim(), maxError)

/** A time for people: `2026-03-01 00:00:00 UTC`. */
export const timeText = (millis: number): string =>
  `${new Date(millis).toISOString().slice(0, 19).replace("T", " ")} UTC`

/** A duration for people: `1d 2h 3m`, `1h 15m`, `45m`, `12s`. */
export const durationText = (millis: number): string => {
  const seconds = Math.floor(millis / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  const parts = [
    [Math.floor(minutes / 1440), "d"],
    [Math.floor(minutes / 60) % 24, "h"],
    [minutes % 60, "m"]
  ] as const
  return parts.filter(([value]) => value > 0).map(([value, unit]) => `${value}${unit}`).join(" ")
}

/** How many outages of a storm are told in the words of a line. */
const maxTold = 3

const whatOf = ({ target }: Outage): string => oneLine(describeTarget(target))

/** The error of an outage. */
export const whyOf = ({ error }: Outage): string => oneLine(error) || "no reason given"
const lateOf = ({ proof }: Outage): string => proof?.late === true ? " (learnt late)" : ""

/** How many of the votes that are known took it down: `2 of 3`. */
export const votesText = ({ votes }: Outage): string => {
  const all = Object.values(votes)
  return `${all.filter((agree) => agree).length} of ${all.length}`
}

/** The members of which something is out, each once. */
export const membersOf = (outages: ReadonlyArray<Outage>): ReadonlyArray<string> => [
  ...new Set(outages.map(({ target }) => target.member))
]

/** When the last of them was over; undefined as long as one is not. */
export const endOf = (outages: ReadonlyArray<Outage>): number | undefined =>
  outages.some(({ end }) => end === undefined) ? undefined : Math.max(...outages.map(({ end }) => end ?? 0))

const stormText = ({ kind, outage, outages }: AlertMessage): string => {
  const open = outages.filter(({ end }) => end === undefined)
  const members = membersOf(outages)
  const of = `${outages.length} targets of ${members.length === 1 ? oneLine(members[0]!) : `${members.length} members`}`
  const end = endOf(outages)
  if (kind === "resolved" && end !== undefined) {
    return `UP ${of} after ${durationText(end - outage.start)}, since ${timeText(end)}`
  }
  const told = open.slice(0, maxTold).map((one) => `${whatOf(one)}: ${whyOf(one)}`)
  const more = open.length > maxTold ? [`and ${open.length - maxTold} more`] : []
  const how = kind === "opened" ? "DOWN" : "STILL DOWN"
  return `${how} ${open.length} of ${of} since ${timeText(outage.start)}: ${[...told, ...more].join("; ")}`
}

/** The first words of a test: nobody must take it for an outage. */
export const testText = ({ kind, outages }: Pick<AlertMessage, "kind" | "outages">): string =>
  `TEST${kind === "resolved" ? " is over" : ", nothing is down"}: ${membersOf(outages).map(oneLine).join(", ")}`

/** A message as one readable line. */
export const alertText = (message: AlertMessage): string => {
  const { isTest = false, kind, outage, outages } = message
  if (isTest) return testText(message)
  if (outages.length > 1) return stormText(message)
  const [what, why, late] = [whatOf(outage), whyOf(outage), lateOf(outage)]
  if (kind !== "resolved" || outage.end === undefined) {
    const still = kind === "updated" ? "STILL DOWN" : "DOWN"
    return `${still} ${what} since ${timeText(outage.start)}: ${why}${late}`
  }
  return `UP ${what} after ${durationText(outage.end - outage.start)}, since ${
    timeText(outage.end)
  }; it was: ${why}${late}`
}
