/** The votes that a decision takes, counted by the text of the specification. */
export const majority = (n: number): number => Math.max(2, Math.floor(n / 2) + 1)
