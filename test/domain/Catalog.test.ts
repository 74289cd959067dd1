import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import fc from "fast-check"
import { readFileSync } from "node:fs"
import { hostName, hostOf, isServed, makeCatalog } from "../../src/domain/Catalog.ts"
import { Members } from "../../src/domain/documents/Members.ts"
import { Services } from "../../src/domain/documents/Services.ts"
import { type Target, targetKey } from "../../src/domain/Target.ts"

const read = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../fixtures/config/${name}`, import.meta.url), "utf8"))
const members = Schema.decodeUnknownSync(Members)(read("members_professional.json"))
const services = Schema.decodeUnknownSync(Services)(read("services_rpc.json"))
const catalog = makeCatalog(members, services)

describe("Catalog", () => {
  it("finds a member by key and by name, in any case", () => {
    for (const name of ["Potomac", "potomac", "Potomac Works", "POTOMAC WORKS"]) {
      assert.strictEqual(catalog.member(name)?.key, "Potomac", name)
    }
    assert.isUndefined(catalog.member("nobody"))
    assert.isUndefined(catalog.member("__proto__"))
  })

  it("gives a member the active services that it is assigned to and has the level for", () => {
    const keys = (name: string) => catalog.member(name)?.services.map((entry) => entry.key) ?? []
    assert.include(keys("Potomac"), "Hydration")
    assert.notInclude(keys("Corcovado"), "Hydration", "level 5 where 6 is required")
    assert.sameMembers(
      keys("Mapocho").filter((key) => services[key]!.Configuration.LevelRequired > 3),
      [],
      "level 3 has no service of level 5"
    )
    assert.isFalse(catalog.services.some((entry) => entry.key === "Dormant-Polkadot"), "inactive")
    assert.isFalse(catalog.hosts.has("dormant.dotters.example"), "the host of an inactive service")
  })

  it("gives each member its own services, whatever others like it are assigned", () => {
    const keys = ["A", "B", "C", "Off"]
    const services = Schema.decodeUnknownSync(Services)(Object.fromEntries(keys.map((key, i) => [key, {
      Configuration: { Name: key, ServiceType: "RPC", Active: key === "Off" ? 0 : 1, LevelRequired: i + 1 },
      Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
      Providers: { P: { RpcUrls: [`wss://${key}.example`] } }
    }])))
    const assigned = fc.record({
      level: fc.integer({ min: 1, max: 3 }),
      groups: fc.dictionary(fc.constantFrom("x", "y"), fc.array(fc.constantFrom(...keys, "Gone"), { maxLength: 3 }))
    })
    fc.assert(fc.property(fc.array(assigned, { maxLength: 30 }), (all) => {
      const { members } = makeCatalog(
        Schema.decodeUnknownSync(Members)(Object.fromEntries(all.map(({ groups, level }, i) => [`M${i}`, {
          Details: { Name: `M${i}` },
          Membership: { MemberLevel: level },
          Service: { Active: 1 },
          ServiceAssignments: groups,
          Location: { Latitude: 0, Longitude: 0 }
        }]))),
        services
      )
      const expected = all.map(({ groups, level }) => [
        ...new Set(
          Object.values(groups).flat().filter((key) => key !== "Off" && keys.indexOf(key) < level && keys.includes(key))
        )
      ])
      assert.deepStrictEqual(members.map(({ services }) => services.map(({ key }) => key)), expected)
    }))
  })

  it("lists every service of a shared host", () => {
    const shared = catalog.hosts.get("rpc.dotters.example")?.map((entry) => entry.key)
    assert.sameMembers(shared ?? [], ["Paseo", "Kusama", "Polkadot"])
  })

  it("counts a URL once, whichever providers list it, and leaves out what is no URL", () => {
    const one = Object.values(services)[0]!
    const doubled = makeCatalog({}, {
      x: {
        ...one,
        Providers: {
          a: { RpcUrls: ["wss://a.example/x", "no url"] },
          b: { RpcUrls: ["wss://A.example/x", "wss://a.example/x"] }
        }
      }
    })
    assert.deepStrictEqual(doubled.services[0]!.endpoints, [
      { host: "a.example", url: "wss://a.example/x" },
      { host: "a.example", url: "wss://A.example/x" }
    ])
    assert.strictEqual(doubled.hosts.get("a.example")?.length, 1)
  })

  it("brings host names into one form", () => {
    assert.strictEqual(hostName("RPC.Example."), "rpc.example")
    assert.strictEqual(hostName("münchen.example"), "xn--mnchen-3ya.example")
    assert.strictEqual(hostOf("wss://RPC.example:9944/x"), "rpc.example")
    assert.isUndefined(hostOf("rpc.example"))
  })
})

describe("Target", () => {
  it("has a key of its own for every identity", () => {
    const target = fc.record<Target>({
      checkType: fc.constantFrom("site", "domain", "endpoint"),
      check: fc.string(),
      member: fc.string(),
      domain: fc.string(),
      endpoint: fc.string(),
      ipv6: fc.boolean()
    })
    fc.assert(fc.property(target, target, (a, b) => {
      const same = a.checkType === b.checkType && a.check === b.check && a.member === b.member &&
        a.domain === b.domain && a.endpoint === b.endpoint && a.ipv6 === b.ipv6
      return (targetKey(a) === targetKey(b)) === same
    }))
    assert.notStrictEqual(
      targetKey({ checkType: "site", check: "a\nb", member: "", domain: "", endpoint: "", ipv6: false }),
      targetKey({ checkType: "site", check: "a", member: "b", domain: "", endpoint: "", ipv6: false })
    )
  })
})

describe("isServed", () => {
  const target = (change: Partial<Target>): Target => ({
    checkType: "endpoint",
    check: "wss",
    member: "Potomac Works",
    domain: "rpc.dotters.example",
    endpoint: "wss://rpc.dotters.example/polkadot",
    ipv6: false,
    ...change
  })
  const site = { checkType: "site", domain: "", endpoint: "" } as const
  const domain = { checkType: "domain", endpoint: "" } as const

  it("knows the targets of members that are active, for what they serve", () => {
    for (
      const change of [{}, site, domain, { ...domain, domain: "RPC.dotters.example" }, { member: "potomac works" }, {
        ipv6: true
      }]
    ) {
      assert.isTrue(isServed(catalog, target(change)), JSON.stringify(change))
    }
  })

  it("does not know others", () => {
    const others: ReadonlyArray<Partial<Target>> = [
      { member: "nobody" },
      // What a member was called before it was renamed may still be its key.
      { member: "Potomac" },
      { ...site, member: "Irazu Hosting", ipv6: true },
      { ...site, member: "Oasis" },
      { ...site, member: "Retired Member" },
      { ...domain, domain: "rpc.other.example" },
      { endpoint: "wss://rpc.dotters.example/other" },
      { member: "Mapocho", endpoint: "wss://hydration.dotters.example", domain: "hydration.dotters.example" }
    ]
    for (const change of others) assert.isFalse(isServed(catalog, target(change)), JSON.stringify(change))
  })
})
