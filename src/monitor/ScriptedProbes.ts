import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { PlannedTarget } from "./PlannedTarget.ts"
import type { ProbeResult, RunProbe } from "./Probe.ts"

/** Which targets: everything given must hold. `{}` is all of them. */
export interface Where {
  /** `Details.Name`. */
  readonly member?: string
  readonly check?: string
  readonly domain?: string
  readonly endpoint?: string
  readonly ipv6?: boolean
}

/** What a probe finds, and how long it takes. */
export interface Outcome {
  /** Undefined: the node could not try. */
  readonly up: boolean | undefined
  readonly error?: string
  readonly data?: unknown
  /** Milliseconds; `Infinity` never answers. 1 when missing. */
  readonly latency?: number
}

/** What the probes of `Probes.layerMemory` find. It can be rewritten while they run; everything is up at first. */
export class ScriptedProbes extends Context.Service<ScriptedProbes, {
  /** From now on these targets have this outcome. Of several rules that fit, the last one set decides. */
  readonly set: (where: Where, outcome: Outcome) => Effect.Effect<void>
  /** Takes the rule for exactly this `where` back. */
  readonly unset: (where: Where) => Effect.Effect<void>
  /** How many probes were started so far at these targets. */
  readonly started: (where: Where) => Effect.Effect<number>
  readonly run: RunProbe
}>()("effect-geodns/monitor/ScriptedProbes") {
  static readonly layer = Layer.sync(ScriptedProbes, () => {
    const rules = new Map<string, { readonly where: Where; readonly outcome: Outcome }>()
    const starts = new Map<string, { readonly planned: PlannedTarget; count: number }>()

    const outcomeOf = (planned: PlannedTarget): Outcome =>
      [...rules.values()].findLast(({ where }) => fits(where, planned))?.outcome ?? { up: true }

    return ScriptedProbes.of({
      set: (where, outcome) =>
        Effect.sync(() => {
          rules.delete(idOf(where))
          rules.set(idOf(where), { where, outcome })
        }),
      unset: (where) => Effect.sync(() => void rules.delete(idOf(where))),
      started: (where) =>
        Effect.sync(() =>
          [...starts.values()].reduce((sum, { count, planned }) => fits(where, planned) ? sum + count : sum, 0)
        ),
      run: Effect.fnUntraced(function*(planned) {
        starts.set(planned.key, { planned, count: (starts.get(planned.key)?.count ?? 0) + 1 })
        const latency = outcomeOf(planned).latency ?? 1
        yield* latency === Infinity ? Effect.never : Effect.sleep(latency)
        const { data = null, error, up } = outcomeOf(planned)
        return { up, error: up === true ? "" : error ?? "scripted failure", data } satisfies ProbeResult
      })
    })
  })
}

const idOf = (where: Where): string =>
  JSON.stringify([where.member, where.check, where.domain, where.endpoint, where.ipv6])

const fits = (where: Where, { target }: PlannedTarget): boolean =>
  (where.member === undefined || where.member === target.member) &&
  (where.check === undefined || where.check === target.check) &&
  (where.domain === undefined || where.domain === target.domain) &&
  (where.endpoint === undefined || where.endpoint === target.endpoint) &&
  (where.ipv6 === undefined || where.ipv6 === target.ipv6)
