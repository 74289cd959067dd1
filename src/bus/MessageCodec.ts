import * as Result from "effect/Result"
import * as SchemaJITCompiler from "effect/schema/SchemaJITCompiler"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaParser from "effect/SchemaParser"
import type { Subject } from "../domain/wire/Subject.ts"
import { bytesOver } from "./MessageSize.ts"

/**
 * Deeper nesting than this is garbage. Free data of a message goes on in messages of ours, and writing JSON is
 * recursive: some thousand levels that were read without trouble would exhaust the stack.
 */
const maxDepth = 64

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const isDeeperThan = (value: object, levels: number): boolean => {
  if (levels === 0) return true
  for (const key in value) {
    const inner: unknown = value[key as keyof typeof value]
    if (isObject(inner) && isDeeperThan(inner, levels - 1)) return true
  }
  return false
}

/** From the values of a subject to messages and back. Total: whatever comes in, nothing is thrown. */
export interface MessageCodec<A> {
  /** Fails with what is wrong with the value. */
  readonly encode: (value: A) => Result.Result<string, string>
  /** Fails with what is wrong with the message, told only when asked: garbage must cost little. */
  readonly decode: (text: string) => Result.Result<A, () => string>
}

const makeMessageCodec = <A>(subject: Subject<A>): MessageCodec<A> => {
  // Parsers as code of their own: a third of the time. Where code may not be made, Effect interprets the schema as ever.
  SchemaJITCompiler.enable(subject.schema.ast)
  SchemaJITCompiler.enable(SchemaAST.flip(subject.schema.ast))
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
        if (isObject(value) && isDeeperThan(value, maxDepth)) {
          return Result.fail(() => `nested more than ${maxDepth} levels deep`)
        }
        return Result.mapError(decodeValue(value), (issue) => () => String(issue))
      } catch (cause) {
        return Result.fail(() => String(cause))
      }
    }
  }
}

/** What was made once per subject, and goes with it: no state that anybody could see. */
const made = new WeakMap<object, MessageCodec<any>>()

/** The codec of a subject. Made once for each. */
export const messageCodec = <A>(subject: Subject<A>): MessageCodec<A> => {
  let codec: MessageCodec<A> | undefined = made.get(subject)
  if (codec === undefined) made.set(subject, codec = makeMessageCodec(subject))
  return codec
}
