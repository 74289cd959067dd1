import * as Result from "effect/Result"
import * as SchemaParser from "effect/SchemaParser"
import type { Subject } from "../domain/wire/Subject.ts"
import { bytesOver } from "./MessageSize.ts"

/**
 * Deeper nesting than this is garbage. Free data of a message goes on in messages of ours, and writing JSON is
 * recursive: some thousand levels that were read without trouble would exhaust the stack.
 */
const maxDepth = 64

const deeperThan = (value: unknown, levels: number): boolean => {
  if (typeof value !== "object" || value === null) return false
  if (levels === 0) return true
  const inner: ReadonlyArray<unknown> = Array.isArray(value) ? value : Object.values(value)
  return inner.some((item) => deeperThan(item, levels - 1))
}

/** From the values of a subject to messages and back. Total: whatever comes in, nothing is thrown. */
export interface MessageCodec<A> {
  /** Fails with what is wrong with the value. */
  readonly encode: (value: A) => Result.Result<string, string>
  /** Fails with what is wrong with the message, told only when asked: garbage must cost little. */
  readonly decode: (text: string) => Result.Result<A, () => string>
}

/** The codec of a subject. Cheap to make: Effect compiles the parsers of a schema once, when they are first used. */
export const messageCodec = <A>(subject: Subject<A>): MessageCodec<A> => {
  const decodeValue = SchemaParser.decodeUnknownResult(subject.schema)
  const encodeValue = SchemaParser.encodeUnknownResult(subject.schema)
  return {
    encode: (value) => {
      try {
        return Result.mapBoth(encodeValue(value), {
          onSuccess: (encoded) => JSON.stringify(encoded),
          onFailure: String
        })
      } catch (cause) {
        return Result.fail(String(cause))
      }
    },
    decode: (text) => {
      const bytes = bytesOver(text, subject.maxBytes)
      if (bytes !== undefined) return Result.fail(() => `${bytes} bytes, the limit is ${subject.maxBytes}`)
      try {
        const value: unknown = JSON.parse(text)
        if (deeperThan(value, maxDepth)) return Result.fail(() => `nested more than ${maxDepth} levels deep`)
        return Result.mapError(decodeValue(value), (issue) => () => String(issue))
      } catch (cause) {
        return Result.fail(() => String(cause))
      }
    }
  }
}
