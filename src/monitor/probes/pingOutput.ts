/** What a run of `ping` measured. Times in milliseconds. */
export interface Pings {
  readonly sent: number
  readonly times: ReadonlyArray<number>
}

/** Which `ping` it is: their options differ. */
export type Dialect = "iputils" | "busybox" | "other"

/** How a member is pinged. Times in milliseconds. */
export interface PingPlan {
  readonly address: string
  readonly isIPv6: boolean
  readonly count: number
  readonly interval: number
  readonly timeout: number
  /** After this the run ends, whatever is missing. */
  readonly within: number
  readonly size: number
  readonly ttl: number
}

/** Which `ping` printed this for `-V`. */
export const dialectOf = (version: string): Dialect =>
  /iputils/i.test(version) ? "iputils" : /busybox/i.test(version) ? "busybox" : "other"

const decimal = (millis: number): string => String(millis / 1_000)

/** Whole seconds, which is all that some take. */
const whole = (millis: number): string => String(Math.max(1, Math.ceil(millis / 1_000)))

/** The arguments of a run. */
export const pingArguments = (dialect: Dialect, plan: PingPlan): ReadonlyArray<string> => {
  const { address, count, interval, isIPv6, size, timeout, ttl, within } = plan
  const all = ["-c", String(count), "-s", String(size)]
  switch (dialect) {
    case "iputils":
      return [
        ...["-n", isIPv6 ? "-6" : "-4", ...all, "-t", String(ttl), "-i", decimal(interval)],
        ...["-W", decimal(timeout), "-w", whole(within), address]
      ]
    case "busybox":
      return [
        ...[isIPv6 ? "-6" : "-4", ...all, "-t", String(ttl), "-i", decimal(interval)],
        ...["-W", whole(timeout), "-w", whole(within), address]
      ]
    case "other":
      return [...all, address]
  }
}

/** Reads what `ping` printed, whole or not, of any dialect. `count`: how many it was to send. */
export const readPings = (output: string, count: number): Pings => {
  const times = new Map<number, number>()
  for (
    const [, sequence, time] of output.matchAll(
      /^.{0,200}\b(?:icmp_)?seq=(\d{1,9})\b.{0,80}\btime[=<]([\d.]{1,15}) ?ms/gm
    )
  ) {
    // An answer that comes twice is one
    if (!times.has(Number(sequence)) && times.size < count) times.set(Number(sequence), Number(time))
  }
  const transmitted = /^(\d{1,9}) packets transmitted/m.exec(output)
  const sent = transmitted === null ? count : Math.min(count, Number(transmitted[1]))
  return { sent: Math.max(sent, times.size), times: [...times.values()].filter(Number.isFinite) }
}

/** Why `ping` could not even send, as far as it says; `"ours"` when this machine does not let it. */
export const readComplaint = (errors: string): "ours" | "no route" | undefined =>
  /not permitted|permission denied|missing cap_net_raw|lacking privilege|not supported by protocol/i.test(errors)
    ? "ours"
    : /unreachable|no route/i.test(errors)
    ? "no route"
    : undefined

const rounded = (millis: number): number => Math.round(millis * 1_000) / 1_000

/** What was measured, with the names of v2. Times in milliseconds, null without any answer. */
export interface PingData {
  /** Percent. */
  readonly PacketLoss: number
  readonly MinRtt: number | null
  readonly AvgRtt: number | null
  readonly MaxRtt: number | null
  readonly StdDevRtt: number | null
}

/** Loss and round trips. */
export const measured = ({ sent, times }: Pings): PingData => {
  const PacketLoss = sent === 0 ? 100 : rounded((sent - times.length) / sent * 100)
  if (times.length === 0) return { PacketLoss, MinRtt: null, AvgRtt: null, MaxRtt: null, StdDevRtt: null }
  const average = times.reduce((sum, time) => sum + time, 0) / times.length
  const variance = times.reduce((sum, time) => sum + (time - average) ** 2, 0) / times.length
  return {
    PacketLoss,
    MinRtt: rounded(Math.min(...times)),
    AvgRtt: rounded(average),
    MaxRtt: rounded(Math.max(...times)),
    StdDevRtt: rounded(Math.sqrt(variance))
  }
}

/** What is wrong by these bounds, in words that stay the same; `""` for nothing. Percent and milliseconds. */
export const judgePings = (
  { AvgRtt, PacketLoss }: PingData,
  bounds: { readonly maxPacketLoss: number; readonly maxLatency: number }
): string =>
  AvgRtt === null
    ? "no answer to ping"
    : PacketLoss > bounds.maxPacketLoss
    ? `more than ${bounds.maxPacketLoss} % of the packets were lost`
    : AvgRtt > bounds.maxLatency
    ? `the average round trip takes longer than ${bounds.maxLatency} ms`
    : ""
