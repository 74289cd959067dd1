import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type TargetKey, targetKey } from "../domain/Target.ts"
import type { StatusChange } from "./Decision.ts"
import { isProvenAnew } from "./OfficialTable.ts"

/** Hands changes to any number of subscribers without ever waiting for one. */
export interface StatusFeed {
  readonly capacity: number
  /** The most that waits for one subscriber. */
  readonly longest: () => number
  /**
   * Gives a change to every subscriber. True when one of them has so many waiting that they were merged: it then sees
   * each target go straight from the last status that it knows to the newest.
   */
  readonly publish: (change: StatusChange) => boolean
  /** Changes from now on, in order. In place when the effect succeeds. */
  readonly subscribe: Effect.Effect<Stream.Stream<StatusChange>, never, Scope.Scope>
}

/** `capacity`: the changes that may wait for one subscriber; above the number of targets. */
export const makeStatusFeed = (capacity: number): StatusFeed => {
  const queues = new Set<Queue.Queue<StatusChange>>()
  return {
    capacity,
    longest: () => Math.max(0, ...[...queues].map(Queue.sizeUnsafe)),
    publish: (change) => {
      let merged = false
      for (const queue of queues) {
        if (Queue.sizeUnsafe(queue) >= capacity) {
          merged = true
          Queue.offerAllUnsafe(queue, mergeChanges(drain(queue)))
        }
        Queue.offerUnsafe(queue, change)
      }
      return merged
    },
    subscribe: Effect.acquireRelease(
      Effect.tap(Queue.unbounded<StatusChange>(), (queue) => Effect.sync(() => queues.add(queue))),
      (queue) => Effect.andThen(Effect.sync(() => queues.delete(queue)), Queue.shutdown(queue))
    ).pipe(Effect.map(Stream.fromQueue))
  }
}

/** At most one change per target: from its first status to its last, and none where those are the same. */
export const mergeChanges = (changes: Iterable<StatusChange>): ReadonlyArray<StatusChange> => {
  const merged = new Map<TargetKey, StatusChange>()
  for (const change of changes) {
    const key = targetKey(change.after.target)
    const first = merged.get(key) ?? change
    merged.delete(key)
    merged.set(key, { before: first.before, after: change.after })
  }
  return [...merged.values()].filter(({ before, after }) => before?.up !== after.up || isProvenAnew(before, after))
}

const drain = (queue: Queue.Queue<StatusChange>): Array<StatusChange> => {
  const waiting: Array<StatusChange> = []
  for (let next = Queue.takeUnsafe(queue); next?._tag === "Success"; next = Queue.takeUnsafe(queue)) {
    waiting.push(next.value)
  }
  return waiting
}
