/** One measured figure, as `npm run bench` prints it. */
export interface Measure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** What we want, in the same unit. */
  readonly goal: number
  readonly ok: boolean
}

/** A figure that should be at least its goal. */
export const atLeast = (name: string, value: number, unit: string, goal: number): Measure => ({
  name,
  value: round(value),
  unit,
  goal,
  ok: value >= goal
})

/** A figure that should be at most its goal. */
export const atMost = (name: string, value: number, unit: string, goal: number): Measure => ({
  name,
  value: round(value),
  unit,
  goal,
  ok: value <= goal
})

/** Three significant digits after the point for small figures, none for large ones. */
const round = (value: number): number => value >= 100 ? Math.round(value) : Number(value.toPrecision(3))

/** A benchmark. `smoke` asks for the shortest run that still goes through everything. */
export type Benchmark = (options: { readonly smoke: boolean }) => Promise<ReadonlyArray<Measure>>

/** Runs `f` for about `millis` in slices of `batch` and gives calls per second, best of three: other load only slows. */
export const perSecond = (millis: number, batch: number, f: (i: number) => void): number => {
  let best = 0
  let i = 0
  for (let round = 0; round < 3; round++) {
    const start = performance.now()
    let calls = 0
    while (performance.now() - start < millis / 3) {
      for (let k = 0; k < batch; k++) f(i++)
      calls += batch
    }
    best = Math.max(best, calls / (performance.now() - start) * 1000)
  }
  return best
}
