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

/**
 * The last reports of the agents. Whoever hears them tells it; the probe `heartbeat` asks. At first nobody listens: what is not
 * heard then says nothing of anybody.
 */
export class Heartbeats extends Context.Service<Heartbeats, {
  /** A report has come, from somebody who may speak for the member (`Details.Name`). */
  readonly report: (member: string, report: Report) => Effect.Effect<void>
  /** The last one of a member, or undefined. */
  readonly last: (member: string) => Effect.Effect<HeardReport | undefined>
  /** Whether reports can come from now on. Each time that they can, listening begins anew. */
  readonly listen: (isHearing: boolean) => Effect.Effect<void>
  /** Milliseconds since listening began; undefined while nobody listens. Nobody's silence is longer than that. */
  readonly listening: Effect.Effect<number | undefined>
  /** No agent is ever heard here: why, and what to do. */
  readonly giveUp: (why: string) => Effect.Effect<void>
  /** What `giveUp` said; undefined when it said nothing. */
  readonly deaf: () => string | undefined
  /** An agent of this member was looked for that never reported; it counts as looked for so many milliseconds. */
  readonly seek: (member: string, within: number) => Effect.Effect<void>
  /** The members whose agents are looked for and never reported. */
  readonly sought: Effect.Effect<ReadonlyArray<string>>
}>()("effect-geodns/monitor/Heartbeats") {
  static readonly layer = Layer.effect(
    Heartbeats,
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const now = () => monotonicMillis(clock)
      const reports = new Map<string, { readonly report: Report; readonly came: number }>()
      /** Member → until when it counts as looked for. */
      const missing = new Map<string, number>()
      let began: number | undefined
      let why: string | undefined

      const setLast = <A>(map: Map<string, A>, key: string, value: A): void => {
        map.delete(key)
        map.set(key, value)
        if (map.size > capacity) map.delete(map.keys().next().value!)
      }

      return Heartbeats.of({
        report: (member, report) => Effect.sync(() => setLast(reports, keyOf(member), { report, came: now() })),
        last: (member) =>
          Effect.sync(() => {
            const heard = reports.get(keyOf(member))
            return heard && { ...heard.report, age: now() - heard.came }
          }),
        listen: (isHearing) => Effect.sync(() => void (began = isHearing ? now() : undefined)),
        listening: Effect.sync(() => began === undefined ? undefined : now() - began),
        giveUp: (reason) => Effect.sync(() => void (why = reason)),
        deaf: () => why,
        seek: (member, within) => Effect.sync(() => setLast(missing, member, now() + within)),
        sought: Effect.sync(() => {
          for (const [member, until] of missing) if (until < now() || reports.has(keyOf(member))) missing.delete(member)
          return [...missing.keys()]
        })
      })
    })
  )

  /** The same: it has no outside. */
  static readonly layerMemory = Heartbeats.layer
}
