import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { Config } from "../config/Config.ts"
import type { Snapshot } from "../config/Snapshot.ts"
import { Consensus } from "../consensus/Consensus.ts"
import { overriddenMembers, type Override } from "../domain/Override.ts"
import { describeTarget, type Target, type TargetKey } from "../domain/Target.ts"
import { Conditions } from "../node/Conditions.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { debounce, type Debounced, undecided } from "../status/Debounce.ts"
import type { Observation } from "../status/Observation.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { Overrides } from "../status/Overrides.ts"
import { makeDamping } from "./damping.ts"
import { Families, type FamilyReach } from "./Families.ts"
import type { HeldTarget } from "./FlapTable.ts"
import type { SelfVerdict } from "./KnownGood.ts"
import { type Latencies, LatencyTable } from "./LatencyTable.ts"
import * as metrics from "./metrics.ts"
import { monotonicMillis } from "./monotonic.ts"
import { addMember, emptyPlan, planChecks, type PlanProblem } from "./plan.ts"
import { isSameSubject, type PlannedTarget } from "./PlannedTarget.ts"
import { Prober } from "./Prober.ts"
import { Probes } from "./Probes.ts"
import { type Need, needOf, staleAfter } from "./proposing.ts"
import { QuietStart } from "./QuietStart.ts"
import type { ScriptedProbes } from "./ScriptedProbes.ts"
import { type Distrusted, isDistrusted, makeSelfTest } from "./selfTest.ts"
import { Timetable } from "./Timetable.ts"

/** What this monitor itself knows of one target. */
export interface LocalResult {
  readonly target: Target
  readonly last: Observation
  /** After hysteresis; undefined until enough observations agree. */
  readonly debounced: boolean | undefined
  /** Consecutive observations with the status of the last one. */
  readonly streak: number
  /** Older than two intervals and 30 s: unknown, not down. */
  readonly stale: boolean
}

/** What this node found out about itself. */
export interface SelfStatus {
  readonly reach: FamilyReach
  readonly verdict: SelfVerdict
  /** The IP versions that it is silent about, as it does not trust what it sees. */
  readonly silent: Distrusted
}

interface Local {
  readonly last: Observation
  readonly state: Debounced
}

/** Targets that are worked on before others get their turn. */
const slice = 500

/** Milliseconds that a proposal may take to be handed over. */
const proposalDeadline = 10_000

/** Observations that a slow reader may leave waiting. */
const backlog = 4_096

/** Problems of the plan that one condition shows. */
const shownProblems = 10

/** Runs the planned checks on their schedule and proposes what differs from the official status. */
export class Monitor extends Context.Service<Monitor, {
  /** The local results, unvoted. */
  readonly results: Effect.Effect<ReadonlyArray<LocalResult>>
  /** How many targets are planned. */
  readonly planned: Effect.Effect<number>
  /** Targets whose "up" this node does not propose for now because they went down too often, the longest first. */
  readonly held: Effect.Effect<ReadonlyArray<HeldTarget>>
  /** Whether this node can trust what it sees. */
  readonly self: Effect.Effect<SelfStatus>
  /** How long probes took, as of now. */
  readonly latencies: Effect.Effect<Latencies>
  /** Observations from now on, as they come. In place when the effect succeeds; a slow reader loses the oldest. */
  readonly subscribe: Effect.Effect<Stream.Stream<Observation>, never, Scope.Scope>
}>()("effect-geodns/monitor/Monitor") {
  /**
   * Checks what the configuration says, as it changes, but for members that are out by hand. Problems of the checks are
   * the condition `checks`. It stands when the first plan is made. With `GeoDNS.Consensus.Shadow` at the start it proposes
   * nothing.
   */
  static readonly layer: Layer.Layer<
    Monitor,
    never,
    Config | Conditions | Consensus | Families | NodeIdentity | OfficialStatus | Overrides | Prober | Probes
  > = Layer.effect(
    Monitor,
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const conditions = yield* Conditions
      const config = yield* Config
      const consensus = yield* Consensus
      const families = yield* Families
      const identity = yield* NodeIdentity
      const officialStatus = yield* OfficialStatus
      const overrides = yield* Overrides
      const prober = yield* Prober
      const probes = yield* Probes

      let targets: ReadonlyMap<TargetKey, PlannedTarget> = new Map()
      const locals = new Map<TargetKey, Local>()
      // Each node has its own salt, so that a member is not probed by all of them at the same moments
      const timetable = new Timetable(identity.id)
      const quiet = new QuietStart()
      const latencies = new LatencyTable()
      const damping = yield* makeDamping((key) => targets.has(key))
      const selfTest = yield* makeSelfTest({ lastSeen: (key) => locals.get(key)?.last.up, onChange: prober.distrust })
      const observations = yield* PubSub.sliding<Observation>(backlog)
      const proposals = yield* FiberMap.make<TargetKey, void>()
      const wake = yield* Queue.sliding<void>(1)
      let sleepsUntil = Infinity
      const now = () => monotonicMillis(clock)

      /** The driver sleeps until something is due; what became due earlier wakes it. */
      const hurry = (at: number | undefined): void => {
        if (at === undefined || at >= sleepsUntil) return
        sleepsUntil = at
        Queue.offerUnsafe(wake, undefined)
      }

      const propose = (planned: PlannedTarget, { data, error, up }: Observation): Effect.Effect<void> =>
        Effect.asVoid(FiberMap.run(
          proposals,
          planned.key,
          Metric.update(metrics.proposed, 1).pipe(
            Effect.andThen(consensus.propose({ target: planned.target, up, error, data })),
            Effect.timeoutOption(proposalDeadline),
            Effect.catchCause((cause) => Effect.logError(`cannot propose ${describeTarget(planned.target)}`, cause)),
            Effect.asVoid
          ),
          { onlyIfMissing: true }
        ))

      // A shadow only looks.
      const isShadow = (yield* config.current).local.GeoDNS.Consensus.Shadow
      const needNow = Effect.fnUntraced(function*(planned: PlannedTarget, local: Local): Effect.fn.Return<Need> {
        if (isShadow || isDistrusted(selfTest.distrusted(), planned.target)) return "nothing"
        const at = clock.currentTimeMillisUnsafe()
        if (at - local.last.at > staleAfter(planned)) return "nothing"
        const need = needOf(planned, local.state, yield* officialStatus.get(planned.target), at)
        return need === "change" && local.last.up && damping.holds(planned.key) ? "nothing" : need
      })

      const onObservation = Effect.fnUntraced(function*(seen: PlannedTarget, observation: Observation) {
        const planned = targets.get(seen.key)
        if (planned === undefined || !isSameSubject(seen, planned)) return
        const { check, key } = planned
        const { at, up } = observation
        const before = locals.get(key)
        // What went stale no longer counts towards a streak
        const counts = before !== undefined && at - before.last.at <= staleAfter(planned)
        const state = debounce(counts ? before.state : undecided, up, at, check)
        const local: Local = { last: observation, state }
        locals.set(key, local)
        if (up) latencies.record(key, planned.target.member, observation.latency, now())
        yield* selfTest.see(key, planned.target, up)
        const wentDown = counts && before.state.debounced === true && state.debounced === false
        if (wentDown && damping.holds(key) && (yield* officialStatus.get(planned.target))?.up === false) {
          yield* damping.seenDown(planned.target)
        }
        if (up !== state.debounced) {
          timetable.recheck(key, now() + Math.round(check.interval / 10))
          hurry(timetable.nextDue())
        }
        const need = yield* needNow(planned, local)
        if (need === "first") {
          quiet.wait(key, up, check.interval, now(), yield* Random.next)
          hurry(quiet.next())
        } else {
          quiet.forget(key)
          if (need === "change") yield* propose(planned, observation)
        }
        yield* PubSub.publish(observations, observation)
      })

      /** Proposes a first status whose time has come, if there still is none. */
      const onQuietOver = Effect.fnUntraced(function*(key: TargetKey) {
        const planned = targets.get(key)
        const local = locals.get(key)
        if (planned === undefined || local === undefined || (yield* needNow(planned, local)) !== "first") return
        if (local.last.up) quiet.spend(now())
        yield* propose(planned, local.last)
      })

      const drive = Effect.gen(function*() {
        const started = now()
        let count = 0
        for (let run = timetable.take(started); run !== undefined; run = timetable.take(started)) {
          yield* prober.start(run.key as TargetKey, run.due)
          if (++count % slice === 0) yield* Effect.yieldNow
        }
        for (let key = quiet.take(started); key !== undefined; key = quiet.take(started)) {
          yield* onQuietOver(key as TargetKey)
        }
        sleepsUntil = Math.min(timetable.nextDue() ?? Infinity, quiet.next() ?? Infinity)
        const pause = sleepsUntil - now()
        yield* pause === Infinity
          ? Queue.take(wake)
          : Effect.raceFirst(Effect.sleep(Math.max(0, pause)), Queue.take(wake))
      })

      const reportProblems = (problems: ReadonlyMap<string, PlanProblem>): Effect.Effect<void> => {
        if (problems.size === 0) return conditions.clear("checks")
        const lines = [...problems.values()].slice(0, shownProblems).map(({ about, problem }) => `${about}: ${problem}`)
        const more = problems.size - lines.length
        return conditions.raise("checks", lines.concat(more > 0 ? [`and ${more} more`] : []).join("; "))
      }

      let version = -Infinity
      let reach: FamilyReach | undefined
      let active: ReadonlyMap<string, Override> | undefined
      const single = yield* Semaphore.make(1)

      /** Makes the plan for a configuration, in slices, and then follows it: only what changed starts, stops or restarts. */
      const follow = Effect.fn("Monitor.follow")(function*(snapshot: Snapshot) {
        const nextReach = yield* families.reach
        const isNewReach = nextReach.ipv4 !== reach?.ipv4 || nextReach.ipv6 !== reach.ipv6
        const nextActive = yield* overrides.active
        const isSame = snapshot.version === version && !isNewReach && nextActive === active
        if (snapshot.version < version || isSame) return
        if (isNewReach) {
          yield* Effect.logInfo("IP versions that this node can check").pipe(Effect.annotateLogs({ ...nextReach }))
        }

        const { checks, problems } = planChecks(snapshot.local, probes)
        const next = emptyPlan(problems)
        const out = overriddenMembers(snapshot.catalog, nextActive)
        let planned = 0
        for (const entry of snapshot.catalog.members) {
          if (out.has(entry)) continue
          addMember(next, checks, entry, nextReach)
          if (next.targets.size >= planned + slice) {
            planned = next.targets.size
            yield* Effect.yieldNow
          }
        }

        const isStart = version === -Infinity
        damping.configure(snapshot.local.GeoDNS.FlapDamping)
        version = snapshot.version
        reach = nextReach
        active = nextActive
        const before = targets
        targets = next.targets
        for (const [key, was] of before) {
          const is = targets.get(key)
          if (is !== undefined && isSameSubject(was, is)) continue
          locals.delete(key)
          quiet.forget(key)
          selfTest.forget(key)
          latencies.forget(key)
          if (is === undefined) timetable.remove(key)
        }
        latencies.retain(next.members)
        yield* selfTest.judge
        yield* prober.replan(targets, snapshot.local.CheckWorkers.numWorkers)
        yield* Metric.update(metrics.targets, targets.size)
        yield* reportProblems(next.problems)

        let timed = 0
        let added = 0
        for (const { check, key } of targets.values()) {
          timetable.set(key, check.interval, now())
          // The first plan is spread over the interval; what is added later is looked at at once, a thousand a second.
          if (!isStart && !before.has(key)) timetable.recheck(key, now() + ++added)
          if (++timed % slice === 0) yield* Effect.yieldNow
        }
        hurry(timetable.nextDue())
      }, single.withPermit)

      const seen = yield* prober.subscribe
      yield* seen.pipe(
        Stream.runForEach(({ observation, planned }) =>
          onObservation(planned, observation).pipe(
            Effect.catchCause((cause) => Effect.logError(`lost ${describeTarget(observation.target)}`, cause))
          )
        ),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* config.changes.pipe(
        Stream.runForEach(({ after }) =>
          follow(after).pipe(Effect.catchCause((cause) => Effect.logError("cannot follow the configuration", cause)))
        ),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* overrides.changes.pipe(
        Stream.runForEach(() =>
          Effect.flatMap(config.current, follow).pipe(
            Effect.catchCause((cause) => Effect.logError("cannot follow the overrides", cause))
          )
        ),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* follow(yield* config.current)
      yield* drive.pipe(
        Effect.catchCause((cause) =>
          Effect.logError("the schedule stumbled", cause).pipe(Effect.andThen(Effect.sleep("1 second")))
        ),
        Effect.forever,
        Effect.forkScoped
      )
      // IP versions come and go
      yield* Effect.flatMap(config.current, follow).pipe(
        Effect.catchCause((cause) => Effect.logError("cannot follow the configuration", cause)),
        Effect.schedule(Schedule.spaced("1 minute")),
        Effect.forkScoped
      )

      return Monitor.of({
        results: Effect.sync(() => {
          const at = clock.currentTimeMillisUnsafe()
          return Array.from(locals, ([key, { last, state }]): LocalResult => ({
            target: last.target,
            last,
            debounced: state.debounced,
            streak: state.streak,
            stale: at - last.at > staleAfter(targets.get(key)!)
          }))
        }),
        planned: Effect.sync(() => targets.size),
        held: damping.held,
        latencies: Effect.sync(() => latencies.at(now())),
        self: Effect.sync(() => ({
          reach: reach ?? { ipv4: "none", ipv6: "none" },
          verdict: selfTest.verdict(),
          silent: selfTest.distrusted()
        })),
        subscribe: Effect.map(PubSub.subscribe(observations), Stream.fromSubscription)
      })
    })
  )

  /**
   * Without a network: probes find what `ScriptedProbes` says, and every IP version is there. Where it is composed with a
   * `Consensus` that votes, that one's `Observer` comes from `Prober.layer`, the same as this one's.
   */
  static readonly layerMemory: Layer.Layer<
    Monitor,
    never,
    Config | Conditions | Consensus | NodeIdentity | OfficialStatus | Overrides | ScriptedProbes
  > = Monitor.layer.pipe(Layer.provide([Prober.layer, Probes.layerMemory, Families.layerMemory]))
}
