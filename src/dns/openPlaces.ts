import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import { Conditions } from "../node/Conditions.ts"

/** Seconds between two attempts to have a place that could not be had. */
const interval = 10

/** Somewhere to listen, until the scope closes. */
export interface Place<A, E> {
  /** What follows `dns:listen:` in the name of its condition. */
  readonly name: string
  readonly open: Effect.Effect<A, E, Scope.Scope>
}

/** What a place gave, undefined as long as it cannot be had. */
export type Opened<A> = () => A | undefined

/**
 * Opens places to listen. One that cannot be had keeps the others from nothing: it is the condition `dns:listen:<name>`, which
 * says why, and is tried again every ten seconds. Fails when none at all can be had, unless others than these serve.
 */
export const openPlaces = <A, E extends { readonly message: string }>(
  places: ReadonlyArray<Place<A, E>>,
  othersServe: boolean
): Effect.Effect<ReadonlyArray<Opened<A>>, E, Conditions | Scope.Scope> =>
  Effect.gen(function*() {
    const conditions = yield* Conditions
    const scope = yield* Scope.Scope
    const opened = new Map<Place<A, E>, A>()

    /** In a scope of its own: an attempt that fails leaves nothing behind. */
    const attempt = (place: Place<A, E>): Effect.Effect<void, E> =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(Scope.fork(scope), (inner) =>
          restore(Scope.provide(place.open, inner)).pipe(
            Effect.onError((cause) => Scope.close(inner, Exit.failCause(cause))),
            Effect.map((value) => void opened.set(place, value))
          ))
      )
    const report = ({ name }: Place<A, E>, message: string) =>
      conditions.raise(
        `dns:listen:${name}`,
        `${message} It is tried again every ${interval} seconds; the other places to ask are served meanwhile.`
      )

    const failed: Array<readonly [place: Place<A, E>, error: E]> = []
    for (const place of places) {
      yield* Effect.catch(attempt(place), (error) => Effect.sync(() => void failed.push([place, error])))
    }
    const [first] = failed
    if (first !== undefined && opened.size === 0 && !othersServe) return yield* Effect.fail(first[1])
    for (const [place, error] of failed) {
      yield* report(place, error.message)
      yield* attempt(place).pipe(
        Effect.delay(`${interval} seconds`),
        Effect.tapError((error) => report(place, error.message)),
        // What is our fault ends no place for good either.
        Effect.catchDefect((defect) =>
          Effect.logError(`opening ${place.name} failed in a way that is not foreseen`, defect).pipe(
            Effect.andThen(report(place, "opening it failed in a way that is not foreseen; the log says more.")),
            Effect.andThen(Effect.fail(defect))
          )
        ),
        Effect.retry(Schedule.forever),
        Effect.andThen(conditions.clear(`dns:listen:${place.name}`)),
        Effect.forkScoped
      )
    }
    return places.map((place) => () => opened.get(place))
  })
