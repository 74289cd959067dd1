import type { Target, TargetKey } from "../../../src/domain/Target.ts"
import type { PlannedTarget } from "../../../src/monitor/PlannedTarget.ts"
import { needOf, staleAfter } from "../../../src/monitor/proposing.ts"
import { QuietStart } from "../../../src/monitor/QuietStart.ts"
import { Timetable } from "../../../src/monitor/Timetable.ts"
import { debounce, type Debounced, undecided } from "../../../src/status/Debounce.ts"
import type { Official } from "../../../src/status/Decision.ts"
import type { Chance } from "../plan/Chance.ts"
import type { AnyNode } from "../world/AnyNode.ts"
import type { Cluster } from "../world/Cluster.ts"

/** What was seen of a target. */
export interface Seen {
  readonly up: boolean
  /** By the clock of the node. */
  readonly at: number
  /** By a clock that is always right. */
  readonly taken: number
}

/** How long a vote waits for an observation, in milliseconds, as in `Prober`. */
const voteDeadline = 10_000

/** What a monitor observes in one life: when it checks its targets, what it saw, and what it proposes because of that. */
export class Eyes {
  readonly #cluster: Cluster
  readonly #node: AnyNode & { readonly wall: number }
  readonly #chance: Chance
  readonly #planned: ReadonlyMap<TargetKey, PlannedTarget>
  readonly #later: (delay: number, run: () => void) => void
  readonly #official: (key: TargetKey) => Official | undefined
  readonly #propose: (target: Target, up: boolean) => void
  readonly #states = new Map<TargetKey, Debounced>()
  readonly #last = new Map<TargetKey, Seen>()
  readonly #flights = new Map<TargetKey, Array<(seen: Seen) => void>>()
  readonly #timetable: Timetable
  readonly #quiet = new QuietStart()
  #isChecking = false
  #wakesAt = Infinity

  /** `later` runs something unless the node stopped meanwhile. `official` is what this node holds. */
  constructor(options: {
    readonly cluster: Cluster
    readonly node: AnyNode & { readonly wall: number }
    readonly chance: Chance
    readonly planned: ReadonlyMap<TargetKey, PlannedTarget>
    readonly later: (delay: number, run: () => void) => void
    readonly official: (key: TargetKey) => Official | undefined
    readonly propose: (target: Target, up: boolean) => void
  }) {
    this.#cluster = options.cluster
    this.#node = options.node
    this.#chance = options.chance
    this.#planned = options.planned
    this.#later = options.later
    this.#official = options.official
    this.#propose = options.propose
    this.#timetable = new Timetable(`${options.cluster.plan.seed} ${options.node.id}`)
  }

  get #now(): number {
    return this.#cluster.agenda.now
  }

  /** What was seen of a target last. */
  last(target: Target): Seen | undefined {
    return this.#last.get(this.#cluster.watch.keys.of(target))
  }

  /** Begins to check. */
  check(): void {
    if (this.#isChecking) return
    this.#isChecking = true
    for (const { check, key } of this.#planned.values()) this.#timetable.set(key, check.interval, this.#now)
    this.#drive()
  }

  #drive(): void {
    const now = this.#now
    for (let run = this.#timetable.take(now); run !== undefined; run = this.#timetable.take(now)) {
      const key = run.key as TargetKey
      if (!this.#flights.has(key)) this.#probe(key)
    }
    for (let key = this.#quiet.take(now); key !== undefined; key = this.#quiet.take(now)) {
      this.#onQuietOver(key as TargetKey)
    }
    this.#wakesAt = Infinity
    this.#hurry()
  }

  #hurry(): void {
    const at = Math.min(this.#timetable.nextDue() ?? Infinity, this.#quiet.next() ?? Infinity)
    if (at >= this.#wakesAt || at === Infinity) return
    this.#wakesAt = at
    this.#later(at - this.#now, () => {
      if (this.#wakesAt === at) this.#drive()
    })
  }

  #probe(key: TargetKey): void {
    const cluster = this.#cluster
    const planned = this.#planned.get(key)!
    this.#flights.set(key, [])
    const { slow, up } = cluster.sight(this.#node, planned.target)
    if (!up) cluster.onFailingProbe(planned.target)
    const takes = up || !slow ? 20 + this.#chance.next() * 180 : planned.check.timeout
    this.#later(takes, () => {
      const seen = { up, at: this.#node.wall, taken: this.#now }
      this.#last.set(key, seen)
      cluster.watch.observed(this.#node.id, planned.target, up, seen.at)
      const waiting = this.#flights.get(key)!
      this.#flights.delete(key)
      for (const tell of waiting) tell(seen)
      this.#onObservation(planned, seen)
    })
  }

  #onObservation(planned: PlannedTarget, { at, up }: Seen): void {
    const { check, key } = planned
    const state = debounce(this.#states.get(key) ?? undecided, up, at, check)
    this.#states.set(key, state)
    if (up !== state.debounced) this.#timetable.recheck(key, this.#now + Math.round(check.interval / 10))
    const need = this.#need(planned)
    if (need === "first") this.#quiet.wait(key, up, check.interval, this.#now, this.#chance.next())
    else {
      this.#quiet.forget(key)
      if (need === "change") this.#propose(planned.target, up)
    }
    this.#hurry()
  }

  #need(planned: PlannedTarget): ReturnType<typeof needOf> {
    const seen = this.#last.get(planned.key)!
    if (this.#node.wall - seen.at > staleAfter(planned)) return "nothing"
    return needOf(planned, this.#states.get(planned.key)!, this.#official(planned.key), this.#node.wall)
  }

  #onQuietOver(key: TargetKey): void {
    const planned = this.#planned.get(key)!
    const seen = this.#last.get(key)
    if (seen === undefined || this.#need(planned) !== "first") return
    if (seen.up) this.#quiet.spend(this.#now)
    this.#propose(planned.target, seen.up)
  }

  /** Tells what was seen at most `freshFor` ago, or looks; tells nothing of what this node cannot judge. */
  observe(target: Target, freshFor: number, tell: (seen: Seen | undefined) => void): void {
    const planned = this.#planned.get(this.#cluster.watch.keys.of(target))
    if (planned === undefined || !this.#isChecking) return tell(undefined)
    const last = this.#last.get(planned.key)
    if (last !== undefined && this.#now - last.taken <= freshFor) return tell(last)
    let isOver = false
    const once = (seen: Seen | undefined) => {
      if (isOver) return
      isOver = true
      tell(seen)
    }
    if (!this.#flights.has(planned.key)) this.#probe(planned.key)
    this.#flights.get(planned.key)!.push(once)
    this.#later(voteDeadline, () => once(undefined))
  }
}
