import type * as SchemaAST from "effect/SchemaAST"
import { isOptional, toEncoded } from "effect/SchemaAST"
import { Local } from "../domain/documents/Local.ts"
import { holdsSecret } from "./schemaTree.ts"

/** What an environment variable of a setting is written as. */
export type SettingKind = "text" | "number" | "boolean" | "json" | "text or json"

/** One key of the local document, as its schema describes it. */
export interface Setting {
  /** `[]` stands for every place of a list, `*` for every key of an object whose keys are free. */
  readonly path: ReadonlyArray<string>
  /** The environment variable that gives it; undefined for what is inside a list or an object with free keys. */
  readonly variable: string | undefined
  readonly kind: SettingKind
  /** For people: `text`, `number`, `0 or 1` … */
  readonly type: string
  /** As it would stand in the document; undefined when there is none. */
  readonly default: unknown
  readonly description: string
  readonly unit: string | undefined
  /** A change is in use only after a restart. */
  readonly restart: boolean
  readonly secret: boolean
  /** The key must be there. */
  readonly required: boolean
}

/** What all variables begin with. */
export const variablePrefix = "GEODNS"

const constantCase = (key: string): string =>
  key.replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/([A-Z])([A-Z][a-z])/g, "$1_$2").toUpperCase()

/** The environment variable of a key of the local document: `Nats.NodeID` → `GEODNS_NATS_NODE_ID`. */
export const variableOf = (path: ReadonlyArray<string>): string => [variablePrefix, ...path.map(constantCase)].join("_")

/** Every setting of the local document, in the order of its schema. Objects with fixed keys are not settings: their keys are. */
export const settingsOf = (schema: { readonly ast: SchemaAST.AST } = Local): ReadonlyArray<Setting> => {
  const settings: Array<Setting> = []
  const visit = (ast: SchemaAST.AST, path: ReadonlyArray<string>, inside: boolean): void => {
    if (ast._tag === "Objects" && ast.indexSignatures.length === 0) {
      for (const property of ast.propertySignatures) {
        visit(property.type, [...path, String(property.name)], inside)
      }
      return
    }
    const encoded = toEncoded(ast)
    const about = ast.context?.annotations
    settings.push({
      path,
      variable: inside ? undefined : variableOf(path),
      kind: kindOf(encoded),
      type: typeOf(ast, encoded),
      default: about?.["default"],
      description: String(about?.["description"] ?? ""),
      unit: about?.["unit"] as string | undefined,
      restart: about?.["restart"] === true,
      secret: holdsSecret(ast),
      required: !isOptional(encoded)
    })
    if (ast._tag === "Objects") {
      for (const signature of ast.indexSignatures) nested(signature.type, [...path, "*"])
    } else if (ast._tag === "Arrays") {
      for (const item of ast.rest) nested(item, [...path, "[]"])
    }
  }
  const nested = (ast: SchemaAST.AST, path: ReadonlyArray<string>): void => {
    if (ast._tag === "Objects") visit(ast, path, true)
  }
  visit(schema.ast, [], false)
  return settings
}

const kindOf = (ast: SchemaAST.AST): SettingKind => {
  switch (ast._tag) {
    case "Objects":
    case "Arrays":
    case "Unknown":
      return "json"
    case "Number":
      return "number"
    case "Boolean":
      return "boolean"
    case "Literal":
      return typeof ast.literal === "number" ? "number" : "text"
    case "Union": {
      const kinds = new Set(ast.types.map(kindOf))
      // A port may be a number or a text: the text always fits.
      if (kinds.has("json")) return kinds.size === 1 ? "json" : "text or json"
      return kinds.has("text") ? "text" : [...kinds][0]!
    }
    default:
      return "text"
  }
}

const typeOf = (ast: SchemaAST.AST, encoded: SchemaAST.AST): string => {
  if (encoded._tag === "Union") {
    const parts = encoded.types.map((type) =>
      type._tag === "Literal"
        ? typeof type.literal === "string" ? `\`${type.literal}\`` : String(type.literal)
        : typeOf(type, type)
    )
    return [...new Set(parts)].join(" or ")
  }
  if (encoded._tag === "Objects") return "object"
  if (encoded._tag === "Arrays") return "list"
  if (encoded._tag === "Number") return "number"
  if (encoded._tag === "Boolean") return "true or false"
  return holdsSecret(ast) ? "secret" : "text"
}

/** The paths of the settings whose changes are in use only after a restart, as `Nats.Url`. */
export const restartSettings = (): ReadonlyArray<ReadonlyArray<string>> =>
  settingsOf().filter(({ restart }) => restart).map(({ path }) => path)
