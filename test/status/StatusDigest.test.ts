import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { targetKey } from "../../src/domain/Target.ts"
import { isSameDigest, StatusDigest } from "../../src/status/StatusDigest.ts"
import { targetNamed } from "./fixtures.ts"

const statuses = fc.uniqueArray(fc.record({ member: fc.string(), up: fc.boolean() }), {
  selector: ({ member }) => member,
  maxLength: 30
})

type Statuses = ReadonlyArray<{ readonly member: string; readonly up: boolean }>

const digestOf = (all: Statuses) => {
  const digest = new StatusDigest()
  for (const { member, up } of all) digest.add(targetKey(targetNamed(member)), up)
  return digest.digest()
}

describe("StatusDigest", () => {
  it("is the same in any order", () => {
    fc.assert(fc.property(statuses, (all) => isSameDigest(digestOf(all), digestOf([...all].reverse()))))
  })

  it("differs when one target has another status, is missing or is another one", () => {
    fc.assert(fc.property(statuses, fc.nat(), fc.string(), (all, at, name) => {
      fc.pre(all.length > 0 && all.every(({ member }) => member !== name))
      const one = all[at % all.length]!
      const others = all.filter((other) => other !== one)
      const changed = [[...others, { ...one, up: !one.up }], others, [...others, { ...one, member: name }]]
      for (const another of changed) assert.isFalse(isSameDigest(digestOf(all), digestOf(another)))
    }))
  })

  it("tells 100,000 sets of one target apart", () => {
    const hashes = new Set(
      Array.from({ length: 50_000 }, (_, i) => [
        digestOf([{ member: `m${i}`, up: true }]).hash,
        digestOf([{ member: `m${i}`, up: false }]).hash
      ]).flat()
    )
    assert.strictEqual(hashes.size, 100_000)
  })
})
