/** How many consecutive results it takes to believe them. Values below 1 mean 1. */
export interface Hysteresis {
  readonly failAfter: number
  readonly recoverAfter: number
}

/** What the results of one target say after hysteresis. */
export interface Debounced {
  /** Undefined until enough results agree: the first verdict needs its streak too. */
  readonly debounced: boolean | undefined
  /** When `debounced` took its value, milliseconds since the epoch; undefined before the first verdict. */
  readonly since: number | undefined
  /** The last raw result. */
  readonly last: boolean | undefined
  /** Consecutive results equal to the last one. */
  readonly streak: number
}

/** Nothing observed yet. */
export const undecided: Debounced = { debounced: undefined, since: undefined, last: undefined, streak: 0 }

/** Takes one raw result of a target, taken `at` milliseconds since the epoch. */
export const debounce = (state: Debounced, up: boolean, at: number, hysteresis: Hysteresis): Debounced => {
  const streak = up === state.last ? state.streak + 1 : 1
  const turns = up !== state.debounced && streak >= (up ? hysteresis.recoverAfter : hysteresis.failAfter)
  return turns
    ? { debounced: up, since: at, last: up, streak }
    : { debounced: state.debounced, since: state.since, last: up, streak }
}
