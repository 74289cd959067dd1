import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { type TargetKey, targetKey } from "../../src/domain/Target.ts"
import type { Official } from "../../src/status/Decision.ts"
import { DownTargets, hostOfTarget, placeOf } from "../../src/steering/DownTargets.ts"
import { byTarget, decide, decideEndpoint, rpc, sync } from "./world.ts"

const official = fc.tuple(
  fc.constantFrom("Fuji", "fuji", "Rhine"),
  fc.constantFrom("site", "domain", "A", "B"),
  fc.boolean(),
  fc.boolean()
).map(([member, what, ipv6, up]) => ({
  ...(what === "site"
    ? decide(member, { ipv6 })
    : what === "domain"
    ? decide(member, { checkType: "domain", check: "ssl", domain: rpc, ipv6 })
    : decideEndpoint(member, what, 0, ipv6)),
  up
}))

describe("DownTargets", () => {
  it("holds what is down, whatever was before, and says what that changed", () => {
    fc.assert(fc.property(fc.array(fc.array(official, { maxLength: 12 }), { maxLength: 6 }), (steps) => {
      const down = new DownTargets()
      let before: ReadonlyMap<TargetKey, Official> = new Map()
      for (const step of steps) {
        const after = byTarget(step)
        const changed = new Set(sync(down, after).map(targetKey))
        const isDown = (all: ReadonlyMap<TargetKey, Official>, key: TargetKey) =>
          all.get(key)?.up === false ? all.get(key)!.id : undefined
        for (const key of new Set([...before.keys(), ...after.keys()])) {
          assert.strictEqual(changed.has(key), isDown(before, key) !== isDown(after, key))
        }
        for (const member of ["fuji", "rhine"]) {
          for (const ipv6 of [false, true]) {
            for (const host of ["", rpc]) {
              const expected = [...after.values()].filter(({ target, up }) =>
                !up && target.member.toLowerCase() === member && target.ipv6 === ipv6 && hostOfTarget(target) === host
              )
              assert.sameDeepMembers(
                [...down.of([member], placeOf(host, ipv6))],
                expected.map((official) => ({ ...official, since: official.decidedAt }))
              )
            }
          }
        }
        for (const ipv6 of [false, true]) {
          for (const host of ["", rpc]) {
            const isAny = [...after.values()].some(({ target, up }) =>
              !up && target.ipv6 === ipv6 && hostOfTarget(target) === host
            )
            assert.strictEqual(down.anyIn(placeOf(host, ipv6)), isAny)
          }
        }
        before = after
      }
    }))
  })

  it("counts a decision from when it was heard of where its time is ahead, whatever the time is later", () => {
    const down = new DownTargets()
    const late = decide("Fuji", {}, 1_000)
    const ahead = decide("Rhine", {}, 9_000)
    const since = () =>
      [late, ahead].map(({ target }) => down.of([target.member.toLowerCase()], placeOf("", false))[0]?.since)
    for (const official of [late, ahead]) down.take(targetKey(official.target), official, 5_000)
    assert.deepStrictEqual(since(), [1_000, 5_000])
    // As a look at everything does a minute later.
    sync(down, byTarget([late, ahead]), 65_000)
    assert.deepStrictEqual(since(), [1_000, 5_000])
  })

  it("gives way while it takes many", () => {
    const many = byTarget(Array.from({ length: 3_500 }, (_, i) => decide(`M${i}`)))
    const slices = new DownTargets().takeEach(many, 0)
    for (let i = 0; i < 3; i++) assert.isFalse(slices.next().done)
    const last = slices.next()
    assert.isTrue(last.done === true && last.value.length === 3_500)
  })

  it("knows the host of an endpoint whose name was not said", () => {
    const target = { ...decideEndpoint("Fuji", "A").target, domain: "" }
    assert.strictEqual(hostOfTarget(target), rpc)
  })
})
