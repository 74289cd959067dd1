import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { AlertRouting } from "../domain/documents/AlertRouting.ts"
import { type DocumentKey, Local } from "../domain/documents/Local.ts"
import { Members } from "../domain/documents/Members.ts"
import { Pricing } from "../domain/documents/Pricing.ts"
import { Requests } from "../domain/documents/Requests.ts"
import { Services } from "../domain/documents/Services.ts"
import { StaticDns } from "../domain/documents/StaticDns.ts"
import { isSame } from "./diff.ts"
import { inSlices } from "./inSlices.ts"
import { excerpt, findSyntaxProblem, isTooDeep, lineAndColumn, maskValues } from "./jsonSyntax.ts"
import { suggestion } from "./nearest.ts"
import {
  type DocumentName,
  formatFound,
  formatPath,
  hasErrors,
  hiddenValue,
  isError,
  maxProblems,
  type Problem
} from "./Problem.ts"
import { readInParts } from "./readInParts.ts"
import { type Finding, hasSecrets, inspect, issuesOf, keysOf } from "./schemaTree.ts"

/** The type of each document, decoded. */
export interface DocumentTypes {
  readonly local: Local
  readonly StaticDNSConfig: StaticDns
  readonly MembersConfig: Members
  readonly ServicesConfig: Services
  readonly IaasPricingConfig: Pricing
  readonly ServicesRequestsConfig: Requests
  readonly AlertsConfig: AlertRouting
}

/** The schema of each document. */
export const documentSchemas: { readonly [K in DocumentName]: Schema.ConstraintDecoder<DocumentTypes[K]> } = {
  local: Local,
  StaticDNSConfig: StaticDns,
  MembersConfig: Members,
  ServicesConfig: Services,
  IaasPricingConfig: Pricing,
  ServicesRequestsConfig: Requests,
  AlertsConfig: AlertRouting
}

/** A shared document with nothing in it. */
export const emptyDocuments: Omit<DocumentTypes, "local"> = {
  StaticDNSConfig: [],
  MembersConfig: {},
  ServicesConfig: {},
  IaasPricingConfig: {},
  ServicesRequestsConfig: {},
  AlertsConfig: { matrix: { room: "", internal_room: "", members: {} } }
}

/** A document as far as it could be understood. */
export interface Decoded<A> {
  /** Undefined when there is an error. */
  readonly value: A | undefined
  /** The JSON as it came; undefined when it is none. */
  readonly raw: unknown
  readonly problems: ReadonlyArray<Problem>
}

/**
 * Decodes the text of one document, and says everything that is wrong with it at once. Unknown keys are warnings, the
 * rest are errors. Total: any text gives a result.
 */
export const decodeDocument = <K extends DocumentName>(document: K, text: string): Decoded<DocumentTypes[K]> => {
  const parsed = parseDocument(document, text)
  if (Result.isFailure(parsed)) return { value: undefined, raw: undefined, problems: [parsed.failure] }
  return { ...decodeValue(document, parsed.success), raw: parsed.success }
}

/** The JSON of a document, or where it is none. */
export const parseDocument = (document: DocumentName, text: string): Result.Result<unknown, Problem> => {
  const json = withoutMark(text)
  const value = isTooDeep(json) ? undefined : parseJson(json)
  if (typeof value === "object" && value !== null) return Result.succeed(value)
  // Only what is not good is looked at letter by letter.
  const { expected, offset } = findSyntaxProblem(json) ?? { offset: 0, expected: "a JSON document" }
  return Result.fail(syntaxError(document, json, offset, expected))
}

/** Without the mark that some editors begin a text with. */
const withoutMark = (text: string): string => text.startsWith("\uFEFF") ? text.slice(1) : text

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The same of JSON that is at hand. */
export const decodeValue = <K extends DocumentName>(
  document: K,
  raw: unknown
): Omit<Decoded<DocumentTypes[K]>, "raw"> => conclude(document, decodePart(document, raw))

/**
 * What schema and keys say of a document or a part of it, before the rules that concern it as a whole. `from` is where
 * the part of a list begins.
 */
const decodePart = <K extends DocumentName>(
  document: K,
  raw: unknown,
  from = 0
): Omit<Decoded<DocumentTypes[K]>, "raw"> => {
  const schema = documentSchemas[document]
  const result = Schema.decodeUnknownResult(schema)(raw, { errors: "all" })
  const inWhole = ([first, ...rest]: ReadonlyArray<PropertyKey>): ReadonlyArray<PropertyKey> =>
    first === undefined ? [] : [Array.isArray(raw) ? from + Number(first) : first, ...rest]
  const findings = inspect(schema, raw, Result.isSuccess(result), maxProblems)
    .map((finding) => toProblem(document, { ...finding, path: inWhole(finding.path) }))
  if (Result.isSuccess(result)) return { value: result.success, problems: findings }
  const seen = new Set(findings.map((problem) => problem.path))
  const others = issuesOf(result.failure.issue).flatMap(({ path, wanted }): ReadonlyArray<Problem> => {
    const where = formatPath(inWhole(path))
    return seen.has(where)
      ? []
      : [{ severity: "error", document, path: where, expected: wanted, found: "something else" }]
  })
  return { value: undefined, problems: [...findings, ...others] }
}

const conclude = <K extends DocumentName>(
  document: K,
  { problems, value }: Omit<Decoded<DocumentTypes[K]>, "raw">
): Omit<Decoded<DocumentTypes[K]>, "raw"> => {
  const all = bounded(value === undefined ? problems : [...problems, ...ownRules(document, value)])
  return { value: hasErrors(all) ? undefined : value, problems: all }
}

/** As {@link parseDocument}, in slices. What is wrong, the whole text tells. */
const parseSliced = Effect.fnUntraced(function*(
  document: DocumentName,
  text: string
): Effect.fn.Return<Result.Result<unknown, Problem>> {
  const value = yield* inSlices(readInParts(withoutMark(text)))
  return value === undefined ? parseDocument(document, text) : Result.succeed(value)
})

/** How many entries of a long document are decoded before others have their turn. */
const sliceLength = 50

/**
 * Decodes a document in slices, so that a node answers in between. It gives what `decodeDocument` gives, with one thing
 * more: what is the same in the good copy `before` is the same object, and so is the whole.
 */
export const decodeSliced = Effect.fnUntraced(function*<K extends DocumentKey>(
  document: K,
  text: string,
  before: DocumentTypes[K] | undefined
): Effect.fn.Return<Decoded<DocumentTypes[K]>> {
  const parsed = yield* parseSliced(document, text)
  if (Result.isFailure(parsed)) return { value: undefined, raw: undefined, problems: [parsed.failure] }
  yield* Effect.yieldNow
  const raw = parsed.success
  const shape = isSliced[document]
  if (shape === undefined || typeof raw !== "object" || raw === null || Array.isArray(raw) !== (shape === "list")) {
    const { problems, value } = decodeValue(document, raw)
    return { value: before !== undefined && isSame(before, value) ? before : value, raw, problems }
  }
  const isList = shape === "list"
  const entries = isList ? raw as ReadonlyArray<unknown> : Object.entries(raw)
  const old = (before ?? (isList ? [] : {})) as Readonly<Record<PropertyKey, unknown>>
  const values: Array<unknown> = []
  const problems: Array<Problem> = []
  let good = true
  let same = before !== undefined && (isList ? old.length : Object.keys(old).length) === entries.length
  for (let from = 0; from < entries.length && problems.length < 2 * maxProblems; from += sliceLength) {
    const some = entries.slice(from, from + sliceLength)
    const part = decodePart(document, isList ? some : Object.fromEntries(some as Array<[string, unknown]>), from)
    for (const problem of part.problems) problems.push(problem)
    if (part.value === undefined) good = false
    else {
      for (const [at, value] of Object.entries(part.value)) {
        const key = isList ? from + Number(at) : at
        const kept = Object.hasOwn(old, key) && isSame(old[key], value)
        same &&= kept
        const taken = kept ? old[key] : value
        values.push(isList ? taken : [key, taken])
      }
    }
    yield* Effect.yieldNow
  }
  const value = good
    ? (isList ? values : Object.fromEntries(values as Array<[string, unknown]>)) as DocumentTypes[K]
    : undefined
  return { ...conclude(document, { value: good && same ? before : value, problems }), raw }
})

/** Documents whose entries do not depend on each other: lists, and objects with free keys. */
const isSliced: Readonly<Record<DocumentKey, "list" | "object" | undefined>> = {
  StaticDNSConfig: "list",
  MembersConfig: "object",
  ServicesConfig: "object",
  IaasPricingConfig: "object",
  ServicesRequestsConfig: "object",
  AlertsConfig: undefined
}

/** What refuses a document is never left out for a warning. */
const bounded = (problems: ReadonlyArray<Problem>): ReadonlyArray<Problem> =>
  problems.length <= maxProblems
    ? problems
    : [...problems.filter(isError), ...problems.filter((problem) => !isError(problem))].slice(0, maxProblems)

const syntaxError = (document: DocumentName, json: string, offset: number, expected: string): Problem => {
  const { line, column } = lineAndColumn(json, offset)
  const schema = documentSchemas[document]
  const known = keysOf(schema)
  const show = (part: string) => `\`${hasSecrets(schema) ? maskValues(part, known) : part}\``
  const { before, after } = excerpt(json, offset)
  const found = after === "" ? (offset >= json.length ? "the end of the document" : "the end of the line") : show(after)
  const isPage = /^\s*</.test(json)
  return {
    severity: "error",
    document,
    path: `line ${line}, column ${column}`,
    expected,
    found: before === "" ? found : `${found} after ${show(before)}`,
    ...(isPage ? { hint: "this looks like a web page: the location must name the JSON document itself" } : {})
  }
}

const toProblem = (document: DocumentName, finding: Finding): Problem => {
  const path = formatPath(finding.path)
  if (finding.kind === "unknown key") {
    const key = String(finding.path.at(-1))
    const hint = suggestion(key, finding.expected)
    return {
      severity: "warning",
      document,
      path,
      expected: "a known key",
      found: "one that nothing reads",
      ...(hint === undefined ? {} : { hint })
    }
  }
  return {
    severity: "error",
    document,
    path,
    expected: finding.expected.join(" and "),
    found: finding.secret ? hiddenValue : formatFound(finding.value)
  }
}

/** What a schema cannot say about one document. */
const ownRules = (document: DocumentName, value: DocumentTypes[DocumentName]): ReadonlyArray<Problem> =>
  document === "MembersConfig" ? sameNames(value as Members) : []

/** A member is known by its name on the wire and in the store: two with one name could not be told apart. */
const sameNames = (members: Members): ReadonlyArray<Problem> => {
  const first = new Map<string, string>()
  return Object.entries(members).flatMap(([key, member]): ReadonlyArray<Problem> => {
    const name = member.Details.Name.toLowerCase()
    const other = first.get(name)
    if (other === undefined) {
      first.set(name, key)
      return []
    }
    return [{
      severity: "error",
      document: "MembersConfig",
      path: formatPath([key, "Details", "Name"]),
      expected: "a name that no other member has, in any case",
      found: `${formatFound(member.Details.Name)}, as ${formatPath([other])} has`
    }]
  })
}
