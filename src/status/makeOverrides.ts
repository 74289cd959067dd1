import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import type { Bus } from "../bus/Bus.ts"
import { Config } from "../config/Config.ts"
import { nearest } from "../config/nearest.ts"
import type { Catalog } from "../domain/Catalog.ts"
import { type Override, type OverrideState, overrideState } from "../domain/Override.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { noticeUnknownMembers } from "./noticeUnknownMembers.ts"
import { InvalidOverride, NothingToEnd, NotKept, OverrideError, TooMany, UnknownMember } from "./OverrideError.ts"
import { overrideExchange } from "./overrideExchange.ts"
import { encodeOverrides, overridesFile, restoreOverrides } from "./OverrideFile.ts"
import { newEnd, newOverride } from "./overrideRequest.ts"
import type { OverrideChange, Overrides } from "./Overrides.ts"
import { OverrideTable } from "./OverrideTable.ts"

/** How many overrides a node knows, those that are over among them. */
export const maxOverrides = 1_000

/** A clock that is this far ahead of ours is reported. Milliseconds. */
const clockTolerance = 5 * 60_000

/** How long to wait for the next one to begin or end at most: the time of day may be set. Milliseconds. */
const lookEvery = 30_000

const fail = (reason: OverrideError["reason"]) => Effect.fail(new OverrideError({ reason }))

const invalid = <A>(result: Result.Result<A, string>): Effect.Effect<A, OverrideError> =>
  Result.isSuccess(result) ? Effect.succeed(result.success) : fail(new InvalidOverride({ detail: result.failure }))

const unknown = (catalog: Catalog, member: string) => {
  const hint = nearest(member, catalog.members.flatMap(({ key, name }) => [name, key]))
  return fail(new UnknownMember({ member, ...hint !== undefined && { hint } }))
}

/** Overrides over the files and the bus in context. */
export const makeOverrides = Effect.fnUntraced(function*(): Effect.fn.Return<
  Overrides["Service"],
  never,
  NodeIdentity | Bus | Config | DurableFiles | Conditions | Scope.Scope
> {
  const { id: node } = yield* NodeIdentity
  const config = yield* Config
  const files = yield* DurableFiles
  const conditions = yield* Conditions
  const clock = yield* Clock.Clock
  const table = new OverrideTable({ capacity: maxOverrides })
  const states = new Map<string, OverrideState>()
  const lock = yield* Semaphore.make(1)
  // Only the newest news counts: readers then look themselves.
  const news = yield* PubSub.sliding<void>({ capacity: 1, replay: 1 })
  const events = yield* PubSub.sliding<OverrideChange>(1_024)
  const wake = yield* Queue.sliding<void>(1)
  const mustSave = yield* Queue.sliding<void>(1)
  let active: ReadonlyMap<string, Override> = new Map()
  let isDirty = false

  const now = () => Math.floor(clock.currentTimeMillisUnsafe())

  const write = (of: OverrideTable) => files.write(overridesFile, encodeOverrides(of.all()))

  const save = lock.withPermit(Effect.suspend(() => {
    if (!isDirty) return Effect.void
    isDirty = false
    return write(table).pipe(
      Effect.andThen(conditions.clear("overrides:write")),
      Effect.catch((error) => {
        isDirty = true
        return conditions.raise(
          "overrides:write",
          `overrides are not kept on disk, after a restart this node would have to hear of them again: ${error.message}`
        )
      })
    )
  }))

  const say = ({ change, override }: OverrideChange): Effect.Effect<void> => {
    const { author, ended, from, id, kind, member, reason, until } = override
    const end = until === undefined ? "until somebody ends it" : `until ${new Date(until).toISOString()}`
    const line = change === "began"
      ? `${member} is out of service, ${end}: ${reason} (${kind} by ${author})`
      : change === "given"
      ? `${member} will be out of service from ${new Date(from).toISOString()} ${end}: ${reason} (${kind} by ${author})`
      : `the ${kind} of ${member} is over${ended === undefined ? "" : `, ended by ${ended.by}: ${ended.reason}`}`
    return Effect.logInfo(line).pipe(
      Effect.annotateLogs({ override: id }),
      Effect.andThen(PubSub.publish(events, { change, override })),
      Effect.asVoid
    )
  }

  /** What happened since the last look. */
  const lookAtStates = (at: number): ReadonlyArray<OverrideChange> => {
    const changes: Array<OverrideChange> = []
    for (const override of table.all()) {
      const before = states.get(override.id)
      const after = overrideState(override, at)
      if (before === after) continue
      states.set(override.id, after)
      if (after === "active") changes.push({ change: "began", override })
      else if (after === "planned") changes.push({ change: "given", override })
      // One that was over before we heard of it is no news.
      else if (before !== undefined) changes.push({ change: "ended", override })
    }
    for (const id of states.keys()) if (table.get(id) === undefined) states.delete(id)
    return changes
  }

  /** Brings what holds now up to date, and says what has changed. */
  const look = Effect.suspend(() => {
    const at = now()
    const changes = lookAtStates(at)
    const after = table.active(at)
    const isNews = after.size !== active.size || [...after].some(([member, it]) => active.get(member) !== it)
    if (isNews) active = after
    Queue.offerUnsafe(wake, undefined)
    return Effect.all([
      Effect.forEach(changes, say, { discard: true }),
      isNews ? Effect.andThen(PubSub.publish(news, undefined), Metric.update(activeGauge, active.size)) : Effect.void
    ], { discard: true })
  })

  /** Takes what other nodes tell. */
  const hear = Effect.fnUntraced(function*(overrides: ReadonlyArray<Override>) {
    const at = now()
    let isNew = false
    let tooMany = 0
    for (const override of overrides) {
      const taken = table.take(override, at)
      if (taken === "full") tooMany++
      if (taken === "new" && override.at > at + clockTolerance) {
        yield* Effect.logWarning(
          `an override was given at a time that is ${
            Math.round((override.at - at) / 60_000)
          } minutes ahead of this node: set the clock of one of them`
        ).pipe(Effect.annotateLogs({ override: override.id, node: override.node }))
      }
      isNew ||= taken === "new" || taken === "changed"
    }
    if (tooMany > 0) {
      yield* Metric.update(refused, tooMany)
      yield* conditions.raise(
        "overrides:full",
        `there are ${maxOverrides} overrides and planned maintenances, more that other nodes tell are not taken: end some`
      )
    }
    if (!isNew) return
    if (tooMany === 0) yield* conditions.clear("overrides:full")
    isDirty = true
    yield* Queue.offer(mustSave, undefined)
    yield* look
  })

  const problem = yield* restoreOverrides(files, (override) => table.take(override, now()))
  if (problem !== undefined) yield* conditions.raise("overrides:file", problem)
  lookAtStates(now())
  active = table.active(now())
  yield* Metric.update(activeGauge, active.size)
  yield* PubSub.publish(news, undefined)

  yield* Effect.addFinalizer(() => save)
  const tell = yield* overrideExchange(node, {
    all: () => table.all(),
    current: () => table.current(now()),
    digest: () => table.digest(),
    take: (overrides) => Effect.uninterruptible(hear(overrides))
  })

  /** Writes changes to the disk, then makes them hold here, then tells the others. */
  const give = (changed: ReadonlyArray<Override>): Effect.Effect<void, OverrideError> =>
    Effect.gen(function*() {
      const at = now()
      const next = table.copy()
      if (changed.some((override) => next.take(override, at) === "full")) {
        return yield* fail(new TooMany({ limit: maxOverrides }))
      }
      yield* Effect.catch(write(next), (error) => fail(new NotKept({ detail: error.message })))
      for (const override of changed) table.take(override, at)
      yield* look
    }).pipe(lock.withPermit, Effect.andThen(tell(changed)), Effect.uninterruptible)

  const add: Overrides["Service"]["add"] = Effect.fn("Overrides.add")(function*(request) {
    const { catalog } = yield* config.current
    const member = catalog.member(request.member)?.name
    if (member === undefined) return yield* unknown(catalog, request.member)
    const override = yield* invalid(newOverride(request, { id: randomUUID(), member, node, now: now() }))
    yield* give([override])
    return override
  })

  const end: Overrides["Service"]["end"] = Effect.fn("Overrides.end")(function*(request) {
    const { catalog } = yield* config.current
    const at = now()
    const ended = yield* invalid(newEnd(request, at))
    const entry = catalog.member(request.member)
    // A member that the documents lost since can be named by its name still.
    const isMeant = ({ member }: Override) =>
      member.toLowerCase() === request.member.toLowerCase() || (entry !== undefined && catalog.member(member) === entry)
    const ofMember = table.all().filter((it) => it.kind === request.kind && isMeant(it))
    const over = ofMember.filter((it) => overrideState(it, at) !== "over").map((it): Override => ({ ...it, ended }))
    if (over.length > 0) {
      yield* give(over)
      return over
    }
    if (entry === undefined && ofMember.length === 0) return yield* unknown(catalog, request.member)
    const member = entry?.name ?? request.member
    return yield* fail(new NothingToEnd({ member, byDocument: entry?.member.Override === true }))
  })

  const forget = Effect.suspend(() => {
    const size = table.size
    table.forget(now())
    return table.size === size ? Effect.void : conditions.clear("overrides:full")
  })
  yield* Effect.gen(function*() {
    const at = now()
    yield* Effect.timeoutOption(Queue.take(wake), Math.max(0, Math.min(lookEvery, table.nextChange(at) - at)))
    yield* forget
    yield* look
    // What woke us was our own look.
    yield* Queue.poll(wake)
  }).pipe(
    Effect.catchCause((cause) => Effect.logError("overrides: a look failed", cause)),
    Effect.forever,
    Effect.forkScoped
  )
  yield* Queue.take(mustSave).pipe(
    Effect.andThen(save),
    // A flood of changes, or a disk that is full, must not keep it busy.
    Effect.andThen(Effect.sleep("1 second")),
    Effect.andThen(Effect.suspend(() => isDirty ? Queue.offer(mustSave, undefined) : Effect.void)),
    Effect.catchCause((cause) => Effect.logError("overrides: saving failed", cause)),
    Effect.forever,
    Effect.forkScoped
  )

  const changes = Stream.map(Stream.fromPubSub(news), () => active)
  yield* noticeUnknownMembers(changes).pipe(Effect.forkScoped({ startImmediately: true }))

  return {
    add,
    end,
    list: Effect.sync(() => table.listed(now())),
    active: Effect.sync(() => active),
    changes,
    subscribe: Effect.map(PubSub.subscribe(events), Stream.fromSubscription)
  }
})

const activeGauge = Metric.gauge("geodns_overrides_active", { description: "Members that are out by hand" })

const refused = Metric.counter("geodns_overrides_refused_total", {
  description: "Overrides of other nodes that were not taken because there are too many",
  incremental: true
})
