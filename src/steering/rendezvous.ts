/**
 * Rendezvous hashing (highest random weight; Thaler and Ravishankar, 1998): every member draws a number for the scope and
 * the greatest wins, so that the scope of a member that goes moves and no other does. All nodes must draw alike: changing
 * anything here moves clients.
 */

/** The mixer that ends MurmurHash3: every bit of the input changes half the bits of the output. */
const mix = (value: number): number => {
  let h = value
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b)
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35)
  return h ^ h >>> 16
}

/** A 32-bit hash of a text: FNV-1a over its UTF-16 code units, mixed. */
export const hashText = (text: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return mix(h) >>> 0
}

/** How many different draws there are. Engines count faster with 31 bits than with 32. */
const draws = 2 ** 31

/** What a member draws for a scope, both as {@link hashText}: an integer from 0 to 2³¹ - 1, evenly. */
export const draw = (scope: number, member: number): number => mix(scope ^ member) >>> 1

/**
 * A draw in which a member of weight 2 wins twice as often as one of weight 1: never positive, the greatest wins. With
 * equal weights its order is that of the draws themselves.
 */
export const weigh = (drawn: number, weight: number): number => Math.log((drawn + 0.5) / draws) / weight
