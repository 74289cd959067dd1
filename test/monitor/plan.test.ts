import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { readFileSync } from "node:fs"
import { makeCatalog, type MemberEntry } from "../../src/domain/Catalog.ts"
import { Local } from "../../src/domain/documents/Local.ts"
import { Members } from "../../src/domain/documents/Members.ts"
import { Services } from "../../src/domain/documents/Services.ts"
import { targetKey } from "../../src/domain/Target.ts"
import { canReach, type FamilyReach, type Reach } from "../../src/monitor/Families.ts"
import { type Plan, plan } from "../../src/monitor/plan.ts"
import { isSameSubject, type PlannedTarget } from "../../src/monitor/PlannedTarget.ts"
import { Probes } from "../../src/monitor/Probes.ts"
import { ScriptedProbes } from "../../src/monitor/ScriptedProbes.ts"
import {
  catalogOf,
  decodeLocal,
  type RawCheck,
  rawCheck,
  type RawMember,
  rawMember,
  type RawService,
  rawService
} from "./documents.ts"

const live = Effect.runSync(Effect.provide(Probes, Probes.layer))
const all = Effect.runSync(Effect.provide(Probes, Layer.provide(Probes.layerMemory, ScriptedProbes.layer)))
const everywhere: FamilyReach = { ipv4: "all", ipv6: "all" }

const planOf = (options: {
  readonly checks: ReadonlyArray<RawCheck>
  readonly settings?: NonNullable<NonNullable<Parameters<typeof decodeLocal>[0]["GeoDNS"]>["Checks"]>
  readonly members?: Readonly<Record<string, RawMember>>
  readonly services?: Readonly<Record<string, RawService>>
  readonly reach?: FamilyReach
  readonly probes?: typeof live
}): Plan =>
  plan(
    decodeLocal({ Checks: [...options.checks], GeoDNS: { Checks: options.settings ?? {} } }),
    catalogOf(
      options.members ?? { a: rawMember({ name: "A", services: ["s"] }) },
      options.services ?? { s: rawService({ urls: ["wss://rpc.example/s"] }) }
    ),
    options.reach ?? everywhere,
    options.probes ?? all
  )

const targets = ({ targets }: Plan): ReadonlyArray<PlannedTarget> => [...targets.values()]
const only = (p: Plan): PlannedTarget => {
  assert.strictEqual(p.targets.size, 1)
  return targets(p)[0]!
}
const problems = (p: Plan): ReadonlyArray<string> =>
  [...p.problems.values()].map(({ about, problem }) => `${about}: ${problem}`)

const site = rawCheck({ Name: "ping", CheckType: "site" })
const domain = rawCheck({ Name: "ssl", CheckType: "domain" })
const endpoint = rawCheck({ Name: "wss", CheckType: "endpoint" })

describe("what is checked", () => {
  it("a site once per member, a domain once per host, an endpoint once per URL, each for every IP version", () => {
    const p = planOf({
      checks: [site, domain, endpoint],
      members: { a: rawMember({ name: "A", services: ["one", "two"], ipv6: "2001:db8::1" }) },
      services: {
        one: rawService({ urls: ["wss://rpc.example/one", "wss://one.example", "wss://RPC.example./one"] }),
        two: rawService({ urls: ["wss://rpc.example/two", "wss://rpc.example/one"] })
      }
    })
    assert.deepStrictEqual(
      targets(p).filter(({ target }) => !target.ipv6).map((
        { target }
      ) => [target.check, target.domain, target.endpoint]),
      [
        ["ping", "", ""],
        ["ssl", "rpc.example", ""],
        ["ssl", "one.example", ""],
        ["wss", "rpc.example", "wss://rpc.example/one"],
        ["wss", "one.example", "wss://one.example"],
        ["wss", "rpc.example", "wss://RPC.example./one"],
        ["wss", "rpc.example", "wss://rpc.example/two"]
      ]
    )
    assert.strictEqual(p.targets.size, 14)
    assert.deepStrictEqual(problems(p), [])
    for (const { address, target } of targets(p)) assert.strictEqual(address, target.ipv6 ? "2001:db8::1" : "192.0.2.1")
  })

  it("nothing of inactive or overridden members, inactive services, or services above the member's level", () => {
    const p = planOf({
      checks: [site, domain, endpoint],
      members: {
        a: rawMember({ name: "A", services: ["off", "high", "unknown"], level: 2 }),
        b: rawMember({ name: "B", services: ["high"], active: 0 }),
        c: rawMember({ name: "C", services: ["high"], override: true }),
        d: rawMember({ name: "D", services: ["high"], ipv4: "" })
      },
      services: {
        off: rawService({ urls: ["wss://off.example"], active: 0 }),
        high: rawService({ urls: ["wss://high.example"], level: 3 })
      }
    })
    assert.deepStrictEqual(targets(p).map(({ target }) => [target.check, target.member]), [["ping", "A"]])
  })

  it("a site check with the name of the records of overrides does not run, and is reported", () => {
    const p = planOf({
      checks: [
        rawCheck({ Name: "override", CheckType: "site" }),
        rawCheck({ Name: "maintenance", CheckType: "domain" }),
        site
      ],
      settings: { override: { Probe: "ping" }, maintenance: { Probe: "ssl" } }
    })
    assert.sameMembers(targets(p).map(({ target }) => target.check), ["ping", "maintenance"])
    assert.lengthOf(problems(p), 1)
    assert.include(problems(p)[0]!, "check override: the name is kept for the records of members")
  })

  it("a disabled check plans nothing and is no problem", () => {
    const p = planOf({ checks: [rawCheck({ Name: "nonsense", CheckType: "site", Enabled: 0 })] })
    assert.strictEqual(p.targets.size, 0)
    assert.deepStrictEqual(problems(p), [])
  })

  it("service types decide: ssl RPC and ETHRPC, wss RPC, ethrpc ETHRPC, the generic ones any, and the option over all", () => {
    const services = {
      s: rawService({ urls: ["wss://s.example"], type: "RPC" }),
      e: rawService({ urls: ["https://e.example"], type: "ETHRPC" }),
      w: rawService({ urls: ["https://w.example"], type: "WEB" })
    }
    const members = { a: rawMember({ name: "A", services: ["s", "e", "w"] }) }
    const hosts = (check: RawCheck) =>
      targets(planOf({ checks: [check], services, members })).map(({ target }) => target.domain)
    assert.deepStrictEqual(hosts(domain), ["s.example", "e.example"])
    assert.deepStrictEqual(hosts(endpoint), ["s.example"])
    assert.deepStrictEqual(hosts(rawCheck({ Name: "ethrpc", CheckType: "endpoint" })), ["e.example"])
    assert.deepStrictEqual(hosts(rawCheck({ Name: "http", CheckType: "domain" })), [
      "s.example",
      "e.example",
      "w.example"
    ])
    assert.deepStrictEqual(
      hosts(rawCheck({ Name: "tcp", CheckType: "endpoint", ExtraOptions: { ServiceTypes: ["web"] } })),
      ["w.example"]
    )
  })

  it("the documents of a real network", () => {
    const read = (name: string): unknown => JSON.parse(readFileSync(`test/fixtures/config/${name}`, "utf8"))
    const members = Schema.decodeUnknownSync(Members)(read("members_professional.json"))
    const local = Schema.decodeUnknownSync(Local)(read("local.json"))
    const catalog = makeCatalog(members, Schema.decodeUnknownSync(Services)(read("services_rpc.json")))
    const p = plan(local, catalog, everywhere, live)
    const byCheck = Map.groupBy(targets(p), ({ target }) => target.check)
    assert.deepStrictEqual([...byCheck.keys()], ["ssl", "wss", "ethrpc"])
    assert.isAbove(byCheck.get("ssl")!.length, 20)
    assert.strictEqual(p.problems.size, 0)
    assert.isAbove(p.targets.size, 300)
    const kusama = byCheck.get("wss")!.find(({ url }) => url === "wss://rpc.dotters.example/kusama")!
    assert.deepStrictEqual(kusama.networks, [{
      name: "Kusama",
      stateRoot: "0xb0006203c3a6e6bd2c6a17b1d4ae8ca49a31da0f4579da950b127774b44aef6b"
    }])
  })
})

describe("what a planned target says", () => {
  const http = (over: Partial<RawCheck> = {}): RawCheck => rawCheck({ Name: "http", CheckType: "endpoint", ...over })

  it("times in milliseconds, hysteresis, and the probe that GeoDNS.Checks names", () => {
    const { check } = only(planOf({
      checks: [rawCheck({ Name: "web", CheckType: "endpoint", Timeout: 2.5, minimumInterval: 30 })],
      settings: { web: { Probe: "http", FailAfter: 3, RecoverAfter: 4, MinimumStateTime: 60 } }
    }))
    const { identity: _, run: __, ...plain } = check
    assert.deepStrictEqual(plain, {
      name: "web",
      type: "endpoint",
      probe: "http",
      interval: 30_000,
      timeout: 2_500,
      failAfter: 3,
      recoverAfter: 4,
      minimumStateTime: 60_000
    })
  })

  it("CheckInterval is the interval in older files; times that make no sense are brought into bounds", () => {
    const { minimumInterval: _, ...older } = http()
    assert.strictEqual(only(planOf({ checks: [{ ...older, CheckInterval: 77 }] })).check.interval, 77_000)
    const hasty = only(planOf({ checks: [http({ minimumInterval: 0.001, Timeout: 0.001 })] })).check
    assert.deepStrictEqual([hasty.interval, hasty.timeout], [200, 100])
    const lazy = only(planOf({ checks: [http({ minimumInterval: 1e9, Timeout: 1e9 })] })).check
    assert.deepStrictEqual([lazy.interval, lazy.timeout], [86_400_000, 600_000])
  })

  it("the port is that of the URL, or the option", () => {
    const port = (url: string, options: Readonly<Record<string, unknown>> = {}) =>
      only(planOf({
        checks: [http({ ExtraOptions: options })],
        services: { s: rawService({ urls: [url] }) }
      })).port
    assert.strictEqual(port("ws://rpc.example/x"), 80)
    assert.strictEqual(port("wss://rpc.example/x"), 443)
    assert.strictEqual(port("https://rpc.example:8443"), 8443)
    assert.strictEqual(port("https://rpc.example:8443", { Port: 9443 }), 9443)
  })

  it("the networks are those of the services that have the URL, and a change of them is another subject", () => {
    const service = (NetworkName: string, StateRootHash = "") => {
      const raw = rawService({ urls: ["wss://rpc.example/x"] })
      return { ...raw, Configuration: { ...raw.Configuration, NetworkName, StateRootHash } }
    }
    const of = (services: Readonly<Record<string, RawService>>) =>
      only(planOf({
        checks: [endpoint],
        services,
        members: { a: rawMember({ name: "A", services: Object.keys(services) }) }
      }))
    const kusama = of({ s: service("Kusama", "0x1") })
    assert.deepStrictEqual(kusama.networks, [{ name: "Kusama", stateRoot: "0x1" }])
    assert.deepStrictEqual(of({ s: service("Kusama"), t: service("Paseo") }).networks.map(({ name }) => name), [
      "Kusama",
      "Paseo"
    ])
    assert.isTrue(isSameSubject(kusama, of({ s: service("Kusama", "0x1") })))
    assert.isFalse(isSameSubject(kusama, of({ s: service("Kusama", "0x2") })))
  })

  it("a domain is looked at where its URLs are", () => {
    const of = (urls: ReadonlyArray<string>, options: Readonly<Record<string, unknown>> = {}) => {
      const { port, url } = only(planOf({
        checks: [http({ CheckType: "domain", ExtraOptions: options })],
        services: { s: rawService({ urls }) }
      }))
      return [port, url]
    }
    assert.deepStrictEqual(of(["wss://rpc.example/a"]), [443, "https://rpc.example/"])
    assert.deepStrictEqual(of(["wss://rpc.example:9000", "wss://rpc.example:8000"]), [
      8000,
      "https://rpc.example:8000/"
    ])
    assert.deepStrictEqual(of(["wss://rpc.example:8000", "https://rpc.example"]), [443, "https://rpc.example/"])
    assert.deepStrictEqual(of(["ws://rpc.example:8080"]), [443, "https://rpc.example/"])
    assert.deepStrictEqual(of(["ws://rpc.example:8080"], { Scheme: "http", Path: "/health" }), [
      8080,
      "http://rpc.example:8080/health"
    ])
    assert.deepStrictEqual(of(["wss://rpc.example"], { Port: 444 }), [444, "https://rpc.example:444/"])
  })

  it("a site has the member's address for its URL", () => {
    const p = planOf({
      checks: [http({ CheckType: "site", ExtraOptions: { Scheme: "http", Path: "/up" } })],
      members: { a: rawMember({ name: "A", ipv6: "2001:db8::1" }) }
    })
    assert.deepStrictEqual(targets(p).map(({ host, port, url }) => [host, port, url]), [
      ["", 80, "http://192.0.2.1/up"],
      ["", 80, "http://[2001:db8::1]/up"]
    ])
  })

  it("the identity of a check changes with its probe and options, not with its times, and shows no secret", () => {
    const identity = (over: Partial<RawCheck>) => only(planOf({ checks: [http(over)], probes: live })).check.identity
    const plain = identity({})
    assert.strictEqual(identity({ minimumInterval: 99, Timeout: 9 }), plain)
    const secret = identity({ ExtraOptions: { Headers: { authorization: "Bearer s3cret" } } })
    assert.notStrictEqual(secret, plain)
    assert.notInclude(secret, "s3cret")
  })
})

describe("problems plan nothing that could mark anything down", () => {
  const expectProblem = (check: RawCheck, pattern: RegExp) => {
    const p = planOf({ checks: [check, rawCheck({ Name: "tcp", CheckType: "endpoint" })], probes: live })
    assert.deepStrictEqual([...new Set(targets(p).map(({ target }) => target.check))], ["tcp"])
    assert.isAtLeast(p.problems.size, 1)
    assert.match(problems(p).join("\n"), pattern)
  }

  it("a probe that is not known", () => {
    expectProblem(
      rawCheck({ Name: "pnig", CheckType: "site" }),
      /^check pnig: there is no probe pnig.*ssl, wss, ethrpc/
    )
    expectProblem(rawCheck({ Name: "constructor", CheckType: "site" }), /there is no probe constructor/)
  })

  it("a probe that this machine cannot run", () => {
    const unusable = () => "this machine has no ping command: install iputils-ping"
    const probes = new Map(all).set("ping", { ...all.get("ping")!, unusable })
    const p = planOf({ checks: [site, endpoint], probes })
    assert.deepStrictEqual(targets(p).map(({ target }) => target.check), ["wss"])
    assert.deepStrictEqual(problems(p), [
      "check ping: the check does not run here: this machine has no ping command: install iputils-ping"
    ])
  })

  it("a check type that the probe cannot do", () => {
    expectProblem(rawCheck({ Name: "ssl", CheckType: "site" }), /ssl is for domain checks, not site/)
  })

  it("options that are wrong, all of them at once", () => {
    const wrong = (ExtraOptions: Readonly<Record<string, unknown>>, pattern: RegExp) =>
      expectProblem(rawCheck({ Name: "http", CheckType: "endpoint", ExtraOptions }), pattern)
    wrong({ Port: 70_000 }, /Port/)
    wrong({ BodyRegex: "(a+)+$" }, /repeats a group.*BodyRegex/)
    wrong({ BodyRegex: "(" }, /BodyRegex/)
    wrong({ Headers: { "bad header": "x", good: "a\nb" } }, /bad header.*\n.*good/)
    wrong({ ExpectedStatus: "2xx" }, /ExpectedStatus/)
    wrong({ Method: "CONNECT" }, /Method/)
    wrong({ Scheme: "gopher", MaxLatency: -1 }, /Scheme(.|\n)*MaxLatency/)
    wrong({ ServiceTypes: "RPC" }, /ServiceTypes/)
    wrong(
      { Port: 0, Method: "X", MaxLatency: -1, Headers: { "bad header": "x" }, BodyRegex: "(" },
      /Port(.|\n)*Method(.|\n)*MaxLatency(.|\n)*bad header(.|\n)*BodyRegex/
    )
    const found = problems(planOf({
      checks: [
        rawCheck({ Name: "tcp", CheckType: "site", ExtraOptions: { ConnectTimeout: -1 } }),
        rawCheck({ Name: "dns", CheckType: "site", ExtraOptions: { MaxLatency: -1 } })
      ],
      probes: live
    }))
    assert.lengthOf(found, 4, found.join("\n"))
  })

  it("a tcp site without a port", () => {
    const p = planOf({ checks: [rawCheck({ Name: "tcp", CheckType: "site" })], probes: live })
    assert.strictEqual(p.targets.size, 0)
    assert.match(problems(p)[0]!, /Port is missing/)
  })

  it("URLs that the probe cannot do, and two members with one name: the others are checked", () => {
    const p = planOf({
      checks: [rawCheck({ Name: "http", CheckType: "endpoint" })],
      probes: live,
      members: {
        a: rawMember({ name: "A", services: ["s"] }),
        b: rawMember({ name: "A", services: ["s"], ipv4: "192.0.2.2" }),
        c: rawMember({ name: "C", services: ["s"], ipv4: "192.0.2.3" })
      },
      services: { s: rawService({ urls: ["ftp://rpc.example/x", "https://rpc.example/x"] }) }
    })
    assert.deepStrictEqual(targets(p).map(({ address }) => address), ["192.0.2.1", "192.0.2.3"])
    assert.deepStrictEqual(problems(p), [
      "check http: ftp://rpc.example/x is not checked: http cannot do such a URL",
      "member A: b has the name of another member and is not checked: give each its own Details.Name"
    ])
  })

  it("two checks of one name and type", () => {
    const p = planOf({
      checks: [endpoint, { ...endpoint, Timeout: 9 }, { ...endpoint, Name: "http", CheckType: "domain" }]
    })
    assert.deepStrictEqual(targets(p).map(({ check }) => [check.name, check.timeout]), [["wss", 4_000], [
      "http",
      4_000
    ]])
    assert.strictEqual(p.problems.size, 1)
  })
})

describe("for any documents", () => {
  const urls = fc.constantFrom(
    "wss://a.example/1",
    "wss://a.example/2",
    "https://b.example:8443",
    "ws://a.example:81",
    "foo://a.example",
    "no url"
  )
  const service = fc.record({
    urls: fc.array(urls, { maxLength: 4 }),
    type: fc.constantFrom("RPC", "ETHRPC", "WEB"),
    level: fc.integer({ min: 1, max: 4 }),
    active: fc.constantFrom<0 | 1>(0, 1)
  }).map(rawService)
  const member = fc.record({
    name: fc.constantFrom("A", "B", "C", "D"),
    services: fc.array(fc.constantFrom("s0", "s1", "s2", "gone"), { maxLength: 4 }),
    level: fc.integer({ min: 0, max: 5 }),
    ipv4: fc.constantFrom("", "192.0.2.1", "127.0.1.1"),
    ipv6: fc.constantFrom("", "2001:db8::1", "::1"),
    active: fc.constantFrom<0 | 1>(0, 1),
    override: fc.boolean()
  }).map(rawMember)
  const check = fc.tuple(
    fc.constantFrom("ping", "ssl", "wss", "ethrpc", "http", "tcp", "nonsense"),
    fc.constantFrom<RawCheck["CheckType"]>("site", "domain", "endpoint")
  ).map(([Name, CheckType]) => rawCheck({ Name, CheckType }))
  const reach = fc.constantFrom<Reach>("none", "loopback", "all")

  it("identities are unique, and every target is one that may be checked from here", () => {
    fc.assert(fc.property(
      fc.array(check, { maxLength: 5 }),
      fc.array(member, { maxLength: 5 }),
      fc.array(service, { minLength: 3, maxLength: 3 }),
      fc.record({ ipv4: reach, ipv6: reach }),
      (checks, members, services, reach) => {
        const raw = Object.fromEntries(members.map((m, i) => [`m${i}`, m]))
        const rawServices = Object.fromEntries(services.map((s, i) => [`s${i}`, s]))
        const p = planOf({ checks, members: raw, services: rawServices, reach })
        const catalog = catalogOf(raw, rawServices)
        const seen = new Set<string>()
        for (const [key, { address, check, host, key: own, port, target }] of p.targets) {
          assert.strictEqual(key, targetKey(target))
          assert.strictEqual(own, key)
          assert.isFalse(seen.has(key))
          seen.add(key)
          const isOwn = ({ member, name, services }: MemberEntry) =>
            name === target.member && member.Service.Active && !member.Override &&
            (target.ipv6 ? member.Service.ServiceIPv6 : member.Service.ServiceIPv4) === address &&
            (check.type === "site" ||
              services.some(({ endpoints }) =>
                endpoints.some(({ host, url }) =>
                  host === target.domain && (target.endpoint === "" || url === target.endpoint)
                )
              ))
          assert.isTrue(catalog.members.some(isOwn))
          assert.isTrue(canReach(reach, address))
          // Pings and reports of agents have none
          assert.strictEqual(port === 0, ["ping", "heartbeat"].includes(check.probe))
          assert.isTrue(port >= 0 && port <= 65_535)
          assert.strictEqual(host, target.domain)
          assert.strictEqual(check.type, target.checkType)
          assert.strictEqual(target.domain === "", check.type === "site")
          assert.strictEqual(target.endpoint === "", check.type !== "endpoint")
        }
        if (checks.some(({ Name }) => Name === "nonsense")) {
          assert.isTrue(problems(p).some((line) => line.startsWith("check nonsense:")))
        }
      }
    ))
  })
})
