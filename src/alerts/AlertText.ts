import { describeTarget } from "../domain/Target.ts"
import type { AlertMessage } from "./AlertMessage.ts"

const maxError = 300
const controls = /\p{Cc}+/gu

const oneLine = (text: string): string => {
  const line = text.replace(controls, " ").trim()
  return line.length > maxError ? `${line.slice(0, maxError - 1)}…` : line
}

const time = (millis: number): string => `${new Date(millis).toISOString().slice(0, 19).replace("T", " ")} UTC`

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

/** A message as one readable line. */
export const alertText = ({ kind, outage }: AlertMessage): string => {
  const what = oneLine(describeTarget(outage.target))
  const why = oneLine(outage.error) || "no reason given"
  const late = outage.proof?.late === true ? " (learnt late)" : ""
  if (kind !== "resolved" || outage.end === undefined) {
    const still = kind === "updated" ? "STILL DOWN" : "DOWN"
    return `${still} ${what} since ${time(outage.start)}: ${why}${late}`
  }
  return `UP ${what} after ${durationText(outage.end - outage.start)}, since ${time(outage.end)}; it was: ${why}${late}`
}
