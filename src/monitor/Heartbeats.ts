import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { monotonicMillis } from "./monotonic.ts"

/** What an agent on a member's machine says of it. */
export interface Report {
  readonly up: boolean
  /** `""` when up. */
  readonly error: string
  readonly data: unknown
}

/** A report, and how long ago it came. */
export interface HeardReport extends Report {
  /** Milliseconds. */
  readonly age: number
}

/** Members that are remembered: the ones not heard for longest are forgotten. */
const capacity = 10_000

const keyOf = (member: string): string => member.toLowerCase()

/** The last reports of the agents. Whoever hears them tells it; the probe `heartbeat` asks. */
export class Heartbeats extends Context.Service<Heartbeats, {
  /** A report has come, from somebody who may speak for the member (`Details.Name`). */
  readonly report: (member: string, report: Report) => Effect.Effect<void>
  /** The last one of a member, or undefined. */
  readonly last: (member: string) => Effect.Effect<HeardReport | undefined>
  /** Milliseconds since this node began to listen: who was not heard in so much time has not reported. */
  readonly listening: Effect.Effect<number>
}>()("effect-geodns/monitor/Heartbeats") {
  static readonly layer = Layer.effect(
    Heartbeats,
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const began = monotonicMillis(clock)
      const reports = new Map<string, { readonly report: Report; readonly came: number }>()
      return Heartbeats.of({
        report: (member, report) =>
          Effect.sync(() => {
            reports.delete(keyOf(member))
            reports.set(keyOf(member), { report, came: monotonicMillis(clock) })
            if (reports.size > capacity) reports.delete(reports.keys().next().value!)
          }),
        last: (member) =>
          Effect.sync(() => {
            const heard = reports.get(keyOf(member))
            return heard && { ...heard.report, age: monotonicMillis(clock) - heard.came }
          }),
        listening: Effect.sync(() => monotonicMillis(clock) - began)
      })
    })
  )

  /** The same: it has no outside. */
  static readonly layerMemory = Heartbeats.layer
}
