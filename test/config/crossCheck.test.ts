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
  const problems = crossCheck(decode(documents), { records: true })
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

  it("channels of alerts by which nobody is told, or not as it is meant", () => {
    const good = { HomeServerURL: "https://matrix.example", Username: "geodns", Password: "given" }
    const room = { AlertsConfig: { matrix: { room: "!ops:example" } } }
    assert.deepStrictEqual(say({ local: local({ Matrix: good }), ...room }), [])
    assert.deepStrictEqual(say({ local: local({ Matrix: { ...good, RoomID: "!ops:example" } }) }), [])
    // The alerts document could not be read: nobody knows.
    const unread = { ...local({ Matrix: good }), System: { ConfigUrls: { AlertsConfig: "alerts.json" } } }
    assert.deepStrictEqual(say({ local: unread }), [])
    assert.deepStrictEqual(say({ local: unread, AlertsConfig: {} }), [
      "local: Matrix.RoomID: expected a room here, or matrix.room in the alerts document, found neither (give one of them, " +
      "or no HomeServerURL: alerts by Matrix have nowhere to go)"
    ])
    const none = "found nothing (the home server takes no login without it: no alert arrives by Matrix)"
    assert.deepStrictEqual(say({ local: local({ Matrix: { HomeServerURL: good.HomeServerURL } }), ...room }), [
      `local: Matrix.Username: expected the account that writes the alerts, ${none}`,
      `local: Matrix.Password: expected the password of the account, ${none}`
    ])
    assert.deepStrictEqual(say({ local: local({ Matrix: { Username: "geodns" } }) }), [])
    const hook = { Name: "pager", Url: "https://hook.example/token", Secret: "given" }
    const Alerts = (settings: object) => ({ local: local({ GeoDNS: { Alerts: settings } }) })
    assert.deepStrictEqual(say(Alerts({ Webhooks: [hook], Dashboard: "https://status.example/" })), [])
    const { Secret: _, ...unsigned } = hook
    const said = say(
      Alerts({ Webhooks: [hook, unsigned, { ...hook, Url: "https://other.example" }], Dashboard: "nonsense" })
    )
    assert.deepStrictEqual(said, [
      "local: GeoDNS.Alerts.Webhooks[1].Secret: expected a secret that signs the calls, found nothing (give one, and let the " +
      "receiver check it: it cannot tell our calls from those of others)",
      "local: GeoDNS.Alerts.Webhooks[1].Url: expected a URL that no other webhook has, found that of Webhooks[0] (it is " +
      "called once)",
      "local: GeoDNS.Alerts.Webhooks[1].Name: expected a name that no other webhook has, found that of Webhooks[0]",
      "local: GeoDNS.Alerts.Webhooks[2].Name: expected a name that no other webhook has, found that of Webhooks[0]",
      'local: GeoDNS.Alerts.Dashboard: expected an http or https URL, or nothing, found "nonsense" (nobody can follow it from ' +
      "an alert)"
    ])
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
          GeoDNS: { Sla: { DualStack: "any" } }
        })
      }),
      [
        "local: GeoDNS.Sla.DualStack: expected nothing, as this version makes no use of it, found a setting"
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
        'local: GeoDNS.Steering.Fallback: expected an IP address, as AllDown is fallback, found "x" '
        + "(without it names of which all members are down are answered as with last-good)"
      ]
    )
  })

  it("a fallback address that is not there, or that is never answered", () => {
    const fallback = (steering: object) => say({ local: local({ GeoDNS: { Steering: steering } }) })
    assert.match(
      fallback({ AllDown: "fallback" }).join(),
      /^local: GeoDNS\.Steering\.Fallback: expected an IP address.*found ""/
    )
    assert.deepStrictEqual(fallback({ AllDown: "fallback", Fallback: "192.0.2.1" }), [])
    assert.deepStrictEqual(fallback({ Fallback: "192.0.2.1" }), [
      'local: GeoDNS.Steering.Fallback: expected nothing, as AllDown is last-good, found "192.0.2.1" '
      + "(it is answered only with AllDown fallback)"
    ])
  })

  it("half an account of the provider of GeoIP databases, without a word of it", () => {
    const account = (maxmind: object) => say({ local: local({ Maxmind: maxmind }) })
    const hint =
      "(with half an account no database is downloaded: give both, or none where the files come by other means)"
    assert.deepStrictEqual(account({ AccountID: "770077" }), [
      `local: Maxmind.LicenseKey: expected what belongs to Maxmind.AccountID, found nothing ${hint}`
    ])
    assert.deepStrictEqual(account({ LicenseKey: "planted" }), [
      `local: Maxmind.AccountID: expected what belongs to Maxmind.LicenseKey, found nothing ${hint}`
    ])
    assert.deepStrictEqual([...account({}), ...account({ AccountID: "770077", LicenseKey: "planted" })], [])
  })

  it("keys of zones that nobody gets", () => {
    const dns = (settings: object) => say({ local: local({ GeoDNS: { Dns: settings } }) })
    const keys = { Keys: { "demo.example": "demo.key" } }
    assert.match(
      dns(keys).join(),
      /^local: GeoDNS\.Dns\.Keys: .*found no connection to PowerDNS \(the embedded server signs nothing/
    )
    assert.match(
      dns({ ...keys, PowerDnsHttp: "127.0.0.1:8053" }).join(),
      /found GeoDNS\.Dns\.PowerDnsHttp alone \(keys are not/
    )
    assert.deepStrictEqual(dns({ ...keys, PowerDnsSocket: "pdns.sock", PowerDnsHttp: "127.0.0.1:8053" }), [])
  })

  it("odd names in a SOA record, in settings and in static records", () => {
    const settings = (zone: object) => say({ local: local({ GeoDNS: { Dns: { Zones: { "demo.example": zone } } } }) })
    const mailbox = "expected a mailbox as a name, as hostmaster.demo.example, found"
    for (const rname of ["hostmaster.demo.example", "host\\.master.demo.example.", "dns_admin+x.demo.example"]) {
      assert.deepStrictEqual(settings({ mname: "ns1.demo.example.", rname }), [], rname)
    }
    assert.deepStrictEqual(settings({ rname: "host.master@demo.example" }), [
      `local: GeoDNS.Dns.Zones["demo.example"].rname: ${mailbox} "host.master@demo.example" `
      + "(it is served as host\\.master.demo.example: write that)"
    ])
    for (
      const rname of ["hostmaster", "host master.demo.example", "a@b@demo.example", ".demo.example", "a.-b.example"]
    ) {
      assert.deepStrictEqual(
        settings({ rname }),
        [`local: GeoDNS.Dns.Zones["demo.example"].rname: ${mailbox} ${JSON.stringify(rname)}`],
        rname
      )
    }
    for (
      const mname of ["ns1", "ns_1.demo.example", "ns1..demo.example", "ns1@demo.example", `${"a".repeat(64)}.example`]
    ) {
      const [only = "", ...more] = settings({ mname })
      assert.deepStrictEqual(more, [])
      assert.match(
        only,
        /^local: GeoDNS\.Dns\.Zones\["demo\.example"\]\.mname: expected the full name of a name server/
      )
      assert.strictEqual(only.includes("(without a dot it is"), mname === "ns1")
    }
    const soa = (content: string) => say({ StaticDNSConfig: [{ qname: "Demo.example.", qtype: "soa", content }] })
    assert.deepStrictEqual(soa("ns1.demo.example hostmaster.demo.example 1 2 3 4 5"), [])
    const both = soa("ns1 hostmaster@demo.example 1 2 3 4 5")
    assert.lengthOf(both, 2)
    assert.match(both[0]!, /^StaticDNSConfig: \[0\]\.content: expected as mname the full name .*found "ns1"/)
    assert.match(
      both[1]!,
      /^StaticDNSConfig: \[0\]\.content: expected as rname a mailbox.*found "hostmaster@demo\.example"/
    )
  })

  it("several TTLs in one set of static records, once for each set", () => {
    const record = (qname: string, qtype: string, content: string, ttl?: number) => ({ qname, qtype, content, ttl })
    assert.deepStrictEqual(
      say({
        StaticDNSConfig: [
          record("www.demo.example", "A", "192.0.2.1", 300),
          record("www.demo.example", "AAAA", "2001:db8::1", 60),
          record("WWW.demo.example.", "a", "192.0.2.2", 600),
          record("www.demo.example", "A", "192.0.2.3", 900),
          // The same record again has no TTL of its own.
          record("mail.demo.example", "MX", "10 a.example", 60),
          record("mail.demo.example", "MX", "10 a.example", 90),
          record("alias.demo.example", "CNAME", "www.demo.example", 60),
          record("alias.demo.example", "CNAME", "www.demo.example", 30),
          record("demo.example", "NS", "ns1.demo.example"),
          record("demo.example", "NS", "ns2.demo.example", 3600)
        ]
      }),
      [
        "StaticDNSConfig: [2].ttl: expected 300, the TTL of the A record of www.demo.example before it, found 600 "
        + "(records of one name and type have one TTL (RFC 2181, 5.2): the lowest is served)",
        "StaticDNSConfig: [5].ttl: expected 60, the TTL of the MX record of mail.demo.example before it, found 90 "
        + "(records of one name and type have one TTL (RFC 2181, 5.2): the lowest is served)",
        "StaticDNSConfig: [7].ttl: expected 60, the TTL of the CNAME record of alias.demo.example before it, found 30 "
        + "(records of one name and type have one TTL (RFC 2181, 5.2): the lowest is served)"
      ]
    )
  })

  it("a MINIMUM that is not served as it is written", () => {
    const soa = (minimum: number) =>
      say({
        StaticDNSConfig: [{
          qname: "demo.example",
          qtype: "SOA",
          content: `ns1.demo.example hostmaster.demo.example 1 2 3 4 ${minimum}`
        }]
      })
    const settings = (minimum: number) =>
      say({ local: local({ GeoDNS: { Dns: { Zones: { "demo.example": { minimum } } } } }) })
    assert.deepStrictEqual([...soa(60), ...settings(60)], [])
    assert.match(
      soa(86400).join(),
      /^StaticDNSConfig: \[0\]\.content: expected as MINIMUM at most 60, found 86400 \(it is served as 60/
    )
    assert.match(
      settings(3600).join(),
      /^local: GeoDNS\.Dns\.Zones\["demo\.example"\]\.minimum: expected at most 60, found 3600 \(it is served as 60/
    )
  })

  it("a floor of the TTL above the TTL", () => {
    const steering = (Steering: object) => say({ local: local({ GeoDNS: { Steering } }) })
    assert.deepStrictEqual(steering({ Ttl: 30, TtlFloor: 30 }), [])
    assert.match(
      steering({ Ttl: 30, TtlFloor: 31 }).join(),
      /^local: GeoDNS\.Steering\.TtlFloor: expected at most GeoDNS\.Steering\.Ttl, 30, found 31/
    )
  })
})
