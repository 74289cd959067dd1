/** Work that gives way again and again, so that it can be done in between. It ends with its result. */
export type Slices<A> = Generator<void, A, void>

/** Does all of it now. */
export const atOnce = <A>(slices: Slices<A>): A => {
  let step = slices.next()
  while (step.done !== true) step = slices.next()
  return step.value
}
