import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
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
import { noticeOverrides } from "./noticeOverrides.ts"
import {
  InShadow,
  InvalidOverride,
  NothingToEnd,
  NotKept,
  OverrideError,
  TooMany,
  UnknownMember
} from "./OverrideError.ts"
import { overrideExchange } from "./overrideExchange.ts"
import { overridesEncoder, overridesFile, restoreOverrides } from "./OverrideFile.ts"
import { overrideLimits, overrideListener } from "./overrideListener.ts"
import { newsLine } from "./overrideNews.ts"
import { newEnd, newOverride } from "./overrideRequest.ts"
import type { OverrideChange, Overrides } from "./Overrides.ts"
import { OverrideTable } from "./OverrideTable.ts"

/** Between two looks: what others tell meanwhile is looked at together. Milliseconds. */
const burst = 100

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
  const { id: node, role } = yield* NodeIdentity
  const config = yield* Config
  const files = yield* DurableFiles
  const conditions = yield* Conditions
  const clock = yield* Clock.Clock
  const { local } = yield* config.current
  // Read once, as the bus is made: a change counts after a restart.
  const isShadow = local.GeoDNS.Consensus.Shadow
  const table = new OverrideTable(overrideLimits)
  const encode = overridesEncoder()
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

  const write = (of: OverrideTable) => files.write(overridesFile, encode(of.all()))

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

  const say = Effect.fnUntraced(function*(changes: ReadonlyArray<OverrideChange>) {
    const line = newsLine(changes)
    if (line === undefined) return
    yield* Effect.annotateLogs(Effect.logInfo(line), changes.length === 1 ? { override: changes[0]!.override.id } : {})
    yield* PubSub.publishAll(events, changes)
  })

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
    return Effect.all([
      say(changes),
      isNews ? PubSub.publish(news, undefined) : Effect.void
    ], { discard: true })
  })

  const listener = yield* overrideListener(table)
  const hear = Effect.fnUntraced(function*(overrides: ReadonlyArray<Override>, sender: string) {
    if (!(yield* listener.hear(overrides, sender))) return
    isDirty = true
    yield* Queue.offer(mustSave, undefined)
    yield* Queue.offer(wake, undefined)
  })

  const know = Effect.map(config.current, ({ catalog }) => {
    // Before there are documents nobody is a stranger.
    table.know((name) => catalog.members.length === 0 || catalog.member(name) !== undefined)
  })
  yield* Stream.runForEach(config.changes, () => know).pipe(Effect.forkScoped({ startImmediately: true }))
  yield* know
  const problem = yield* restoreOverrides(files, (override) => table.take(override, now(), "file"))
  if (problem !== undefined) yield* conditions.raise("overrides:file", problem)
  lookAtStates(now())
  active = table.active(now())
  yield* PubSub.publish(news, undefined)

  yield* Effect.addFinalizer(() => save)
  const tell = yield* overrideExchange(node, {
    all: () => table.all(),
    current: () => table.current(now()),
    digest: () => table.digest(),
    take: (overrides, sender) => Effect.uninterruptible(hear(overrides, sender)),
    // Nobody gives overrides at a DNS node without a key, and the broker may not let it tell any.
    passesOn: Effect.map(
      config.current,
      ({ local }) => role !== "IBPDns" || Object.keys(local.MgmtApi.AuthKeys).length > 0
    )
  })

  /** Writes changes to the disk, then makes them hold here, then tells the others. */
  const give = (changed: ReadonlyArray<Override>): Effect.Effect<void, OverrideError> =>
    Effect.gen(function*() {
      const at = now()
      const next = table.copy()
      if (changed.some((override) => next.take(override, at) === "full")) {
        return yield* fail(new TooMany({ limit: overrideLimits.capacity }))
      }
      yield* Effect.catch(write(next), (error) => fail(new NotKept({ detail: error.message })))
      for (const override of changed) table.take(override, at)
      yield* look
      yield* Queue.offer(wake, undefined)
    }).pipe(lock.withPermit, Effect.andThen(tell(changed)), Effect.uninterruptible)

  const add: Overrides["Service"]["add"] = Effect.fn("Overrides.add")(function*(request) {
    if (isShadow) return yield* fail(new InShadow())
    const { catalog } = yield* config.current
    const member = catalog.member(request.member)?.name
    if (member === undefined) return yield* unknown(catalog, request.member)
    const override = yield* invalid(newOverride(request, { id: randomUUID(), member, node, now: now() }))
    yield* give([override])
    return override
  })

  const end: Overrides["Service"]["end"] = Effect.fn("Overrides.end")(function*(request) {
    if (isShadow) return yield* fail(new InShadow())
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

  const forget = Effect.gen(function*() {
    const size = table.size
    table.forget(now())
    if (table.size !== size) yield* conditions.clear("overrides:full")
    yield* listener.calm
  })
  yield* Effect.gen(function*() {
    const at = now()
    yield* Effect.timeoutOption(Queue.take(wake), Math.max(0, Math.min(lookEvery, table.nextChange(at) - at)))
    yield* forget
    yield* look
    yield* Effect.sleep(burst)
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
  yield* noticeOverrides(changes).pipe(Effect.forkScoped({ startImmediately: true }))

  return {
    add,
    end,
    list: Effect.sync(() => table.listed(now())),
    active: Effect.sync(() => active),
    changes,
    subscribe: Effect.map(PubSub.subscribe(events), Stream.fromSubscription)
  }
})
