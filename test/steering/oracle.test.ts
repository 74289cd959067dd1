import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { client, rpc, serve } from "./world.ts"

type At = readonly [latitude: number, longitude: number]

const part = (max: number): fc.Arbitrary<number> => fc.integer({ min: -1e6, max: 1e6 }).map((n) => n / 1e6 * max)

/** Anywhere on the globe, evenly, and often enough at the poles, the antimeridian and the Gulf of Guinea. */
const place: fc.Arbitrary<At> = fc.noBias(fc.oneof(
  {
    weight: 14,
    arbitrary: fc.tuple(part(1), part(180)).map(([z, longitude]): At => [Math.asin(z) * 180 / Math.PI, longitude])
  },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(-90, -89, 89, 90), part(180)) },
  { weight: 2, arbitrary: fc.tuple(part(90), fc.constantFrom(-180, -179.5, 179.5, 180)) },
  { weight: 1, arbitrary: fc.constantFrom<At>([0, 0], [0, 180], [0, -180], [90, 0], [-90, 0]) }
))

const radians = (degrees: number): number => degrees / 180 * Math.PI

/** The haversine formula as textbooks have it, R = 6371 km. */
const haversine = ([lat1, lon1]: At, [lat2, lon2]: At): number => {
  const a = Math.sin((radians(lat2) - radians(lat1)) / 2) ** 2 +
    Math.cos(radians(lat1)) * Math.cos(radians(lat2)) * Math.sin((radians(lon2) - radians(lon1)) / 2) ** 2
  return 2 * 6371 * Math.atan2(Math.sqrt(a), Math.sqrt(Math.max(0, 1 - a)))
}

/** Nothing is decided by less: both sides round, in kilometres. */
const rounding = 0.01

describe("the steering of 10,000 clients", () => {
  const worlds = fc.sample(fc.noBias(fc.array(place, { minLength: 2, maxLength: 40, size: "max" })), {
    numRuns: 20,
    seed: 7
  })
  const clients = fc.sample(place, { numRuns: 10_000, seed: 8 })

  it("is what trying all members gives, wherever there are no near-ties", () => {
    let checked = 0
    let decided = 0
    let acrossDateLine = 0
    for (const [w, places] of worlds.entries()) {
      const members = Object.fromEntries(places.map((at, i) => [`M${i}`, { at }]))
      const one = serve({ members })
      const all = serve({ members, settings: { RecordsPerAnswer: places.length } })
      for (const at of clients.slice(w * 500, (w + 1) * 500)) {
        checked++
        const who = client(at, `10.${w}.0.0/24`)
        const byDistance = places.map((place, i) => ({ member: `M${i}`, km: haversine(at, place) }))
          .sort((a, b) => a.km - b.km)
        const least = byDistance[0]!.km
        const limit = Math.max(least + 50, least * 1.05)
        const km = new Map(byDistance.map(({ km, member }) => [member, km]))
        const sure = byDistance.filter(({ km }) => km <= limit - rounding).map(({ member }) => member)
        const possible = byDistance.filter(({ km }) => km <= limit + rounding).map(({ member }) => member)

        const [first] = one.choose(rpc, false, who)!.members
        assert.include(possible, first)
        if (possible.length === 1) {
          decided++
          assert.strictEqual(first, byDistance[0]!.member)
          const [, longitude] = places[Number(first!.slice(1))]!
          if (Math.abs(longitude - at[1]) > 180) acrossDateLine++
        }
        // The near-ties come first, and all others after them, the nearer before the farther.
        const order = all.choose(rpc, false, who)!.members
        if (sure.length === possible.length) assert.sameMembers([...order.slice(0, sure.length)], sure)
        const far = order.slice(possible.length).map((member) => km.get(member)!)
        far.forEach((km, i) => assert.isAtLeast(km + rounding, far[i - 1] ?? limit))
      }
    }
    assert.strictEqual(checked, 10_000)
    assert.isAbove(decided, 6_000, "of most clients the nearest member is beyond doubt")
    assert.isAbove(acrossDateLine, 200, "the nearest member of many is across the antimeridian")
  })
})
