import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import type { Agenda } from "../world/Agenda.ts"

/** Fibers that run on and on at one moment are a defect: so many turns of them are never needed. */
const maxTurns = 1_000_000

/**
 * What runs the real services in simulated time: their clocks and sleeps are the agenda of the simulation, as messages and
 * faults are, and fibers take their turns in the order in which they became ready, synchronously. So a run follows from its seed
 * alone, and costs no real time but that of its work. (`TestClock` waits for the event loop several times for each sleep.)
 */
export class Machine {
  readonly #agenda: Agenda
  readonly #settled: () => void
  readonly #ready: Array<() => void> = []
  #isSettling = false

  /** `settled` is called at each moment, when nothing more is to be done then. */
  constructor(agenda: Agenda, settled: () => void) {
    this.#agenda = agenda
    this.#settled = settled
  }

  readonly #scheduler: Scheduler.Scheduler = {
    executionMode: "async",
    shouldYield: (fiber) => fiber.currentOpCount >= 2_048,
    makeDispatcher: () => ({
      scheduleTask: (task) => void this.#ready.push(task),
      flush: () => this.settle()
    })
  }

  /** A clock that shows milliseconds since the epoch as `wall` says; its sleeps are those of the simulation. */
  #clock(wall: () => number): Clock.Clock {
    const monotonic = () => BigInt(Math.floor(this.#agenda.now * 1_000)) * 1_000n
    const nanos = () => BigInt(wall()) * 1_000_000n
    return {
      currentTimeMillisUnsafe: wall,
      currentTimeMillis: Effect.sync(wall),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: monotonic,
      monotonicTimeNanos: Effect.sync(monotonic),
      sleep: (duration) =>
        Effect.callback<void>((resume) => {
          const millis = Duration.toMillis(duration)
          if (millis === Infinity) return
          let isOver = false
          this.#agenda.after(millis, () => {
            if (isOver) return
            resume(Effect.void)
            this.settle()
          })
          return Effect.sync(() => {
            isOver = true
          })
        })
    }
  }

  /** What effects run with on this machine. */
  context(wall: () => number): Context.Context<never> {
    return Context.make(Scheduler.Scheduler, this.#scheduler).pipe(Context.add(Clock.Clock, this.#clock(wall)))
  }

  /** Starts an effect. It is as far as it gets at this moment when this returns. */
  fork<A, E, R>(context: Context.Context<R>, effect: Effect.Effect<A, E, R>): Fiber.Fiber<A, E> {
    const fiber = Effect.runForkWith(context)(effect)
    this.settle()
    return fiber
  }

  /** Lets all fibers run until each waits for something. */
  settle(): void {
    if (this.#isSettling) return
    this.#isSettling = true
    const ready = this.#ready
    for (let i = 0; i < ready.length; i++) {
      if (i > maxTurns) throw new Error("fibers go on for ever at one moment")
      ready[i]!()
    }
    ready.length = 0
    this.#isSettling = false
    this.#settled()
  }
}
