import type { Target } from "../../src/domain/Target.ts"
import { seeded } from "./seeded.ts"

/** What there is to be observed. Times are seconds from the start of the simulation. */
export interface World {
  readonly targets: ReadonlyArray<Target>
  /** Whether a target is up, in truth. */
  readonly isUp: (target: Target, at: number) => boolean
}

export const targetOf = (index: number): Target => ({
  checkType: "site",
  check: "ping",
  member: `member-${index + 1}`,
  domain: "",
  endpoint: "",
  ipv6: false
})

/** A world without change. */
export const calmWorld = (options: { readonly targets: number; readonly up: boolean }): World => ({
  targets: Array.from({ length: options.targets }, (_, i) => targetOf(i)),
  isUp: () => options.up
})

/** Targets that go down and come back by chance, each state lasting between a half and two minutes, until `calmFrom`. */
export const restlessWorld = (
  seed: number,
  options: { readonly targets: number; readonly calmFrom: number }
): World => {
  const random = seeded(seed)
  const targets = Array.from({ length: options.targets }, (_, i) => targetOf(i))
  const turns = new Map(targets.map((target) => {
    const times: Array<number> = []
    for (let at = random() * 120; at < options.calmFrom; at += 30 + random() * 90) times.push(at)
    return [target.member, { first: random() < 0.5, times }] as const
  }))
  return {
    targets,
    isUp: (target, at) => {
      const { first, times } = turns.get(target.member)!
      const turned = times.filter((time) => time <= at).length
      return turned % 2 === 0 ? first : !first
    }
  }
}
