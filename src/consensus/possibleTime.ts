import { clockTolerance } from "../status/OfficialTable.ts"

/** The time of a decision, unless our clock was set back since: nothing could come after one that is far ahead. */
export const possibleTime = (decidedAt: number, now: number): number =>
  decidedAt <= now + clockTolerance ? decidedAt : -Infinity
