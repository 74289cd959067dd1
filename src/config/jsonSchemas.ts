import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import { documentSchemas } from "./decodeDocument.ts"
import type { DocumentName } from "./Problem.ts"
import { holdsSecret } from "./schemaTree.ts"

/** A JSON Schema, draft 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>

const titles: Readonly<Record<DocumentName, string>> = {
  local: "The local document of a node",
  StaticDNSConfig: "Static DNS records",
  MembersConfig: "Members",
  ServicesConfig: "Services",
  IaasPricingConfig: "Prices by region",
  ServicesRequestsConfig: "Requests of services by month",
  AlertsConfig: "Who is told about which member"
}

/** The JSON Schema of a document, for editors: with descriptions and defaults, and secrets as texts. */
export const jsonSchemaOf = (document: DocumentName): JsonSchema => {
  const schema: Schema.Constraint = documentSchemas[document]
  const { definitions, schema: generated } = Schema.toJsonSchemaDocument(schema)
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: titles[document],
    ...describe(schema.ast, generated as JsonSchema),
    ...(Object.keys(definitions).length === 0 ? {} : { $defs: definitions })
  }
}

/** Adds what the keys of a schema say of themselves, which the generator leaves out where a key has a default. */
const describe = (ast: SchemaAST.AST, schema: JsonSchema): JsonSchema => {
  if (ast._tag === "Objects") {
    const properties = { ...schema["properties"] as Readonly<Record<string, JsonSchema>> | undefined }
    for (const { name, type } of ast.propertySignatures) {
      const key = String(name)
      const property = properties[key]
      if (property !== undefined) properties[key] = { ...about(type), ...describe(type, withoutRest(property)) }
    }
    const [rest] = ast.indexSignatures
    return {
      ...schema,
      ...(Object.keys(properties).length === 0 ? {} : { properties }),
      ...(rest === undefined || !isSchema(schema["additionalProperties"])
        ? {}
        : { additionalProperties: describe(rest.type, schema["additionalProperties"]) })
    }
  }
  if (ast._tag === "Arrays" && ast.rest[0] !== undefined && isSchema(schema["items"])) {
    return { ...schema, items: describe(ast.rest[0], schema["items"]) }
  }
  return schema
}

const isSchema = (value: unknown): value is JsonSchema => typeof value === "object" && value !== null

/** Where a key has no default, the generator adds the description in a part of its own. */
const withoutRest = ({ allOf, ...schema }: JsonSchema): JsonSchema => {
  const parts = Array.isArray(allOf) ? allOf.filter((part) => Object.keys(part).join() !== "description") : []
  return parts.length === 0 ? schema : { ...schema, allOf: parts }
}

const about = (ast: SchemaAST.AST): JsonSchema => {
  const { default: value, description, unit } = ast.context?.annotations ?? {}
  const text = description === undefined ? undefined : `${description}${unit === undefined ? "" : ` (${unit})`}`
  return {
    ...(text === undefined ? {} : { description: text }),
    ...(value === undefined ? {} : { default: value }),
    ...(ast._tag === "Declaration" && holdsSecret(ast) ? { writeOnly: true } : {})
  }
}
