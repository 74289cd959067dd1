import type { Trouble } from "./dial.ts"

/** What came of one JSON-RPC call. */
export type RpcAnswer =
  | { readonly _tag: "Value"; readonly value: unknown }
  /** The other side answered with an error. */
  | { readonly _tag: "Refused"; readonly code: number }
  /** Nothing came in time. */
  | { readonly _tag: "Silent" }
  /** The connection did not hold, or what came over it was no JSON-RPC. */
  | { readonly _tag: "Lost"; readonly trouble: Trouble }

/** Bytes that one answer may have: those that we ask for have far fewer, and longer JSON would hold up the event loop. */
export const maxAnswer = 65_536

/** A request as it is sent. */
export const requestText = (id: number, method: string, params: ReadonlyArray<unknown>): string =>
  JSON.stringify({ jsonrpc: "2.0", id, method, params })

/** A message: an answer to one of our numbers; `"other"` for what is none, as a notification; undefined for no JSON-RPC. */
export const readMessage = (
  text: string
): { readonly id: number; readonly answer: RpcAnswer } | "other" | undefined => {
  let message: unknown
  try {
    message = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof message !== "object" || message === null || Array.isArray(message)) return undefined
  const { error, id, method, result } = message as Readonly<Record<string, unknown>>
  if (typeof id !== "number" || !Number.isSafeInteger(id)) {
    return typeof method === "string" || id !== undefined ? "other" : undefined
  }
  // Some answer with both, and null for the one that does not apply
  if (error !== undefined && error !== null) return { id, answer: { _tag: "Refused", code: codeOf(error) } }
  return result === undefined ? undefined : { id, answer: { _tag: "Value", value: result } }
}

const codeOf = (error: unknown): number => {
  const code = typeof error === "object" && error !== null && "code" in error ? error.code : undefined
  return typeof code === "number" && Number.isSafeInteger(code) ? code : 0
}

/** What is wrong with the answer to a call, in words that stay the same; undefined for a value. */
export const answerTrouble = (method: string, answer: RpcAnswer): Trouble | undefined => {
  switch (answer._tag) {
    case "Value":
      return undefined
    case "Refused":
      // The words of the other side differ from time to time: they may hold hashes
      return { up: false, error: `${method} was refused with error ${answer.code}` }
    case "Silent":
      return { up: false, error: `no answer to ${method} in time` }
    case "Lost":
      return answer.trouble
  }
}

/** The value of an answer, as far as there is one. */
export const valueOf = (answer: RpcAnswer | undefined): unknown => answer?._tag === "Value" ? answer.value : undefined
