import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { decodeDocument } from "../../src/config/decodeDocument.ts"
import { type JsonSchema, jsonSchemaOf } from "../../src/config/jsonSchemas.ts"
import type { DocumentName } from "../../src/config/Problem.ts"
import { documentKeys } from "../../src/domain/documents/Local.ts"

const files: Readonly<Record<DocumentName, string>> = {
  local: "local.json",
  StaticDNSConfig: "geodns-static.json",
  MembersConfig: "members_professional.json",
  ServicesConfig: "services_rpc.json",
  IaasPricingConfig: "services_rpc_iaaspricing.json",
  ServicesRequestsConfig: "services_rpc_requests.json",
  AlertsConfig: "alerts.json"
}
const names = ["local", ...documentKeys] as const
const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/config/${name}`, import.meta.url), "utf8"))

/** The keywords that our schemas use, and no more: another one is an error, so that nothing passes unlooked at. */
const notes = new Set(["$schema", "title", "description", "default", "writeOnly"])

/** Where a value does not fit a schema. */
const misfits = (schema: JsonSchema, value: unknown, path = ""): ReadonlyArray<string> =>
  Object.entries(schema).flatMap(([keyword, rule]: [string, any]): ReadonlyArray<string> => {
    const fail = (ok: boolean) => ok ? [] : [`${path}: ${keyword}`]
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value)
    switch (keyword) {
      case "type":
        return fail(
          rule === "object"
            ? isObject
            : rule === "array"
            ? Array.isArray(value)
            : rule === "integer"
            ? Number.isInteger(value)
            : rule === "null"
            ? value === null
            : typeof value === rule
        )
      case "enum":
        return fail(rule.includes(value))
      case "const":
        return fail(rule === value)
      case "minimum":
        return fail(typeof value !== "number" || value >= rule)
      case "maximum":
        return fail(typeof value !== "number" || value <= rule)
      case "exclusiveMinimum":
        return fail(typeof value !== "number" || value > rule)
      case "minLength":
        return fail(typeof value !== "string" || value.length >= rule)
      case "required":
        return isObject
          ? rule.filter((key: string) => !(key in value)).map((key: string) => `${path}/${key}: required`)
          : []
      case "properties":
        return isObject
          ? Object.entries(value).flatMap(([key, below]) =>
            Object.hasOwn(rule, key) ? misfits(rule[key], below, `${path}/${key}`) : []
          )
          : []
      case "additionalProperties":
        return isObject && typeof rule === "object"
          ? Object.entries(value).flatMap(([key, below]) =>
            Object.hasOwn(schema["properties"] ?? {}, key) ? [] : misfits(rule, below, `${path}/${key}`)
          )
          : fail(rule === true || typeof rule === "object")
      case "items":
        return Array.isArray(value) ? value.flatMap((item, i) => misfits(rule, item, `${path}/${i}`)) : []
      case "anyOf":
      case "oneOf":
        return fail(rule.some((option: JsonSchema) => misfits(option, value).length === 0))
      case "allOf":
        return rule.flatMap((part: JsonSchema) => misfits(part, value, path))
      default:
        assert.include(notes, keyword)
        return []
    }
  })

describe("jsonSchemaOf", () => {
  it("takes a complete set of documents, and refuses what decoding refuses", () => {
    for (const name of names) assert.deepStrictEqual(misfits(jsonSchemaOf(name), fixture(files[name])), [], name)
    const bad: ReadonlyArray<readonly [DocumentName, unknown]> = [
      ["local", {}],
      ["local", { System: { ConfigUrls: {}, ConfigReloadTime: 0 } }],
      ["local", { System: { ConfigUrls: {} }, GeoDNS: { Store: { Driver: "postgres" } } }],
      ["local", { System: { ConfigUrls: {} }, Checks: [{ Name: "", Enabled: 1, CheckType: "site" }] }],
      ["local", { System: { ConfigUrls: {} }, GeoDNS: { Checks: { ssl: { FailAfter: 0 } } } }],
      ["local", { System: { ConfigUrls: {} }, Nats: { Pass: 5 } }],
      ["MembersConfig", { A: { ...fixture(files.MembersConfig).Potomac, Location: { Latitude: 91, Longitude: 0 } } }],
      ["MembersConfig", []],
      ["ServicesConfig", { A: {} }],
      ["StaticDNSConfig", {}],
      ["IaasPricingConfig", { Europe: { cores: -1, memory: 1, disk: 1, bandwidth: 1 } }],
      ["ServicesRequestsConfig", { Paseo: { "2024-10": { dns: { requests: "many" } } } }]
    ]
    for (const [name, value] of bad) {
      assert.isUndefined(decodeDocument(name, JSON.stringify(value)).value)
      assert.isAbove(misfits(jsonSchemaOf(name), value).length, 0, JSON.stringify(value))
    }
  })

  it("says what every setting is for, what it is when it is missing, and that secrets are texts", () => {
    const local = jsonSchemaOf("local") as any
    assert.strictEqual(local.$schema, "https://json-schema.org/draft/2020-12/schema")
    assert.deepStrictEqual(local.properties.Nats.properties.Pass, {
      description: "Its password",
      default: "",
      writeOnly: true,
      type: "string"
    })
    assert.deepStrictEqual(local.properties.GeoDNS.properties.Steering.properties.Ttl, {
      description: "The TTL of answers (s)",
      default: 30,
      type: "number",
      minimum: 0
    })
    assert.strictEqual(local.properties.Checks.items.properties.Timeout.default, 30)
    const checks = local.properties.GeoDNS.properties.Checks.additionalProperties.properties
    assert.strictEqual(checks.FailAfter.description, "Consecutive failures before the debounced status is down")
    const undescribed = (schema: any, path: string): ReadonlyArray<string> =>
      Object.entries<any>(schema.properties ?? {}).flatMap(([key, property]) => [
        ...(typeof property.description === "string" ? [] : [`${path}.${key}`]),
        ...undescribed(property, `${path}.${key}`),
        ...undescribed(property.items ?? {}, `${path}.${key}[]`),
        ...undescribed(property.additionalProperties ?? {}, `${path}.${key}.*`)
      ])
    assert.deepStrictEqual(undescribed(local, "local"), [])
  })
})
