import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Bus } from "../bus/Bus.ts"
import * as Messages from "../bus/Messages.ts"
import type { Override } from "../domain/Override.ts"
import { fromOverrideRecord, type OverrideRecord, toOverrideRecord } from "../domain/wire/Override.ts"
import * as Subject from "../domain/wire/Subject.ts"

/** The set that is kept the same on all nodes. */
export interface SharedSet {
  readonly all: () => ReadonlyArray<Override>
  /** What matters now: the first that fit into a message are told again and again. */
  readonly current: () => ReadonlyArray<Override>
  readonly digest: () => string
  readonly take: (overrides: ReadonlyArray<Override>, sender: string) => Effect.Effect<void>
  /** Whether this node tells others what it heard, and not only what was given here. */
  readonly passesOn: Effect.Effect<boolean>
}

/** A node tells what holds and which set it has this often, give or take a tenth. Milliseconds. */
export const tellEvery = 60_000

/** And this long after a change, in case somebody missed it. Milliseconds. */
const tellAgainAfter = 2_000

/** How long a node waits at most, to let another that has the same set tell it first. Milliseconds. */
const patience = 500

/** From one telling of the whole set to the next. Milliseconds. */
const restAfterTelling = 5_000

/** Bytes of UTF-8 of the records in one message: with what is around them they fit into the subject. */
const pageBytes = 200 * 1024

/** The records in pages that each fit into one message; one empty page when there are none. */
export const pagesOf = (records: ReadonlyArray<OverrideRecord>): ReadonlyArray<ReadonlyArray<OverrideRecord>> => {
  const pages: Array<Array<OverrideRecord>> = [[]]
  let bytes = 0
  for (const record of records) {
    // Times are longer on the wire than as numbers here.
    const size = Buffer.byteLength(JSON.stringify(record)) + 100
    if (bytes + size > pageBytes && pages.at(-1)!.length > 0) {
      pages.push([])
      bytes = 0
    }
    pages.at(-1)!.push(record)
    bytes += size
  }
  return pages
}

/**
 * Keeps a set the same on all nodes of the bus, whatever messages get lost. Everybody tells the digest of its set now and
 * then, at once when it is connected again, and takes what others tell. Who passes on and hears another digest than its
 * own tells its whole set, unless somebody with the same set is faster. What holds now is told with each digest, for those
 * who only listen, as shadows do. Gives what tells others of a change at once.
 */
export const overrideExchange = Effect.fnUntraced(function*(
  node: string,
  shared: SharedSet
): Effect.fn.Return<(changed: ReadonlyArray<Override>) => Effect.Effect<void>, never, Bus | Scope.Scope> {
  const bus = yield* Bus
  const wanted = yield* Queue.sliding<void>(1)
  const changed = yield* Queue.sliding<void>(1)
  /** Somebody told the set that is ours too while we wanted to. */
  let isTold = false

  const publish = <A>(subject: Subject.Subject<A>, message: A) =>
    Messages.send(subject, message).pipe(
      // The condition `bus` tells of a lost connection; the digest goes out when it is back.
      Effect.catchReason("BusError", "Disconnected", () => Effect.void),
      Effect.catch((error) => Effect.logWarning(error.message)),
      Effect.provideService(Bus, bus)
    )
  const send = (records: ReadonlyArray<OverrideRecord>, digest: string | undefined) =>
    publish(Subject.Override, { NodeID: node, Overrides: records, ...digest !== undefined && { Digest: digest } })

  const tellDigest = Effect.suspend(() => publish(Subject.OverrideDigest, { NodeID: node, Digest: shared.digest() }))
  const tellAll = Effect.suspend(() => {
    const pages = pagesOf(shared.all().map(toOverrideRecord))
    const digest = shared.digest()
    return Effect.forEach(pages, (page, i) => send(page, i === pages.length - 1 ? digest : undefined), {
      discard: true
    })
  })
  const tell = (overrides: ReadonlyArray<Override>): Effect.Effect<void> =>
    Effect.forEach(pagesOf(overrides.map(toOverrideRecord)), (page) => send(page, undefined), { discard: true }).pipe(
      Effect.andThen(Queue.offer(changed, undefined)),
      Effect.asVoid
    )

  yield* Effect.andThen(
    Messages.receive(Subject.Override, ({ Digest, NodeID, Overrides }) =>
      Effect.gen(function*() {
        if (Overrides.length > 0) yield* shared.take(Overrides.map(fromOverrideRecord), NodeID)
        if (Digest === undefined) return
        if (Digest !== shared.digest()) yield* Queue.offer(wanted, undefined)
        else if (Overrides.length > 0) isTold = true
      })),
    Messages.receive(
      Subject.OverrideDigest,
      ({ Digest }) => Digest === shared.digest() ? Effect.void : Queue.offer(wanted, undefined)
    )
  ).pipe(Effect.catch((error) => Effect.logError(`overrides of other nodes are not heard: ${error.message}`)))

  const answer = Effect.gen(function*() {
    yield* Queue.take(wanted)
    isTold = false
    yield* Effect.sleep(patience * (yield* Random.next))
    if (isTold || !(yield* shared.passesOn)) return
    yield* tellAll
    yield* Effect.sleep(restAfterTelling)
  })
  const remind = Effect.gen(function*() {
    const pause = tellEvery * (0.9 + 0.2 * (yield* Random.next))
    yield* Effect.raceFirst(
      Effect.sleep(pause),
      Effect.andThen(Queue.take(changed), Effect.sleep(tellAgainAfter))
    )
    const [current = []] = (yield* shared.passesOn) ? pagesOf(shared.current().map(toOverrideRecord)) : []
    if (current.length > 0) yield* send(current, undefined)
    yield* tellDigest
  })
  const forever = (round: Effect.Effect<unknown>) =>
    round.pipe(
      Effect.catchCause((cause) => Effect.logError("overrides: a round failed", cause)),
      Effect.forever,
      Effect.forkScoped
    )
  yield* forever(answer)
  yield* forever(remind)
  yield* Stream.runForEach(bus.connection, (connected) => connected ? tellDigest : Effect.void).pipe(Effect.forkScoped)
  return tell
})
