import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { Bus } from "../bus/Bus.ts"
import { Config } from "../config/Config.ts"
import type { Local } from "../domain/documents/Local.ts"
import { checkInterval } from "../domain/documents/Local.ts"
import { overriddenMembers } from "../domain/Override.ts"
import { type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import { Conditions } from "../node/Conditions.ts"
import { compare, type Compared, type Statuses } from "./compare.ts"
import { KnownTargets } from "./KnownTargets.ts"
import { MonitorResults } from "./MonitorResults.ts"
import { OfficialStatus } from "./OfficialStatus.ts"
import { Opinions } from "./Opinions.ts"
import { Overrides } from "./Overrides.ts"
import type { Comparison, Difference, Shadow } from "./Shadow.ts"

/** Entries that are looked at before others get their turn. */
const slice = 2_000

/** Seconds that a difference is allowed beside the interval: the time that a decision takes. */
const decidingTime = 30

const gauge = Metric.gauge("geodns_shadow_lasting_differences", {
  description: "Targets on which this shadow and the cluster differ for longer than an interval and 30 seconds"
})

/** The two sides that a shadow compares. */
interface Sides {
  readonly against: string
  readonly here: Statuses
  readonly there: Result.Result<Statuses, string>
}

/** Statuses by their targets, made in slices. */
const statusesOf = Effect.fnUntraced(
  function*(all: Iterable<{ readonly target: Target; readonly up: boolean }>): Effect.fn.Return<Statuses> {
    const statuses = new Map<TargetKey, { readonly target: Target; readonly up: boolean }>()
    for (const status of all) {
      statuses.set(targetKey(status.target), status)
      if (statuses.size % slice === 0) yield* Effect.yieldNow
    }
    return statuses
  }
)

/** Compares again and again. `grace` and `every` in seconds. */
const makeShadow = Effect.fnUntraced(function*<R>(options: {
  readonly against: string
  readonly sides: Effect.Effect<Sides, never, R>
  readonly every: (local: Local) => number
  readonly grace: (local: Local) => number
}): Effect.fn.Return<Shadow["Service"], never, R | Conditions | Config | Scope.Scope> {
  const conditions = yield* Conditions
  const config = yield* Config
  const nothing: Compared = { compared: 0, agreed: 0, differences: new Map<TargetKey, Difference>() }
  let state = nothing
  let last: Pick<Comparison, "against" | "at" | "problem"> = {
    against: options.against,
    at: undefined,
    problem: "nothing was compared yet"
  }

  const round = Effect.gen(function*() {
    const { against, here, there } = yield* options.sides
    const now = yield* Clock.currentTimeMillis
    if (Result.isFailure(there)) last = { ...last, against, problem: there.failure }
    else {
      state = compare(here, there.success, state.differences, now)
      last = { against, at: now, problem: undefined }
    }
    const grace = options.grace((yield* config.current).local) * 1_000
    const lasting = [...state.differences.values()].filter(({ since }) => now - since >= grace).length
    yield* Metric.update(gauge, lasting)
    yield* conditions.raise(
      "shadow",
      `shadow mode: this node takes part in nothing. ${
        last.problem === undefined
          ? `${lasting} of ${state.compared} targets differ from ${against}`
          : `It cannot compare with ${against}: ${last.problem}`
      }`
    )
  })

  yield* round.pipe(
    Effect.catchCause((cause) => Effect.logError("the shadow could not compare", cause)),
    Effect.andThen(Effect.flatMap(config.current, ({ local }) => Effect.sleep(options.every(local) * 1_000))),
    Effect.forever,
    Effect.forkScoped
  )
  return {
    comparison: Effect.sync((): Comparison => ({
      ...last,
      compared: state.compared,
      agreed: state.agreed,
      differences: [...state.differences.values()].sort((a, b) => a.since - b.since)
    }))
  }
})

/** The longest interval of a check that runs, in seconds. */
const longestInterval = ({ Checks }: Local): number =>
  Checks.reduce((longest, check) => check.Enabled ? Math.max(longest, checkInterval(check)) : longest, 0)

/** What a monitor sees, beside what the others decide. Members that are out by hand are checked by nobody: they are left out. */
export const makeObservedShadow = Effect.gen(function*() {
  const bus = yield* Bus
  const config = yield* Config
  const official = yield* OfficialStatus
  const opinions = yield* Opinions
  const overrides = yield* Overrides
  const against = "the decisions on the bus"
  return yield* makeShadow({
    against,
    sides: Effect.gen(function*() {
      const { catalog } = yield* config.current
      const out = overriddenMembers(catalog, yield* overrides.active)
      const isIn = ({ target }: { readonly target: Target }) => {
        const member = catalog.member(target.member)
        return member === undefined || !out.has(member)
      }
      const here = yield* statusesOf((yield* opinions.current).filter(isIn))
      const all: Statuses = yield* official.all
      const there = out.size === 0 ? all : yield* statusesOf([...all.values()].filter(isIn))
      return {
        against,
        here,
        there: (yield* bus.connected)
          ? Result.succeed(there)
          : Result.fail("the bus is not connected, the decisions of the others do not come")
      }
    }),
    every: () => 10,
    grace: (local) => longestInterval(local) + decidingTime
  })
})

/** What a node follows on the bus, beside what a monitor says in its results. */
export const makeFollowedShadow = Effect.gen(function*() {
  const config = yield* Config
  const known = yield* KnownTargets
  const official = yield* OfficialStatus
  const results = yield* MonitorResults
  return yield* makeShadow({
    against: "the results of a monitor",
    sides: Effect.gen(function*() {
      const host = yield* results.host
      const found = yield* Effect.result(results.read)
      const isKnown = known(yield* config.current)
      const here: Statuses = yield* official.all
      return {
        against: host === undefined ? "the results of a monitor" : `the results of ${host}`,
        here,
        there: yield* Result.match(found, {
          onFailure: (error) => Effect.succeed(Result.fail(error.message)),
          onSuccess: ({ onlyDown, results }) => {
            const listed = [...results.values()].filter(({ target }) => isKnown(target))
            // What such a monitor does not list is up.
            const unlisted = onlyDown
              ? [...here].flatMap(([key, { target }]) => results.has(key) ? [] : [{ target, up: true }])
              : []
            return Effect.map(statusesOf([...listed, ...unlisted]), Result.succeed)
          }
        })
      }
    }),
    every: (local) => Math.max(1, local.DnsApi.RefreshIntervalSeconds),
    grace: (local) => local.DnsApi.RefreshIntervalSeconds + decidingTime
  })
})
