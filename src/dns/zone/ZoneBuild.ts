import type { ZoneProblem } from "../ZoneData.ts"

/** Records and names looked at before others have their turn: a millisecond or two. */
const sliceSteps = 250

/** What the steps of one build share: the problems found, the numbers given, and when to give way. */
export class ZoneBuild {
  readonly problems: Array<ZoneProblem> = []
  readonly doubts: Array<ZoneProblem> = []
  #steps = 0
  #accounts = 0

  report(name: string, type: string, problem: string): void {
    this.problems.push({ name, type, problem })
  }

  /** Says what is served, and probably not meant. */
  doubt(name: string, type: string, problem: string): void {
    this.doubts.push({ name, type, problem })
  }

  /** The next number for `Accounted`. */
  account(): number {
    return ++this.#accounts
  }

  /** To be asked at each record and name. */
  isSliceOver(): boolean {
    return ++this.#steps % sliceSteps === 0
  }
}
