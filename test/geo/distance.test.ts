import { assert, describe, it } from "@effect/vitest"
import fc from "fast-check"
import { arcOf, distance, dotAt, earthRadius, isLocation, unitVector } from "../../src/geo/distance.ts"

const at = (latitude: number, longitude: number) => ({ latitude, longitude })

const location = fc.record({
  latitude: fc.double({ min: -90, max: 90, noNaN: true }),
  longitude: fc.double({ min: -180, max: 180, noNaN: true })
})

const dot = (a: readonly number[], b: readonly number[]) => a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!

describe("distance", () => {
  it.each([
    ["Berlin to Switzerland", at(52.52, 13.405), at(47.1449, 8.1551), 706.0],
    ["Tokyo to Bangkok", at(35.6762, 139.6503), at(13.7563, 100.5018), 4598.9],
    ["the Gulf of Guinea to Lagos", at(0, 0), at(6.4541, 3.3947), 810.5],
    ["across the antimeridian", at(0, 179.9), at(0, -179.9), 0.2 * Math.PI / 180 * earthRadius],
    ["pole to pole", at(90, 17), at(-90, -120), Math.PI * earthRadius],
    ["a pole is one point whatever its longitude", at(90, 17), at(90, -163), 0],
    ["antipodes", at(12.5, 40), at(-12.5, -140), Math.PI * earthRadius]
  ])("%s", (_, a, b, kilometres) => {
    assert.approximately(distance(a, b), kilometres, 0.5)
    assert.approximately(distance(b, a), kilometres, 0.5)
  })

  it("makes what is no place infinitely far", () => {
    for (const bad of [at(Number.NaN, 0), at(0, Number.NaN), at(90.1, 0), at(0, -180.1), at(0, Infinity)]) {
      assert.isFalse(isLocation(bad))
      assert.strictEqual(distance(bad, at(1, 1)), Infinity)
      assert.strictEqual(distance(at(1, 1), bad), Infinity)
      assert.isUndefined(unitVector(bad))
    }
  })

  it("agrees with unit vectors", () => {
    fc.assert(fc.property(location, location, (a, b) => {
      const product = dot(unitVector(a)!, unitVector(b)!)
      // acos loses digits near its ends: 100 m there, far less elsewhere.
      assert.approximately(arcOf(product), distance(a, b), 0.2)
      assert.approximately(dotAt(distance(a, b)), product, 1e-9)
    }))
  })

  it("takes no more than half the globe", () => {
    assert.strictEqual(dotAt(1e9), -1)
    assert.strictEqual(arcOf(-1.0000001), Math.PI * earthRadius)
  })
})
