import { assert, describe, it } from "@effect/vitest"
import { nextVersion, zoneFingerprint } from "../../src/dns/zoneSerial.ts"
import { sampleRecords, sampleServed } from "./samples.ts"

const sources = { records: sampleRecords, zones: {}, served: sampleServed }
const print = zoneFingerprint(sources)
const now = 1_790_000_000_500

describe("the SOA serial", () => {
  it("begins at the seconds of the clock", () => {
    assert.deepStrictEqual(nextVersion(undefined, print, now), { serial: 1_790_000_000, fingerprint: print })
  })

  it("stays while the data stay, however much time goes by", () => {
    const first = nextVersion(undefined, print, now)
    assert.strictEqual(nextVersion(first, print, now + 3_600_000), first)
  })

  it("rises when data change, within a second and with a clock that went back", () => {
    const first = nextVersion(undefined, print, now)
    assert.strictEqual(nextVersion(first, "other", now).serial, first.serial + 1)
    assert.strictEqual(nextVersion(first, "other", now - 86_400_000).serial, first.serial + 1)
    assert.strictEqual(nextVersion(first, "other", now + 10_000).serial, first.serial + 10)
  })

  it("depends on everything that is served, and not on its order, nor on dots and case of names", () => {
    assert.strictEqual(zoneFingerprint({ ...sources, records: sampleRecords.toReversed() }), print)
    assert.strictEqual(zoneFingerprint({ ...sources, served: sampleServed.toReversed() }), print)
    const [first, ...rest] = sampleRecords
    const renamed = { ...first!, qname: "demo.example" }
    assert.strictEqual(zoneFingerprint({ ...sources, records: [renamed, ...rest] }), print)
    const zone = { mname: "", rname: "", refresh: 1, retry: 1, expire: 1, minimum: 1 }
    const others = [
      { ...sources, records: rest },
      { ...sources, records: [{ ...first!, ttl: 1 }, ...rest] },
      { ...sources, records: [{ ...first!, content: "ns9.demo.example" }, ...rest] },
      { ...sources, served: sampleServed.slice(1) },
      { ...sources, zones: { "demo.example": zone } },
      { ...sources, zones: { "demo.example": { ...zone, minimum: 2 } } }
    ]
    assert.strictEqual(new Set([print, ...others.map(zoneFingerprint)]).size, others.length + 1)
  })
})
