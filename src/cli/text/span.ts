const steps = [
  ["d", 86_400_000, "h", 3_600_000],
  ["h", 3_600_000, "min", 60_000],
  ["min", 60_000, "s", 1_000]
] as const

/** A span for people, in at most two units: `42 s`, `5 min`, `2 h 5 min`, `3 d 4 h`. Milliseconds. */
export const spanText = (millis: number): string => {
  const span = Math.max(0, millis)
  for (const [unit, size, smaller, smallerSize] of steps) {
    if (span < size) continue
    const whole = Math.floor(span / size)
    const rest = Math.floor((span % size) / smallerSize)
    // The seconds of a quarter of an hour help nobody.
    return rest === 0 || unit === "min" && whole >= 10 ? `${whole} ${unit}` : `${whole} ${unit} ${rest} ${smaller}`
  }
  return `${Math.floor(span / 1000)} s`
}

/** How long ago a time of a document is, RFC 3339; `?` when it is none. */
export const agoText = (time: string, now: number): string => {
  const at = Date.parse(time)
  return Number.isNaN(at) ? "?" : spanText(now - at)
}

/** A time for people, to the second: `2026-04-21 08:09:10Z`. */
export const timeText = (millis: number): string => {
  const [day = "", time = ""] = new Date(millis).toISOString().split("T")
  return `${day} ${time.slice(0, 8)}Z`
}

/** The same of a time of a document; what is none as it came. */
export const documentTime = (time: string): string => {
  const at = Date.parse(time)
  return Number.isNaN(at) ? time : timeText(at)
}
