/**
 * What an answer that is no success says of the message:
 * - `refused`: it is this message, which is not taken.
 * - `odd`: nothing gets through, or this message does not; whether another one does tells.
 * - `busy`: nothing gets through for now, and this did not.
 * - `away`: nothing gets through for now; this one may have.
 * - `broken`: this one failed, and may have got through all the same.
 */
export type AnswerMeaning = "refused" | "odd" | "busy" | "away" | "broken"

/** By status. Who we are, or where we came to, is odd: a filter between us and the server looks at what a message says. */
const meanings: Readonly<Record<number, AnswerMeaning>> = {
  401: "odd",
  403: "odd",
  404: "odd",
  407: "odd",
  408: "odd",
  425: "odd",
  429: "busy",
  502: "away",
  503: "away",
  504: "away"
}

/** What a status says. Redirects lead somewhere that nobody allowed. */
export const meaningOf = (status: number): AnswerMeaning =>
  meanings[status] ?? (status >= 500 ? "broken" : status >= 400 ? "refused" : "odd")

/** How the error of such an answer is marked. */
export const marksOf: Readonly<
  Record<
    AnswerMeaning,
    { readonly isRetryable: boolean; readonly isDown?: true; readonly isOdd?: true; readonly mayHaveArrived?: true }
  >
> = {
  refused: { isRetryable: false },
  odd: { isRetryable: true, isDown: true, isOdd: true },
  busy: { isRetryable: true, isDown: true },
  away: { isRetryable: true, isDown: true, mayHaveArrived: true },
  broken: { isRetryable: true, mayHaveArrived: true }
}
