/** Numbers from 0 to 1 that are the same in every run and process (mulberry32). */
export const numbers = (seed: number): () => number => {
  let state = seed
  return () => {
    state = state + 0x6d2b79f5 | 0
    let t = Math.imul(state ^ state >>> 15, 1 | state)
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t
    return ((t ^ t >>> 14) >>> 0) / 2 ** 32
  }
}

/** A place on the globe, everywhere with the same chance. */
export const place = (random: () => number) => ({
  latitude: Math.asin(2 * random() - 1) * 180 / Math.PI,
  longitude: random() * 360 - 180
})
