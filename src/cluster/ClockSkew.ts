import { noTime } from "../domain/wire/WireTime.ts"

/** A clock that differs from another by more than so many milliseconds is wrong. */
export const toleratedSkew = 5_000

/** Nodes whose clocks are measured. */
export const maxMeasured = 256

/** Messages of the last five to ten minutes count. */
const half = 5 * 60_000

/** A node is measured by so many messages at least, the last of which came so many milliseconds after the first. */
const enough = { messages: 3, over: 30_000 }

/** Our clock was set when it moves by so many milliseconds against the monotonic one between two messages. */
const ownJump = 1_000

interface Half {
  readonly number: number
  best: number
  messages: number
  readonly first: number
  last: number
}

interface Entry {
  current: Half
  previous: Half | undefined
}

/**
 * How far the clocks of other nodes are from ours, by the times in their messages.
 *
 * Delay only ever makes a message look older. So what comes nearest to the truth is the message that looks youngest, and every
 * estimate is too low by the shortest time that a message took. Those who repeat old messages change nothing by it, nor does a
 * backlog, as long as one message comes in time. When our own clock is set, all is measured anew.
 *
 * `now` is milliseconds of a clock that never goes back, `wall` our time of day in milliseconds since the epoch. Bounded: who is
 * measured is not pushed out for a newcomer.
 */
export class ClockSkew {
  readonly #max: number
  readonly #entries = new Map<string, Entry>()
  #offset: number | undefined

  constructor(max: number = maxMeasured) {
    this.#max = max
  }

  get size(): number {
    return this.#entries.size
  }

  /** A message of `node` came that says it was made at `sentAt`. A time that is none says nothing. */
  heard(node: string, sentAt: number, wall: number, now: number): void {
    this.#watchOwnClock(wall, now)
    if (sentAt === noTime) return
    const number = Math.floor(now / half)
    const skew = sentAt - wall
    const entry = this.#entries.get(node)
    if (entry !== undefined && entry.current.number === number) {
      const { current } = entry
      current.best = Math.max(current.best, skew)
      current.messages++
      current.last = now
      return
    }
    const current: Half = { number, best: skew, messages: 1, first: now, last: now }
    if (entry !== undefined) {
      entry.previous = entry.current
      entry.current = current
    } else if (this.#entries.size < this.#max) this.#entries.set(node, { current, previous: undefined })
  }

  /**
   * By how many milliseconds the clock of each node is ahead of ours (behind when negative), as far as there are messages enough
   * to say so. Forgets nodes that have been silent, and those that `isKnown` does not know.
   */
  measured(isKnown: (node: string) => boolean, wall: number, now: number): ReadonlyMap<string, number> {
    this.#watchOwnClock(wall, now)
    const number = Math.floor(now / half)
    const skews = new Map<string, number>()
    for (const [node, { current, previous }] of this.#entries) {
      const halves = [current, previous].filter((one): one is Half => one !== undefined && one.number >= number - 1)
      if (halves.length === 0 || !isKnown(node)) {
        this.#entries.delete(node)
        continue
      }
      const messages = halves.reduce((sum, one) => sum + one.messages, 0)
      const over = Math.max(...halves.map(({ last }) => last)) - Math.min(...halves.map(({ first }) => first))
      if (messages < enough.messages || over < enough.over) continue
      skews.set(node, Math.max(...halves.map(({ best }) => best)))
    }
    return skews
  }

  #watchOwnClock(wall: number, now: number): void {
    const offset = wall - now
    if (this.#offset !== undefined && Math.abs(offset - this.#offset) > ownJump) this.#entries.clear()
    this.#offset = offset
  }
}

/** Whose clock is wrong. All in milliseconds. */
export interface ClockVerdict {
  /** By how much ours is ahead of most others (behind when negative), and how many these are; undefined when it is not off. */
  readonly own: { readonly ahead: number; readonly of: number } | undefined
  /** Nodes whose clocks are off, by how much they are ahead, the worst first: of most clocks, or of ours when there are no most. */
  readonly others: ReadonlyArray<{ readonly node: string; readonly ahead: number }>
  /** Clocks that agree with each other, ours among them unless it is off; undefined when they are not more than half of all. */
  readonly agreeing: number | undefined
}

/** Judges the clocks of other nodes and ours, each by how many agree with it. `skews` as {@link ClockSkew.measured} gives them. */
export const judgeClocks = (skews: ReadonlyMap<string, number>): ClockVerdict => {
  const isNear = (a: number, b: number) => Math.abs(a - b) <= toleratedSkew
  const clocks = [0, ...skews.values()]
  if (clocks.every((skew) => isNear(skew, 0))) return { own: undefined, others: [], agreeing: clocks.length }
  const near = (to: number) => clocks.filter((skew) => isNear(skew, to))
  // Of those with as many on their side the first, which is ours: then the middle of these.
  let most = near(0)
  for (const skew of clocks) {
    const side = near(skew)
    if (side.length > most.length) most = side
  }
  const isMost = most.length * 2 > clocks.length
  const isOurs = !isMost || most.includes(0)
  const reference = isOurs ? 0 : most.toSorted((a, b) => a - b)[most.length >> 1]!
  return {
    own: isOurs ? undefined : { ahead: -reference, of: most.length },
    others: Array.from(skews, ([node, skew]) => ({ node, ahead: skew - reference }))
      .filter(({ ahead }) => Math.abs(ahead) > toleratedSkew)
      .sort((a, b) => Math.abs(b.ahead) - Math.abs(a.ahead)),
    agreeing: isMost ? most.length : undefined
  }
}
