import type { ClientRequest } from "node:http"

/** A member sends more than anybody needs: it is left, so that it delays no other. */
export class Flood extends Error {
  override readonly name = "Flood"
  readonly code = "ERR_FLOOD"
}

/** Answers before the answer (1xx) that are taken. */
const maxEarly = 16

/** Ends a request that gets one answer after the other before its answer. */
export const boundEarly = (request: ClientRequest): ClientRequest => {
  let early = 0
  return request.on("information", () => {
    if (++early > maxEarly) request.destroy(new Flood())
  })
}

/**
 * Whether so many pieces are more than so many bytes can need, sent sensibly: each piece costs time, however small it is.
 * Pieces are what one read brings, or one chunk.
 */
export const isTooSmall = (pieces: number, bytes: number): boolean => pieces > 1_024 + bytes / 256

/** What is said of a member whose answer is that. */
export const tooSmall = "the answer comes in too many pieces"
