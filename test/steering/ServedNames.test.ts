import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { atOnce, type Slices } from "../../src/domain/Slices.ts"
import type { Official } from "../../src/status/Decision.ts"
import { LastHealthy } from "../../src/steering/LastHealthy.ts"
import type { SteeringTables } from "../../src/steering/SteeringTables.ts"
import { client, decide, decideEndpoint, makeServed, rpc, serve, serveSteps, type WorldOptions } from "./world.ts"

const tokyo = [35.6762, 139.6503] as const
const frankfurt = [50.1109, 8.6821] as const
const saoPaulo = [-23.5505, -46.6333] as const
const berlin = client([52.52, 13.405])
const osaka = client([34.6937, 135.5023])
const somewhere = client()

const three = { Fuji: { at: tokyo }, Rhine: { at: frankfurt }, Pampa: { at: saoPaulo } }

/** Who answers, in order. */
const answer = (options: WorldOptions, who = berlin, ipv6 = false, name = rpc) =>
  serve(options).choose(name, ipv6, who)?.members

const reasons = (options: WorldOptions, member: string, who = berlin, ipv6 = false) =>
  serve(options).explain(rpc, ipv6, who)?.candidates.find((candidate) => candidate.member === member)?.exclusions
    .map(({ _tag }) => _tag)

describe("names", () => {
  it("are the hosts of active services, and nothing else", () => {
    const served = serve({
      members: three,
      services: {
        Main: { urls: ["wss://RPC.example./main", "https://other.example:8443/"] },
        Off: { urls: ["wss://off.example"], active: false }
      }
    })
    assert.deepStrictEqual([...served.names].sort(), ["other.example", rpc])
    assert.isUndefined(served.choose("off.example", false, berlin))
    assert.isUndefined(served.explain("off.example", false, berlin))
  })

  it("without a member have an empty answer, which is not for their health", () => {
    const served = serve({ members: { Fuji: { services: ["Other"] } } })
    assert.deepStrictEqual(served.choose(rpc, false, berlin), { addresses: [], members: [], ttl: 30 })
    const explanation = served.explain(rpc, true, berlin)!
    assert.strictEqual(explanation.rule, "empty")
    assert.include(explanation.because, "IPv6")
  })
})

describe("candidates", () => {
  it("are active, not overridden, assigned with the level for it, and have an address of the family", () => {
    const options: WorldOptions = {
      members: {
        Good: { at: tokyo },
        Off: { at: frankfurt, active: false },
        Out: { at: frankfurt, override: true },
        Else: { at: frankfurt, services: ["Other"] },
        Low: { at: frankfurt, level: 3 },
        Six: { at: frankfurt, ipv4: "" },
        Four: { at: saoPaulo, ipv6: "" }
      },
      services: { Main: { level: 5 }, Other: { urls: ["wss://other.example"] } },
      settings: { RecordsPerAnswer: 9 }
    }
    assert.sameMembers([...answer(options)!], ["Good", "Four"])
    assert.sameMembers([...answer(options, berlin, true)!], ["Good", "Six"])
    assert.deepStrictEqual(reasons(options, "Good"), [])
    assert.deepStrictEqual(reasons(options, "Off"), ["Inactive"])
    assert.deepStrictEqual(reasons(options, "Out"), ["Overridden"])
    assert.deepStrictEqual(reasons(options, "Else"), ["NotAssigned"])
    assert.deepStrictEqual(reasons(options, "Low"), ["BelowLevel"])
    assert.deepStrictEqual(reasons(options, "Six"), ["NoAddress"])
    assert.deepStrictEqual(reasons(options, "Six", berlin, true), [])
  })

  it("are known by name or key, in any case, and a name is not taken for another's key", () => {
    const members = { Rhine: { name: "Rhine Networks", at: frankfurt }, Fuji: { at: tokyo } }
    for (const name of ["Rhine Networks", "rhine networks", "RHINE"]) {
      assert.deepStrictEqual(answer({ members, official: [decide(name)] }), ["Fuji"], name)
    }
    const confused = { A: { name: "B", at: frankfurt }, B: { name: "C", at: tokyo } }
    assert.deepStrictEqual(answer({ members: confused, official: [decide("B")] }, berlin), ["C"])
    assert.deepStrictEqual(answer({ members: confused, official: [decide("B")] }, osaka), ["C"])
  })
})

describe("health", () => {
  it.each<readonly [string, Official, boolean]>([
    ["the site is down", decide("Rhine"), true],
    ["the name is down", decide("Rhine", { checkType: "domain", check: "ssl", domain: rpc }), true],
    ["the name in another form", decide("Rhine", { checkType: "domain", check: "ssl", domain: "RPC.Example." }), true],
    ["its one endpoint is down", decideEndpoint("Rhine", "Main"), true],
    ["another name is down", decide("Rhine", { checkType: "domain", check: "ssl", domain: "other.example" }), false],
    ["an endpoint is down that no service has", decideEndpoint("Rhine", "Gone"), false],
    ["a name that is none is down", decide("Rhine", { checkType: "domain", check: "ssl", domain: "" }), false],
    ["another member is down", decide("Fuji"), false],
    ["a member is down that nobody knows", decide("Nobody"), false],
    ["the site is up", decide("Rhine", {}, 0, true), false],
    ["the site is down for IPv6", decide("Rhine", { ipv6: true }), false]
  ])("%s", (_, official, out) => {
    const options = { members: three, official: [official] }
    assert.strictEqual(answer(options)![0] === "Rhine", !out)
    assert.deepStrictEqual(reasons(options, "Rhine"), out ? ["Down"] : [])
  })

  it("of one family is nothing to the other", () => {
    const official = [decide("Rhine", { ipv6: true }), decideEndpoint("Fuji", "Main")]
    assert.deepStrictEqual(answer({ members: three, official }, berlin, false), ["Rhine"])
    assert.notInclude(answer({ members: three, official }, berlin, true)!, "Rhine")
    assert.notInclude(answer({ members: three, official }, osaka, false)!, "Fuji")
    assert.deepStrictEqual(answer({ members: three, official }, osaka, true), ["Fuji"])
  })

  it("is explained by the decision that took a member out", () => {
    const official = decideEndpoint("Rhine", "Main", 1234)
    const explanation = serve({ members: three, official: [official] }).explain(rpc, false, berlin)!
    const rhine = explanation.candidates.find(({ member }) => member === "Rhine")!
    assert.deepStrictEqual(rhine.exclusions, [{
      _tag: "Down",
      decision: official.id,
      target: "endpoint wss Rhine wss://rpc.example/Main (IPv4)",
      error: "no answer",
      since: 1234
    }])
    assert.isFalse(rhine.chosen)
    assert.approximately(rhine.distance!, 423, 1)
    assert.deepStrictEqual(explanation.candidates.map(({ chosen }) => chosen), [true, false, false])
  })
})

describe("a shared host", () => {
  const services = { A: {}, B: {}, C: {}, D: {}, Else: { urls: ["wss://else.example"] } }
  const members = {
    Rhine: { at: frankfurt, services: ["A", "B", "C", "D", "Else"] },
    Fuji: { at: tokyo, services: ["A", "B", "C", "D"] },
    Pampa: { at: saoPaulo, services: ["A"] }
  }
  const downs = (...keys: ReadonlyArray<string>) => keys.map((key) => decideEndpoint("Rhine", key))

  it.each<readonly [string, WorldOptions["settings"], ReadonlyArray<Official>, boolean]>([
    ["share: half of it down", {}, downs("A", "B"), true],
    ["share: more than half down", {}, downs("A", "B", "C"), false],
    ["share of 74 %: three of four", { SharePercent: 74 }, downs("A", "B", "C"), false],
    ["share of 75 %: three of four", { SharePercent: 75 }, downs("A", "B", "C"), true],
    ["share of 100 %: all of it", { SharePercent: 100 }, downs("A", "B", "C", "D"), false],
    ["share of 0 %: one of four", { SharePercent: 0 }, downs("A"), false],
    ["any: one of four", { SharedHost: "any" }, downs("A"), false],
    ["any: only another name's", { SharedHost: "any" }, downs("Else"), true],
    ["two checks of one endpoint are one service", {}, [
      ...downs("A"),
      decide("Rhine", { checkType: "endpoint", check: "ethrpc", domain: rpc, endpoint: `wss://${rpc}/A` }),
      ...downs("B")
    ], true]
  ])("%s", (_, settings = {}, official, stays) => {
    assert.strictEqual(answer({ members, services, settings, official })![0] === "Rhine", stays)
  })

  describe("with seven paths", () => {
    const paths = ["A", "B", "C", "D", "E", "F", "G"]
    const seven = Object.fromEntries(paths.map((key) => [key, {}]))
    const members = { Rhine: { at: frankfurt, services: paths }, Fuji: { at: tokyo, services: paths } }

    it.each<readonly ["share" | "any", number, boolean]>([
      ["share", 1, true],
      ["share", 3, true],
      ["share", 4, false],
      ["share", 7, false],
      ["any", 0, true],
      ["any", 1, false],
      ["any", 7, false]
    ])("%s: of which %i are down", (SharedHost, count, stays) => {
      const official = paths.slice(7 - count).map((path) => decideEndpoint("Rhine", path))
      const options = { members, services: seven, settings: { SharedHost }, official }
      assert.deepStrictEqual(answer(options), [stays ? "Rhine" : "Fuji"])
      assert.deepStrictEqual(reasons(options, "Rhine"), stays ? [] : official.map(() => "Down"))
      assert.deepStrictEqual(answer(options, osaka), ["Fuji"])
      assert.deepStrictEqual(answer(options, berlin, true), ["Rhine"])
    })
  })

  it("counts only the services that the member serves there", () => {
    const official = [decideEndpoint("Pampa", "A"), decideEndpoint("Pampa", "B")]
    assert.notInclude(answer({ members, services, official }, client(saoPaulo))!, "Pampa")
    assert.include(answer({ members, services, official: official.slice(1) }, client(saoPaulo))!, "Pampa")
  })

  it("goes when the share was passed, not with the first outage", () => {
    const official = [
      ...["A", "B", "C"].map((key, i) => decideEndpoint("Rhine", key, 1_000 * (i + 1))),
      decide("Fuji", {}, 2_500)
    ]
    // One of three may go within a minute, and Fuji went first.
    const { candidates } = serve({ members, services, official, now: 3_500 }).explain(rpc, false, somewhere)!
    assert.deepStrictEqual(
      Object.fromEntries(candidates.map(({ heldUntil, member }) => [member, heldUntil])),
      { Fuji: undefined, Pampa: undefined, Rhine: 62_500 }
    )
  })
})

describe("names that the same members serve", () => {
  const services = { A: { urls: ["wss://a.example"] }, B: { urls: ["wss://b.example"] } }
  const both = { services: ["A", "B"] }
  const members = { Rhine: { at: frankfurt, ...both }, Fuji: { at: tokyo, ...both }, Pampa: { at: saoPaulo, ...both } }
  const down = (member: string, host: string) => decide(member, { checkType: "domain", check: "ssl", domain: host })

  it("are told apart by what is down of one of them", () => {
    const served = serve({ members, services, official: [down("Rhine", "a.example"), decide("Pampa")] })
    for (const [name, first] of [["a.example", "Fuji"], ["b.example", "Rhine"]] as const) {
      assert.deepStrictEqual(served.choose(name, false, berlin)!.members, [first])
      assert.deepStrictEqual(served.choose(name, true, berlin)!.members, ["Rhine"])
      const explanation = served.explain(name, false, berlin)!
      assert.strictEqual(explanation.name, name)
      assert.lengthOf(explanation.candidates.find(({ member }) => member === "Pampa")!.exclusions, 1)
    }
  })

  it("follow what goes down and comes back, also within a millisecond", () => {
    const { advance, begin } = serveSteps({ members, services })
    const first = (tables: SteeringTables) =>
      ["a.example", "b.example"].map((name) => tables.choose(name, false, berlin)!.members[0])
    assert.deepStrictEqual(first(begin([])), ["Rhine", "Rhine"])
    assert.notInclude(first(advance([decide("Rhine")])), "Rhine")
    assert.deepStrictEqual(first(advance([])), ["Rhine", "Rhine"])
  })

  it("let the held ones go when their time has come", () => {
    const official = [decide("Pampa", {}, 1_000), decide("Rhine", {}, 2_000)]
    const { begin, later } = serveSteps({ members, services, now: 3_000 })
    const before = begin(official)
    const after = later("b.example", 61_000)
    const first = (tables: SteeringTables) => tables.choose("b.example", false, berlin)!.members
    assert.deepStrictEqual(first(after), ["Fuji"])
    assert.deepStrictEqual(first(before), ["Rhine"], "tables that are in use never change")
  })

  it("have each the members that were healthy last for it alone", () => {
    const lastHealthy = new LastHealthy()
    serve({ members, services, lastHealthy, official: [down("Rhine", "a.example"), down("Fuji", "b.example")] })
    const official = Object.keys(members).map((member) => decide(member))
    const served = serve({ members, services, lastHealthy, official, settings: { RecordsPerAnswer: 3 } })
    assert.sameMembers([...served.choose("a.example", false, berlin)!.members], ["Fuji", "Pampa"])
    assert.sameMembers([...served.choose("b.example", false, berlin)!.members], ["Rhine", "Pampa"])
  })
})

describe("order", () => {
  it("is by distance", () => {
    assert.deepStrictEqual(answer({ members: three, settings: { RecordsPerAnswer: 3 } }, osaka), [
      "Fuji",
      "Rhine",
      "Pampa"
    ])
    const explanation = serve({ members: three }).explain(rpc, false, osaka)!
    assert.strictEqual(explanation.rule, "nearest")
    assert.strictEqual(explanation.because, "Fuji is the nearest of 3, 392 km away")
    assert.deepStrictEqual(explanation.candidates.map(({ distance }) => Math.round(distance!)), [392, 9237, 18759])
  })

  it("sees across the antimeridian and the poles", () => {
    const members = {
      West: { at: [0, 178] },
      East: { at: [0, -179] },
      North: { at: [89, 90] },
      Other: { at: [80, -90] }
    } as const
    assert.deepStrictEqual(answer({ members }, client([0, 179.9])), ["East"])
    assert.deepStrictEqual(answer({ members }, client([0, 178.1])), ["West"])
    assert.deepStrictEqual(answer({ members }, client([89, -90])), ["North"])
  })

  it("spreads near-ties by the scope, and only those", () => {
    const members = { A: { at: [50, 8] }, B: { at: [50.2, 8.1] }, C: { at: [48, 2] } } as const
    const served = serve({ members })
    const counts: Record<string, number> = {}
    for (let i = 0; i < 1000; i++) {
      const member = served.choose(rpc, false, client([51, 9], `10.${i >> 8}.${i & 255}.0/24`))!.members[0]!
      counts[member] = (counts[member] ?? 0) + 1
    }
    assert.sameMembers(Object.keys(counts), ["A", "B"])
    assert.isAbove(Math.min(...Object.values(counts)), 430)
    assert.strictEqual(served.explain(rpc, false, client([51, 9]))!.rule, "near-tie")
  })

  it("has near-ties by share of the distance or by kilometres, whichever reaches further", () => {
    const members = { Near: { at: [0, 0] }, Far: { at: [0, 0.9] } } as const
    const rule = (at: readonly [number, number], settings: WorldOptions["settings"] = {}) =>
      serve({ members, settings }).explain(rpc, false, client(at))!.rule
    assert.strictEqual(rule([0, -1]), "nearest")
    assert.strictEqual(rule([0, -1], { NearTieKm: 101 }), "near-tie")
    assert.strictEqual(rule([0, -17]), "nearest")
    assert.strictEqual(rule([0, -19]), "near-tie")
    assert.strictEqual(rule([0, -1], { NearTieKm: 0, NearTiePercent: 0 }), "nearest")
  })

  it("takes members in one place as near-ties whatever the settings", () => {
    const members = { A: { at: tokyo }, B: { at: tokyo } }
    const explanation = serve({ members, settings: { NearTieKm: 0, NearTiePercent: 0 } }).explain(rpc, false, osaka)!
    assert.strictEqual(explanation.rule, "near-tie")
  })

  it("finds each of very many members in one place", () => {
    const members = Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`M${i}`, { at: tokyo }]))
    const served = serve({ members })
    const answered = new Set(
      Array.from({ length: 10_000 }, (_, i) => served.choose(rpc, false, client([35, 139], `s${i}`))!.members[0])
    )
    assert.strictEqual(answered.size, 501)
  })

  it("does not take an unknown place for the Gulf of Guinea", () => {
    const members = { Guinea: { at: [0.1, 0.1] }, Rhine: { at: frankfurt }, Fuji: { at: tokyo } } as const
    for (const who of [somewhere, client([Number.NaN, 0]), client([0, Infinity]), client([91, 0])]) {
      const served = serve({ members })
      const explanation = served.explain(rpc, false, who)!
      assert.strictEqual(explanation.rule, "unknown-place")
      assert.isTrue(explanation.candidates.every(({ distance }) => distance === undefined))
      const answers = Array.from(
        { length: 200 },
        (_, i) => served.choose(rpc, false, { ...who, scope: `198.51.${i}.0/24` })!.members[0]!
      )
      assert.sameMembers([...new Set(answers)], ["Guinea", "Rhine", "Fuji"])
    }
  })

  it("follows weights, by key or name", () => {
    const members = { A: { name: "Alpha" }, B: {}, C: {} }
    const count = (settings: NonNullable<WorldOptions["settings"]>) => {
      const served = serve({ members, settings })
      return Array.from({ length: 4000 }, (_, i) => served.choose(rpc, false, client(undefined, `s${i}`))!.members[0])
        .filter((member) => member === "Alpha").length
    }
    assert.approximately(count({}), 1333, 150)
    assert.approximately(count({ Weights: { A: 2 } }), 2000, 150)
    assert.approximately(count({ Weights: { alpha: 0.5, Nobody: 9 } }), 800, 150)
    assert.strictEqual(count({ Weights: { A: 3, B: 3, C: 3 } }), count({}))
  })

  it("gives as many records as wanted and there are, each address once", () => {
    const members = { ...three, Twin: { at: frankfurt, ipv4: "192.0.2.1" } }
    const choice = serve({ members, settings: { RecordsPerAnswer: 10 } }).choose(rpc, false, berlin)!
    assert.lengthOf(choice.addresses, 3)
    assert.lengthOf(choice.members, 3)
    assert.sameMembers([...choice.addresses], ["192.0.2.0", "192.0.2.1", "192.0.2.2"])
    assert.lengthOf(answer({ members, settings: { RecordsPerAnswer: 2 } })!, 2)
  })

  it("has the TTL of the settings", () => {
    assert.strictEqual(serve({ members: three }).choose(rpc, false, berlin)!.ttl, 30)
    assert.strictEqual(serve({ members: three, settings: { Ttl: 5.9 } }).choose(rpc, false, berlin)!.ttl, 5)
    assert.strictEqual(serve({ members: three, settings: { Ttl: 1e15 } }).choose(rpc, false, berlin)!.ttl, 2147483647)
  })
})

describe("when all are down", () => {
  const official = Object.keys(three).map((member) => decide(member))
  const lastHealthy = Result.getOrThrow(
    LastHealthy.decode(JSON.stringify({ version: 1, names: { [rpc]: { ipv4: ["Fuji", "Pampa", "Left"], ipv6: [] } } }))
  )
  const explain = (options: Omit<WorldOptions, "members">, members: WorldOptions["members"] = three, ipv6 = false) =>
    serve({ members, official, ...options }).explain(rpc, ipv6, berlin)!

  it("says so of one as of one", () => {
    assert.include(explain({}, { Fuji: three.Fuji }).because, "the one candidate is down")
  })

  it("answers with those that were healthy last, the nearest first", () => {
    const { because, candidates, choice, rule } = explain({ lastHealthy, settings: { RecordsPerAnswer: 5 } })
    assert.strictEqual(rule, "last-good")
    assert.include(because, "all 3 candidates are down")
    assert.deepStrictEqual(choice.members, ["Fuji", "Pampa"])
    assert.deepStrictEqual(candidates.map(({ chosen, member }) => [member, chosen]), [
      ["Fuji", true],
      ["Pampa", true],
      ["Rhine", false]
    ])
    assert.isTrue(candidates.every(({ exclusions }) => exclusions[0]?._tag === "Down"))
  })

  it("leaves out of these who was removed or overridden since", () => {
    const members = { ...three, Fuji: { at: tokyo, override: true } }
    assert.deepStrictEqual(explain({ lastHealthy }, members).choice.members, ["Pampa"])
    const nobody = { ...members, Pampa: { at: saoPaulo, active: false } }
    const { choice, rule } = explain({ lastHealthy }, nobody)
    assert.strictEqual(rule, "all")
    assert.deepStrictEqual(choice.members, ["Rhine"])
  })

  it("answers with all when nobody is known to have been healthy", () => {
    const { because, choice, rule } = explain({ settings: { RecordsPerAnswer: 5 } })
    assert.strictEqual(rule, "all")
    assert.include(because, "none is known")
    assert.lengthOf(choice.members, 3)
  })

  it("answers as the policy says", () => {
    assert.strictEqual(explain({ lastHealthy, settings: { AllDown: "all" } }).rule, "all")
    const empty = explain({ lastHealthy, settings: { AllDown: "empty" } })
    assert.deepStrictEqual([empty.rule, empty.choice.addresses], ["empty", []])
    const fallback = explain({ lastHealthy, settings: { AllDown: "fallback", Fallback: "203.0.113.99" } })
    assert.deepStrictEqual(
      [fallback.rule, fallback.choice],
      ["fallback", { addresses: ["203.0.113.99"], members: ["(none)"], ttl: 30 }]
    )
  })

  it("gives no fallback of the other family, and none that is no address", () => {
    const both = [...official, ...Object.keys(three).map((member) => decide(member, { ipv6: true }))]
    const settings = { AllDown: "fallback", Fallback: "203.0.113.99" } as const
    assert.strictEqual(explain({ official: both, settings }, three, true).rule, "all")
    assert.strictEqual(explain({ lastHealthy, settings: { AllDown: "fallback", Fallback: "x" } }).rule, "last-good")
  })

  it("remembers who was healthy last, per name and family", () => {
    const lastHealthy = new LastHealthy()
    const note = (official: ReadonlyArray<Official>) => serve({ members: three, official, lastHealthy })
    note([])
    note([decide("Rhine"), decide("Fuji")])
    const { choice, rule } = explain({ lastHealthy, settings: { RecordsPerAnswer: 5 } })
    assert.deepStrictEqual([rule, choice.members], ["last-good", ["Pampa"]])
    assert.strictEqual(lastHealthy.get(rpc, true).size, 3)
  })
})

const inventory = (options: WorldOptions) => atOnce(serve(options).inventory())

/** How often work gives way, and what comes of it. */
const turns = <A>(slices: Slices<A>) => {
  for (let turns = 0;; turns++) {
    const step = slices.next()
    if (step.done === true) return { turns, value: step.value }
  }
}

describe("the removal cap", () => {
  const six = Object.fromEntries(["A", "B", "C", "D", "E", "F"].map((key) => [key, {}]))
  const official = [
    decide("D", {}, 1_000),
    decide("B", {}, 2_000),
    decide("C", {}, 2_000),
    decide("A", {}, 2_500)
  ]
  const explain = (now: number, members: WorldOptions["members"] = six) =>
    serve({ members, official, now, settings: { RecordsPerAnswer: 9 } }).explain(rpc, false, somewhere)!

  it("takes out the oldest decisions first, and holds and flags the others", () => {
    const { because, candidates, choice } = explain(3_000)
    assert.sameMembers([...choice.members], ["A", "C", "E", "F"])
    assert.deepStrictEqual(
      candidates.filter(({ heldUntil }) => heldUntil !== undefined).map(({ heldUntil, member }) => [member, heldUntil])
        .sort(),
      [["A", 62_000], ["C", 61_000]]
    )
    assert.deepStrictEqual(candidates.find(({ member }) => member === "C")!.exclusions[0]!._tag, "Down")
    assert.include(because, "2 held although down, as no more than 2 of 6 may go within 60 s")
  })

  it("lets the held ones go when their time has come", () => {
    assert.sameMembers([...explain(61_000).choice.members], ["A", "E", "F"])
    assert.sameMembers([...explain(62_000).choice.members], ["E", "F"])
    assert.notInclude(explain(62_000).because, "held")
  })

  it("lets one go at once in the smallest networks", () => {
    const two = { A: {}, B: {} }
    assert.deepStrictEqual(explain(2_600, two).choice.members, ["A"])
    assert.deepStrictEqual(
      serve({ members: { B: {} }, official, now: 2_600 }).explain(rpc, false, somewhere)!.rule,
      "all"
    )
  })

  it("takes the share of the settings", () => {
    const gone = (MaxRemovedShare: number) =>
      serve({ members: six, official, now: 3_000, settings: { RecordsPerAnswer: 9, MaxRemovedShare } })
        .explain(rpc, false, somewhere)!
    assert.sameMembers([...gone(0.5).choice.members], ["A", "E", "F"])
    assert.include(gone(0.5).because, "1 held although down, as no more than 3 of 6 may go within 60 s")
    assert.sameMembers([...gone(0).choice.members], ["A", "B", "C", "E", "F"])
    assert.sameMembers([...gone(1).choice.members], ["E", "F"])
  })

  it("lowers the TTL to the floor as long as members are held, and does not raise it", () => {
    const ttl = (now: number, settings: WorldOptions["settings"] = {}, ipv6 = false) =>
      serve({ members: six, official, now, settings }).choose(rpc, ipv6, somewhere)!.ttl
    assert.strictEqual(ttl(3_000), 5)
    assert.strictEqual(ttl(3_000, { RecordsPerAnswer: 3 }), 5)
    assert.strictEqual(ttl(3_000, { TtlFloor: 7.5 }), 7)
    assert.strictEqual(ttl(3_000, { Ttl: 3 }), 3)
    assert.strictEqual(ttl(3_000, {}, true), 30, "nobody is down for IPv6")
    assert.strictEqual(ttl(62_000), 30)
  })

  it("says when the next goes, however many are held", () => {
    const services = Object.fromEntries(
      Array.from({ length: 100 }, (_, i) => [`S${i}`, { urls: [`wss://s${i}.example`] }])
    )
    const members = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [`M${i}`, { services: Object.keys(services) }])
    )
    const official = Object.keys(members).slice(1).map((key, i) => decide(key, {}, 1_000 + i))
    const many = inventory({ members, services, official, now: 2_000 })
    assert.isAbove(many.heldMembers, 30_000)
    assert.strictEqual(many.held.length, 100)
    assert.strictEqual(many.nextRelease, 61_000)
  })

  it("says when the next goes", () => {
    assert.deepStrictEqual(inventory({ members: six, official, now: 3_000 }), {
      held: [rpc],
      heldMembers: 2,
      nextRelease: 61_000,
      allDown: 0,
      notices: {
        held:
          "down, and kept in answers for now, as too many members would go at once (GeoDNS.Steering.MaxRemovedShare): " +
          `A until 00:01:02 UTC at ${rpc}; C until 00:01:01 UTC at ${rpc}. geodns override add takes one out at once.`,
        allDown: undefined
      }
    })
    assert.deepStrictEqual(inventory({ members: six, official, now: 62_000 }), {
      held: [],
      heldMembers: 0,
      nextRelease: Infinity,
      allDown: 0,
      notices: { held: undefined, allDown: undefined }
    })
    const both = [...Object.keys(six)].map((member) => decide(member, {}, 0))
    const none = inventory({ members: six, official: both })
    assert.strictEqual(none.allDown, 1)
    assert.include(none.notices.allDown, `(GeoDNS.Steering.AllDown): ${rpc} (IPv4): all answer: A, `)
  })

  it("holds no longer than it must when decisions are of a clock that is ahead", () => {
    const early = [decide("A", {}, 30_000), decide("B", {}, 31_000), decide("C", {}, 32_000)]
    const { begin, later } = serveSteps({ members: six, now: 5_000 })
    const heldUntil = (tables: SteeringTables) =>
      tables.explain(rpc, false, somewhere)!.candidates.find(({ member }) => member === "C")!.heldUntil
    assert.strictEqual(heldUntil(begin(early)), 65_000)
    // Another build, for whatever reason, changes nothing of that.
    assert.strictEqual(heldUntil(later(rpc, 25_000)), 65_000)
    assert.isUndefined(heldUntil(later(rpc, 65_000)))
  })
})

describe("work on many", () => {
  const keys = Array.from({ length: 300 }, (_, i) => `S${i}`)
  const services = Object.fromEntries(keys.map((key) => [key, { urls: [`wss://${key.toLowerCase()}.example`] }]))
  const members = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`M${i}`, { services: keys }]))
  const served = makeServed({ members, services })

  it("looks at a member once for all targets of its site, and gives way", () => {
    const names = Array.from({ length: 40 }, (_, i) => decide("M7", { check: `check ${i}`, ipv6: i % 2 === 0 }).target)
    assert.strictEqual(turns(served.affectedBy(names)).turns, 0)
    const all = Object.keys(members).map((member) => decide(member).target)
    const { turns: taken, value } = turns(served.affectedBy(all))
    assert.isAtLeast(taken, 3)
    assert.strictEqual(value.size, 300)
  })
})
