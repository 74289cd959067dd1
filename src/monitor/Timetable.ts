import { DueHeap } from "./DueHeap.ts"

/** One run that is due. */
export interface Run {
  readonly key: string
  /** When it should have started. */
  readonly due: number
}

interface Line {
  readonly interval: number
  /** Where in the interval this key has its starts. */
  readonly phase: number
  readonly seed: number
  /** The number of the next regular run since the zero of the clock. */
  next: number
}

/** How far a start moves about its regular time, as a share of the interval. */
const jitter = 0.05

/**
 * When each target is probed next: at a fixed rate. A key's starts lie `interval` apart on a line that the hash of the
 * key (and of the salt: each node has its own) places evenly in the interval, so that 30,000 targets do not start at once
 * and slow probes move nothing. Each start is moved by up to 5 % of the interval, which never adds up. Deterministic;
 * times in milliseconds of a clock that only goes forward.
 */
export class Timetable {
  readonly #lines = new Map<string, Line>()
  readonly #due = new DueHeap()
  readonly #salt: string

  constructor(salt: string) {
    this.#salt = salt
  }

  get size(): number {
    return this.#lines.size
  }

  /** Adds a key, or changes its interval. Nothing happens when it has that interval already. */
  set(key: string, interval: number, now: number): void {
    if (this.#lines.get(key)?.interval === interval) return
    const seed = hash(this.#salt + key)
    const phase = seed / 2 ** 32 * interval
    const line: Line = { interval, phase, seed, next: Math.floor((now - phase) / interval) - 1 }
    this.#lines.set(key, line)
    this.#due.set(key, advance(line, now))
  }

  remove(key: string): void {
    this.#lines.delete(key)
    this.#due.delete(key)
  }

  /** Puts in an extra run at `at`, if the next one is later. The regular ones stay where they are. */
  recheck(key: string, at: number): void {
    const due = this.#due.at(key)
    if (due !== undefined && at < due) this.#due.set(key, at)
  }

  /** When the next run is due, or undefined when there are no keys. */
  nextDue(): number | undefined {
    return this.#due.first()
  }

  /** Takes the next run that is due at `now`. Of runs that were missed altogether, one is made up for. */
  take(now: number): Run | undefined {
    const due = this.#due.first()
    const key = this.#due.firstKey()
    if (key === undefined || due === undefined || due > now) return undefined
    const line = this.#lines.get(key)!
    this.#due.set(key, regular(line) > now ? regular(line) : advance(line, now))
    return { key, due }
  }
}

const regular = (line: Line): number =>
  Math.round(line.phase + (line.next + jitter * mix(line.seed ^ line.next) / 2 ** 32) * line.interval)

/** Moves on to the first regular run after `now` and gives its time. */
const advance = (line: Line, now: number): number => {
  line.next = Math.max(line.next + 1, Math.floor((now - line.phase) / line.interval))
  while (regular(line) <= now) line.next++
  return regular(line)
}

/** FNV-1a, then the finaliser of MurmurHash3: keys that differ in one character lie far apart. */
const hash = (text: string): number => {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return mix(h)
}

const mix = (n: number): number => {
  let h = n
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
