import { assert, describe, it } from "@effect/vitest"
import { crossCheck, type KnownDocuments } from "../../src/config/crossCheck.ts"
import { decodeDocument } from "../../src/config/decodeDocument.ts"
import { describeProblem, type DocumentName } from "../../src/config/Problem.ts"

const decode = (documents: Partial<Record<DocumentName, unknown>>): KnownDocuments =>
  Object.fromEntries(
    Object.entries(documents).map(([name, raw]) => {
      const { problems, value } = decodeDocument(name as DocumentName, JSON.stringify(raw))
      assert.isDefined(value, problems.map(describeProblem).join())
      return [name, value]
    })
  )
const say = (documents: Partial<Record<DocumentName, unknown>>) => {
  const problems = crossCheck(decode(documents))
  assert.isTrue(problems.every((problem) => problem.severity === "warning"))
  return problems.map(describeProblem)
}

const member = (name: string, change: object = {}) => ({
  Details: { Name: name },
  Membership: { MemberLevel: 6 },
  Service: { Active: 1, ServiceIPv4: "192.0.2.1" },
  Location: { Region: "Europe", Latitude: 1, Longitude: 2 },
  ...change
})
const service = (...urls: ReadonlyArray<string>) => ({
  Configuration: { Name: "x", ServiceType: "RPC", Active: 1, LevelRequired: 1 },
  Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
  Providers: { Ibp: { RpcUrls: urls } }
})
const local = (change: object) => ({ System: { ConfigUrls: {} }, ...change })

describe("crossCheck", () => {
  it("has nothing to say about documents that fit, or about what is not there", () => {
    assert.deepStrictEqual(say({}), [])
    const assigned = member("Potomac Works", { ServiceAssignments: { any: ["Paseo"] } })
    assert.deepStrictEqual(say({ MembersConfig: { Potomac: assigned } }), [])
    assert.deepStrictEqual(
      say({
        MembersConfig: { Potomac: assigned },
        ServicesConfig: { Paseo: service("wss://rpc.example/paseo") },
        IaasPricingConfig: { Europe: { cores: 1, memory: 1, disk: 1, bandwidth: 1 } },
        AlertsConfig: { matrix: { members: { POTOMAC: [], "potomac works": [] } } },
        local: local({ GeoDNS: { Steering: { Weights: { potomac: 2 } } } })
      }),
      []
    )
  })

  it("a service that is assigned but not there", () => {
    assert.deepStrictEqual(
      say({
        MembersConfig: { Potomac: member("P", { ServiceAssignments: { Paseo: ["Paseo", "Paseoo", "toString"] } }) },
        ServicesConfig: { Paseo: service() }
      }),
      [
        "MembersConfig: Potomac.ServiceAssignments.Paseo[1]: expected the key of a service, " +
        'found "Paseoo" (did you mean "Paseo"?)',
        "MembersConfig: Potomac.ServiceAssignments.Paseo[2]: expected the key of a service, " +
        'found "toString" (known: Paseo)'
      ]
    )
  })

  it("a service URL that is none, or has no host", () => {
    const found = say({ ServicesConfig: { Paseo: service("wss://ok.example", "rpc.example/paseo", "file:///x", "") } })
    assert.strictEqual(found.length, 3)
    assert.match(
      found[0]!,
      /^ServicesConfig: Paseo\.Providers\.Ibp\.RpcUrls\[1\]: expected a URL with a host name.*"rpc\.example\/paseo"/
    )
  })

  it("an active member without an address, and a region without prices", () => {
    assert.deepStrictEqual(
      say({
        MembersConfig: {
          Away: member("A", { Service: { Active: 0 } }),
          Lost: member("L", { Service: { Active: 1 } }),
          Far: member("F", { Location: { Region: "Erope", Latitude: 1, Longitude: 1 } })
        },
        IaasPricingConfig: { Europe: { cores: 1, memory: 1, disk: 1, bandwidth: 1 } }
      }),
      [
        "MembersConfig: Lost.Service: expected an IPv4 or an IPv6 address of an active member, found neither",
        'MembersConfig: Far.Location.Region: expected a region with prices, found "Erope" (did you mean "Europe"?)'
      ]
    )
  })

  it("alerts and weights for members that are not there", () => {
    assert.deepStrictEqual(
      say({
        MembersConfig: { Potomac: member("Potomac Works") },
        AlertsConfig: { matrix: { members: { "potomac work": [] } } },
        local: local({ GeoDNS: { Steering: { Weights: { Potomak: 2 } } } })
      }),
      [
        "local: GeoDNS.Steering.Weights.Potomak: expected the key or name of a member, " +
        'found "Potomak" (did you mean "Potomac"?)',
        'AlertsConfig: matrix.members["potomac work"]: expected the key or name of a member, ' +
        'found "potomac work" (did you mean "Potomac Works"?)'
      ]
    )
  })

  it("settings that this version makes no use of", () => {
    assert.deepStrictEqual(
      say({
        local: local({
          GeoDNS: { Alerts: { Webhooks: [{ Url: "https://x.example", Secret: "planted" }] } }
        })
      }),
      [
        "local: GeoDNS.Alerts.Webhooks: expected nothing, as this version makes no use of it, found a setting"
      ]
    )
  })

  it("checks that cannot run as they are meant", () => {
    const check = (Name: string, change: object = {}) => ({ Name, Enabled: 1, CheckType: "site", ...change })
    assert.deepStrictEqual(
      say({
        local: local({
          Checks: [
            check("ssl", { Timeout: 90, minimumInterval: 60 }),
            check("tcpp"),
            check("old", { Enabled: 0, Timeout: 90 }),
            check("web"),
            check("ssl", { Timeout: 5 })
          ],
          GeoDNS: { Checks: { web: { Probe: "htp" }, sll: {} }, Steering: { AllDown: "fallback", Fallback: "x" } }
        })
      }),
      [
        "local: Checks[0].Timeout: expected at most the interval of the check, 60 s, found 90",
        'local: Checks[4].Name: expected a name that no other check has, found "ssl"',
        'local: GeoDNS.Checks.sll: expected the name of a check, found "sll" (did you mean "ssl"?)',
        'local: GeoDNS.Steering.Fallback: expected an IP address, as AllDown is fallback, found "x"'
      ]
    )
  })
})
