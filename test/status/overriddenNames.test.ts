import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { makeCatalog } from "../../src/domain/Catalog.ts"
import { Members } from "../../src/domain/documents/Members.ts"
import { Services } from "../../src/domain/documents/Services.ts"
import { overriddenNames } from "../../src/status/overriddenNames.ts"
import { membersOf, rpc, servicesOf } from "../steering/world.ts"
import { override } from "./overridden.ts"

const catalog = makeCatalog(
  Schema.decodeSync(Members)(membersOf({
    amber: { name: "Amber" },
    birch: { ipv6: "" },
    cedar: { services: ["Else"] },
    off: { active: false },
    document: { override: true }
  })),
  Schema.decodeSync(Services)(servicesOf({ Main: {}, Else: { urls: ["wss://else.example"] }, Nobody: { level: 9 } }))
)
const names = (...members: ReadonlyArray<string>) =>
  overriddenNames(catalog, new Map(members.map((member) => [member, override({ member })]))).map(({ by, name }) => [
    name,
    ...by.map(({ member }) => member)
  ])

describe("overriddenNames", () => {
  it("are those with members of which none is left, in any family", () => {
    assert.deepStrictEqual(names(), [])
    assert.deepStrictEqual(names("birch"), [])
    assert.deepStrictEqual(names("Amber"), [[rpc, "Amber"]], "nobody is left for IPv6")
    const family = (...members: ReadonlyArray<string>) =>
      overriddenNames(catalog, new Map(members.map((member) => [member, override({ member })])))
        .map(({ family }) => family)
    assert.deepStrictEqual([family("Amber"), family("Amber", "Birch")], [["IPv6"], [undefined]])
    assert.deepStrictEqual(names("AMBER", "birch"), [[rpc, "AMBER", "birch"]])
    assert.deepStrictEqual(names("cedar", "Nobody We Know"), [["else.example", "cedar"]])
  })
})
