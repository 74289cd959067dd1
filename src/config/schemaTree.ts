import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import { isOptional, toEncoded } from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"

/** One finding at one place of a raw value, before it is a `Problem` of a document. */
export interface Finding {
  readonly path: ReadonlyArray<PropertyKey>
  readonly kind: "missing" | "misfit" | "unknown key"
  /** What the schema wants; for an unknown key what is known there. */
  readonly expected: ReadonlyArray<string>
  readonly value: unknown
  /** A secret belongs at this place, or somewhere below it: the value must not be shown. */
  readonly secret: boolean
}

/**
 * Compares a raw value with a schema, place by place, and gives at most `max` misfits and `max` unknown keys. When it
 * could be decoded, only the unknown keys, which decoding drops, are left to find.
 *
 * Where it could not, decoding alone would not find all: where a key has a default, what a transformation refuses is not looked at as long
 * as anything beside it has the wrong type. Every value that is no struct, record or list is therefore decoded on its
 * own.
 */
export const inspect = (
  schema: Schema.Constraint,
  raw: unknown,
  decoded: boolean,
  max: number
): ReadonlyArray<Finding> => {
  const misfits: Array<Finding> = []
  const unknown: Array<Finding> = []
  const findings: Array<Finding> = []
  const add = (finding: Finding): void => {
    const counted = finding.kind === "unknown key" ? unknown : misfits
    if (counted.length < max) {
      counted.push(finding)
      findings.push(finding)
    }
  }
  const keys = new Map<SchemaAST.AST, ReadonlySet<string>>()
  const keysIn = (ast: SchemaAST.Objects): ReadonlySet<string> => {
    const known = keys.get(ast) ?? new Set(ast.propertySignatures.map((property) => String(property.name)))
    keys.set(ast, known)
    return known
  }
  const visit = (ast: SchemaAST.AST, value: unknown, at: Place | undefined): void => {
    if (misfits.length >= max) return
    const misfit = (expected: ReadonlyArray<string>) =>
      add({ path: pathTo(at), kind: "misfit", expected, value, secret: holdsSecret(ast) })
    if (ast._tag === "Objects") {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return misfit(["an object"])
      const known = keysIn(ast)
      for (const property of ast.propertySignatures) {
        const below = { above: at, key: property.name }
        if (Object.hasOwn(value, property.name)) visit(property.type, value[property.name as never], below)
        else if (!isOptional(toEncoded(property.type))) {
          add({ path: pathTo(below), kind: "missing", expected: ["a value"], value: undefined, secret: false })
        }
      }
      const rest = ast.indexSignatures[0]
      for (const key of Object.keys(value)) {
        if (known.has(key)) continue
        const below = { above: at, key }
        if (rest !== undefined) visit(rest.type, value[key as never], below)
        else add({ path: pathTo(below), kind: "unknown key", expected: [...known], value: undefined, secret: false })
      }
    } else if (ast._tag === "Arrays" && ast.elements.length === 0 && ast.rest[0] !== undefined) {
      if (!Array.isArray(value)) return misfit(["a list"])
      // Below the items there can be no unknown keys: what is long is not gone through.
      if (decoded && ast.rest[0]._tag !== "Objects" && ast.rest[0]._tag !== "Arrays") return
      for (const [i, item] of value.entries()) visit(ast.rest[0], item, { above: at, key: i })
    } else if (!decoded) {
      const result = Schema.decodeUnknownResult(Schema.make<Schema.ConstraintDecoder<unknown>>(ast))(value, all)
      if (Result.isFailure(result)) misfit([...new Set(issuesOf(result.failure.issue).map(({ wanted }) => wanted))])
    }
  }
  visit(schema.ast, raw, undefined)
  return findings
}

/** A place in a value. Its path is only made when there is something to say about it. */
interface Place {
  readonly above: Place | undefined
  readonly key: PropertyKey
}

const pathTo = (at: Place | undefined): ReadonlyArray<PropertyKey> => {
  const path: Array<PropertyKey> = []
  for (let place = at; place !== undefined; place = place.above) path.unshift(place.key)
  return path
}

const all: SchemaAST.ParseOptions = { errors: "all" }

const format = SchemaIssue.makeFormatterStandardSchemaV1()

const plain: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  boolean: "true or false",
  object: "an object",
  array: "a list"
}

/** The issues of a failed decoding, each with its path and what was wanted there. Never the value. */
export const issuesOf = (
  issue: SchemaIssue.Issue
): ReadonlyArray<{ readonly path: ReadonlyArray<PropertyKey>; readonly wanted: string }> =>
  format(issue).issues.map(({ message, path }) => {
    const wanted = message.replace(/^Expected /, "").replace(
      "a value with a length of at least 1",
      "a text that is not empty"
    )
    return {
      path: (path ?? []).map((part) => typeof part === "object" ? part.key : part),
      wanted: wanted.split(" | ").map((part) => plain[part] ?? part).join(" or ")
    }
  })

/** Whether a schema redacts this value or one below it. */
export const holdsSecret = (ast: SchemaAST.AST): boolean => {
  switch (ast._tag) {
    case "Declaration":
      return ast.annotations?.expected === "Redacted" || ast.typeParameters.some(holdsSecret)
    case "Objects":
      return ast.propertySignatures.some((property) => holdsSecret(property.type)) ||
        ast.indexSignatures.some((signature) => holdsSecret(signature.type))
    case "Arrays":
      return [...ast.elements, ...ast.rest].some(holdsSecret)
    case "Union":
      return ast.types.some(holdsSecret)
    default:
      return false
  }
}

/** All keys that a schema names, at any depth. */
export const keysOf = (schema: Schema.Constraint): ReadonlySet<string> => {
  const keys = new Set<string>()
  const visit = (ast: SchemaAST.AST): void => {
    if (ast._tag === "Objects") {
      for (const property of ast.propertySignatures) {
        keys.add(String(property.name))
        visit(property.type)
      }
      for (const signature of ast.indexSignatures) visit(signature.type)
    } else if (ast._tag === "Arrays") {
      for (const inner of [...ast.elements, ...ast.rest]) visit(inner)
    }
  }
  visit(schema.ast)
  return keys
}

/** Whether a schema redacts anything at all. */
export const hasSecrets = (schema: Schema.Constraint): boolean => holdsSecret(schema.ast)
