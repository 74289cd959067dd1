import type { BallotEffect } from "./BallotEffect.ts"

type Dropped = Extract<BallotEffect, { _tag: "Dropped" }>

/** What tells that something was not taken. Of the sender no more than people need to know it. */
export const dropped = (what: Dropped["what"], reason: Dropped["reason"], sender: string): ReadonlyArray<Dropped> => [
  { _tag: "Dropped", what, reason, sender: sender.slice(0, 64) }
]
