import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"

/** Handled in one turn, at least one job: a few ms of work, so that all else goes on in between. */
const atOnce = 32

interface Job<A> {
  readonly some: ReadonlyArray<A>
  isOver: boolean
}

/**
 * Lets `handle` have what comes in order, one turn after the other: whatever waits when a turn begins is handled in it together, so
 * that much at once costs little more than one. Done when its own part is; interrupted before its turn, it is as if it had not come.
 */
export const makeTurns = <A>(
  handle: (some: ReadonlyArray<A>) => Effect.Effect<void>
): Effect.Effect<(some: ReadonlyArray<A>) => Effect.Effect<void>> =>
  Effect.map(Semaphore.make(1), (turn) => {
    const waiting: Array<Job<A>> = []
    const next = Effect.suspend(() => {
      const jobs: Array<Job<A>> = []
      for (let count = 0; count < atOnce && waiting.length > 0;) {
        const job = waiting.shift()!
        jobs.push(job)
        count += job.some.length
      }
      return Effect.map(handle(jobs.flatMap(({ some }) => some)), () => {
        for (const job of jobs) job.isOver = true
      })
    }).pipe(Effect.uninterruptible)

    return (some) =>
      Effect.suspend(() => {
        const job: Job<A> = { some, isOver: false }
        waiting.push(job)
        return Effect.whileLoop({ while: () => !job.isOver, body: () => next, step: () => {} }).pipe(
          Semaphore.withPermit(turn),
          Effect.onInterrupt(() =>
            Effect.sync(() => {
              const at = waiting.indexOf(job)
              if (at >= 0) waiting.splice(at, 1)
            })
          )
        )
      })
  })
