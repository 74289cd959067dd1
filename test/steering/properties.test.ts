import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { targetKey } from "../../src/domain/Target.ts"
import type { Official } from "../../src/status/Decision.ts"
import {
  client,
  decide,
  decideEndpoint,
  type MemberOptions,
  rpc,
  serve,
  serveSteps,
  type WorldOptions
} from "./world.ts"

const serviceKeys = ["A", "B", "C", "D"]
const services = Object.fromEntries(serviceKeys.map((key) => [key, {}]))

const place = fc.tuple(
  fc.oneof(fc.constantFrom(-90, 0, 50, 90), fc.double({ min: -90, max: 90, noNaN: true })),
  fc.oneof(fc.constantFrom(-180, 0, 8, 180), fc.double({ min: -180, max: 180, noNaN: true }))
)

const member: fc.Arbitrary<MemberOptions> = fc.record({
  at: place,
  services: fc.subarray(serviceKeys, { minLength: 1 }),
  active: fc.constantFrom(true, true, true, false),
  override: fc.constantFrom(false, false, false, true)
})

const members = fc.array(member, { minLength: 1, maxLength: 12 })
  .map((list) => Object.fromEntries(list.map((options, i) => [`M${i}`, options])))

const who = fc.record({
  at: fc.option(place, { nil: undefined }),
  scope: fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `10.${a}.${b}.0/24`)
}).map(({ at, scope }) => client(at, scope))

const official: fc.Arbitrary<Official> = fc.tuple(
  fc.nat(11).map((i) => `M${i}`),
  fc.constantFrom("site", "domain", ...serviceKeys),
  fc.boolean(),
  fc.nat(200_000)
).map(([name, what, ipv6, decidedAt]) =>
  what === "site"
    ? decide(name, { ipv6 }, decidedAt)
    : what === "domain"
    ? decide(name, { checkType: "domain", check: "ssl", domain: rpc, ipv6 }, decidedAt)
    : decideEndpoint(name, what, decidedAt, ipv6)
)

/** At most one for each target. */
const officials = (maxLength: number) =>
  fc.uniqueArray(official, { maxLength, selector: ({ target }) => targetKey(target) })

const settings = fc.record({
  SharedHost: fc.constantFrom("share" as const, "any" as const),
  RecordsPerAnswer: fc.constantFrom(1, 1, 2, 5),
  Weights: fc.constantFrom({}, { M0: 3, M1: 0.2 })
})

const world: fc.Arbitrary<WorldOptions> = fc.record({
  members,
  services: fc.constant(services),
  settings,
  official: officials(20),
  now: fc.constantFrom(100_000, 1e9)
})

const policies: ReadonlyArray<string> = ["last-good", "all", "fallback", "empty"]

describe("an answer", () => {
  it("holds no member that is left out, unless all are down or it is held", () => {
    fc.assert(fc.property(world, who, fc.boolean(), (world, who, ipv6) => {
      const { candidates, choice, rule } = serve(world).explain(rpc, ipv6, who)!
      for (const candidate of candidates) {
        assert.strictEqual(candidate.chosen, choice.members.includes(candidate.member))
        if (!candidate.chosen) continue
        assert.isTrue(candidate.exclusions.every(({ _tag }) => _tag === "Down"))
        assert.isTrue(candidate.exclusions.length === 0 || candidate.heldUntil !== undefined || policies.includes(rule))
      }
    }))
  })

  it("is empty only when there are no candidates", () => {
    fc.assert(fc.property(world, who, fc.boolean(), (world, who, ipv6) => {
      const { candidates, choice } = serve(world).explain(rpc, ipv6, who)!
      const possible = candidates.filter(({ exclusions }) => exclusions.every(({ _tag }) => _tag === "Down")).length
      const free = candidates.filter(({ exclusions, heldUntil }) =>
        exclusions.length === 0 || heldUntil !== undefined
      ).length
      const wanted = world.settings!.RecordsPerAnswer!
      if (free > 0) assert.lengthOf(choice.addresses, Math.min(free, wanted))
      else assert.strictEqual(choice.addresses.length > 0, possible > 0)
    }))
  })

  it("has a member that is out by hand only when no other can answer, and is not empty for overrides", () => {
    const out = fc.array(fc.nat(11).map((i) => `M${i}`), { maxLength: 12 })
    fc.assert(fc.property(world, out, who, fc.boolean(), (world, overridden, who, ipv6) => {
      const all = serve(world).explain(rpc, ipv6, who)!
      const { candidates, choice } = serve({ ...world, overridden }).explain(rpc, ipv6, who)!
      if (all.choice.addresses.length > 0) assert.isNotEmpty(choice.addresses)
      assert.strictEqual(candidates.length, all.candidates.length)
      const isOut = ({ member }: { readonly member: string }) => overridden.includes(member)
      const good = candidates.filter((it) => !isOut(it) && (it.exclusions.length === 0 || it.heldUntil !== undefined))
      const chosen = candidates.filter(({ chosen }) => chosen)
      if (good.length > 0) assert.isTrue(chosen.every((it) => !isOut(it)))
      // Nobody who is down answers for want of those that are out by hand and healthy, unless they were good to the last.
      else if (chosen.some(isOut)) assert.isTrue(chosen.every(isOut))
      for (const it of candidates.filter(isOut)) {
        const known = all.candidates.find(({ member }) => member === it.member)!
        assert.isUndefined(it.heldUntil)
        if (known.exclusions.every(({ _tag }) => _tag === "Down")) {
          assert.isTrue(it.exclusions.some(({ _tag }) => _tag === "Overridden"))
        }
      }
    }))
  })

  it("leaves out at most a third, or one, of those that went down within a minute", () => {
    fc.assert(fc.property(world, fc.boolean(), (world, ipv6) => {
      const now = 200_000
      const { candidates } = serve({ ...world, now }).explain(rpc, ipv6, client())!
      const possible = candidates.filter(({ exclusions }) => exclusions.every(({ _tag }) => _tag === "Down"))
      const gone = possible.filter(({ exclusions, heldUntil }) => exclusions.length > 0 && heldUntil === undefined)
      const recent = gone.filter(({ exclusions }) =>
        exclusions.every((exclusion) => exclusion._tag === "Down" && exclusion.since > now - 60_000)
      )
      assert.isAtMost(recent.length, Math.max(1, Math.floor(possible.length / 3)))
    }))
  })

  it("is the same for the same scope and place, every time and on every node, in whatever order it learned things", () => {
    fc.assert(fc.property(world, who, fc.boolean(), (world, who, ipv6) => {
      const members = Object.entries(withAddresses(world.members))
      const here = serve({ ...world, members: Object.fromEntries(members) })
      const elsewhere = serve({
        ...world,
        members: Object.fromEntries(members.toReversed()),
        official: world.official!.toReversed()
      })
      const choice = here.choose(rpc, ipv6, who)
      assert.deepStrictEqual(here.choose(rpc, ipv6, who), choice)
      assert.deepStrictEqual(elsewhere.choose(rpc, ipv6, who), choice)
      const held = (served: typeof here) =>
        Object.fromEntries(
          served.explain(rpc, ipv6, who)!.candidates.map(({ heldUntil, member }) => [member, heldUntil])
        )
      assert.deepStrictEqual(held(elsewhere), held(here))
    }))
  })

  it("begins with the same member however many records it has", () => {
    fc.assert(fc.property(world, who, (world, who) => {
      const first = (RecordsPerAnswer: number) =>
        serve({ ...world, settings: { ...world.settings, RecordsPerAnswer } }).choose(rpc, false, who)!.addresses[0]
      assert.strictEqual(first(1), first(12))
    }))
  })

  it("of IPv4 does not change with outages of IPv6", () => {
    fc.assert(fc.property(world, who, (world, who) => {
      const only = (ipv6: boolean) =>
        serve({ ...world, official: world.official!.filter(({ target }) => target.ipv6 === ipv6) })
      assert.deepStrictEqual(serve(world).choose(rpc, false, who), only(false).choose(rpc, false, who))
      assert.deepStrictEqual(serve(world).choose(rpc, true, who), only(true).choose(rpc, true, who))
    }))
  })
})

describe("taking a member away", () => {
  const healthy = fc.record({ members, services: fc.constant(services), settings })
  const without = (world: WorldOptions, name: string): WorldOptions => ({
    ...world,
    members: Object.fromEntries(
      Object.entries(world.members).map((
        [key, options]
      ) => [key, key === name ? { ...options, active: false } : options])
    )
  })

  it("moves only its own clients, where it is not known where they are", () => {
    fc.assert(fc.property(healthy, fc.nat(11).map((i) => `M${i}`), (world, gone) => {
      const settings = { ...world.settings, RecordsPerAnswer: 1 }
      const [before, after] = [serve({ ...world, settings }), serve({ ...without(world, gone), settings })]
      for (let i = 0; i < 50; i++) {
        const who = client(undefined, `10.0.${i}.0/24`)
        const member = before.choose(rpc, false, who)!.members[0]
        if (member !== gone) assert.strictEqual(after.choose(rpc, false, who)!.members[0], member)
      }
    }))
  })

  it("moves only its own clients, unless it was the nearest and so decided who is as near", () => {
    fc.assert(fc.property(healthy, who, fc.nat(11).map((i) => `M${i}`), (world, who, gone) => {
      const settings = { ...world.settings, RecordsPerAnswer: 1 }
      const { candidates, choice } = serve({ ...world, settings }).explain(rpc, false, who)!
      const open = candidates.filter(({ exclusions }) => exclusions.length === 0)
      const nearest = Math.min(...open.map(({ distance }) => distance ?? 0))
      const away = open.find(({ member }) => member === gone)
      fc.pre(away === undefined || away.distance === undefined || away.distance > nearest + 1)
      fc.pre(choice.members[0] !== gone)
      assert.deepStrictEqual(serve({ ...without(world, gone), settings }).choose(rpc, false, who), choice)
    }))
  })
})

describe("building names again", () => {
  it("gives what building everything anew gives", () => {
    const steps = fc.array(officials(8), { minLength: 1, maxLength: 5 })
    fc.assert(fc.property(members, steps, who, (members, steps, who) => {
      const world: WorldOptions = {
        members,
        services: { ...services, Else: { urls: ["wss://else.example"] } },
        now: 1e9
      }
      const { advance, begin } = serveSteps(world)
      begin([])
      for (const official of steps) {
        const served = advance(official)
        const anew = serve({ ...world, official })
        for (const name of [rpc, "else.example"]) {
          for (const ipv6 of [false, true]) {
            const [stepped, fresh] = [served.explain(name, ipv6, who)!, anew.explain(name, ipv6, who)!]
            const excluded = ({ candidates }: typeof stepped) =>
              candidates.map(({ exclusions, member }) => [
                member,
                exclusions.map((exclusion) => exclusion._tag === "Down" ? exclusion.decision : exclusion._tag).sort()
              ]).sort()
            assert.deepStrictEqual(excluded(stepped), excluded(fresh))
            if (!policies.includes(fresh.rule)) assert.deepStrictEqual(stepped.choice, fresh.choice)
          }
        }
      }
    }))
  })
})

/** Members with addresses that do not depend on their place in the document. */
function withAddresses(members: WorldOptions["members"]): WorldOptions["members"] {
  return Object.fromEntries(
    Object.entries(members).map(([key, options]) => [key, {
      ...options,
      ipv4: `198.51.100.${key.slice(1)}`,
      ipv6: `2001:db8::${key.slice(1)}`
    }])
  )
}
