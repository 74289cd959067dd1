/** How long an attempt to decide a proposal lasts, in milliseconds. */
export const attemptTime = 30_000

/** After so many attempts without a majority a proposal is closed as not passed. */
export const maxAttempts = 3

/**
 * A proposer sends its open proposal again this often, and who closed one sends the decision once more after this; an
 * answer to a closed one is not repeated faster.
 */
export const republishTime = 10_000

/** A vote is not sent again faster than this. */
export const revoteTime = 5_000

/** A proposal is forgotten this long after we first saw it, by our clock. */
export const proposalTime = 10 * 60_000

/** That a proposal was decided is remembered this long. */
export const decidedTime = 24 * 60 * 60_000

/** Votes for a proposal that has not come are kept this long after the last of them. */
export const earlyVoteTime = 2 * 60_000

/** Sealed: a vote that is older, by its observation, is not sent again: the voter looks anew. */
export const freshTime = 10_000

/** Sealed: who made a decision that others proposed publishes it when it was not heard from anybody for so long. */
export const standInTime = 1_000
