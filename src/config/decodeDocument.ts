import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { AlertRouting } from "../domain/documents/AlertRouting.ts"
import { Local } from "../domain/documents/Local.ts"
import { Members } from "../domain/documents/Members.ts"
import { Pricing } from "../domain/documents/Pricing.ts"
import { Requests } from "../domain/documents/Requests.ts"
import { Services } from "../domain/documents/Services.ts"
import { StaticDns } from "../domain/documents/StaticDns.ts"
import { excerpt, findSyntaxProblem, lineAndColumn, maskValues } from "./jsonSyntax.ts"
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

const schemas: { readonly [K in DocumentName]: Schema.ConstraintDecoder<DocumentTypes[K]> } = {
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
  const json = text.startsWith("\uFEFF") ? text.slice(1) : text
  const syntax = findSyntaxProblem(json)
  if (syntax !== undefined) {
    return { value: undefined, raw: undefined, problems: [syntaxError(document, json, syntax.offset, syntax.expected)] }
  }
  const raw: unknown = JSON.parse(json)
  const schema = schemas[document]
  const result = Schema.decodeUnknownResult(schema)(raw, { errors: "all" })
  const findings = inspect(schema, raw, Result.isSuccess(result), maxProblems)
    .map((finding) => toProblem(document, finding))
  if (Result.isSuccess(result)) {
    const problems = bounded([...findings, ...ownRules(document, result.success)])
    return { value: hasErrors(problems) ? undefined : result.success, raw, problems }
  }
  const seen = new Set(findings.map((problem) => problem.path))
  const others = issuesOf(result.failure.issue).flatMap(({ path, wanted }): ReadonlyArray<Problem> => {
    const where = formatPath(path)
    return seen.has(where)
      ? []
      : [{ severity: "error", document, path: where, expected: wanted, found: "something else" }]
  })
  return { value: undefined, raw, problems: bounded([...findings, ...others]) }
}

/** What refuses a document is never left out for a warning. */
const bounded = (problems: ReadonlyArray<Problem>): ReadonlyArray<Problem> =>
  problems.length <= maxProblems
    ? problems
    : [...problems.filter(isError), ...problems.filter((problem) => !isError(problem))].slice(0, maxProblems)

const syntaxError = (document: DocumentName, json: string, offset: number, expected: string): Problem => {
  const { line, column } = lineAndColumn(json, offset)
  const schema = schemas[document]
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
