import { seeded } from "../seeded.ts"

/** Chance that is the same for the same seed. */
export class Chance {
  readonly #random: () => number

  constructor(seed: number) {
    // Neighbouring seeds begin alike otherwise.
    this.#random = seeded(Math.imul(seed ^ (seed >>> 16), 0x9e3779b1) + 0x7f4a7c15)
  }

  /** `[0, 1)`. */
  next(): number {
    return this.#random()
  }

  yes(share: number): boolean {
    return this.#random() < share
  }

  /** A whole number, both ends included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from + 1))
  }

  pick<A>(list: ReadonlyArray<A>): A {
    return list[Math.floor(this.#random() * list.length)]!
  }

  /** Some of them, in their order. */
  some<A>(list: ReadonlyArray<A>, count: number): ReadonlyArray<A> {
    const left = list.map((_, i) => i)
    const taken = new Set<number>()
    while (taken.size < Math.min(count, list.length)) {
      taken.add(left.splice(Math.floor(this.#random() * left.length), 1)[0]!)
    }
    return list.filter((_, i) => taken.has(i))
  }

  /** 16 hexadecimal digits. */
  hex(): string {
    const half = () => Math.floor(this.#random() * 2 ** 32).toString(16).padStart(8, "0")
    return half() + half()
  }
}
