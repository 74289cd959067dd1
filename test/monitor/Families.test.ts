import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { canReach, Families, reachOf } from "../../src/monitor/Families.ts"

const interfaces = (...addresses: ReadonlyArray<string>) => ({
  lo: [{ address: "127.0.0.1" }],
  eth0: addresses.map((address) => ({ address }))
})

describe("reachOf", () => {
  it("needs an address that is more than loopback and link-local", () => {
    assert.deepStrictEqual(reachOf({}), { ipv4: "none", ipv6: "none" })
    assert.deepStrictEqual(reachOf(interfaces()), { ipv4: "loopback", ipv6: "none" })
    assert.deepStrictEqual(reachOf(interfaces("::1")), { ipv4: "loopback", ipv6: "loopback" })
    assert.deepStrictEqual(reachOf(interfaces("fe80::1", "169.254.1.1")), { ipv4: "loopback", ipv6: "none" })
    assert.deepStrictEqual(reachOf(interfaces("192.168.1.2", "2001:db8::2")), { ipv4: "all", ipv6: "all" })
    assert.deepStrictEqual(reachOf(interfaces("fd00::2")), { ipv4: "loopback", ipv6: "all" })
    assert.deepStrictEqual(reachOf({ eth0: undefined }), { ipv4: "none", ipv6: "none" })
  })
})

describe("canReach", () => {
  it("loopback reaches loopback members alone", () => {
    const reach = { ipv4: "loopback", ipv6: "loopback" } as const
    assert.isTrue(canReach(reach, "127.0.1.5"))
    assert.isTrue(canReach(reach, "::1"))
    assert.isFalse(canReach(reach, "192.0.2.1"))
    assert.isFalse(canReach(reach, "2001:db8::1"))
    assert.isFalse(canReach({ ipv4: "all", ipv6: "none" }, "::1"))
    assert.isTrue(canReach({ ipv4: "all", ipv6: "none" }, "192.0.2.1"))
  })
})

describe("Families", () => {
  it.effect("tests this machine, which has IPv4 at least on loopback", () =>
    Effect.gen(function*() {
      const { reach } = yield* Families
      assert.isTrue(canReach(yield* reach, "127.0.0.1"))
    }).pipe(Effect.provide(Families.layer)))

  it.effect("is what a test says", () =>
    Effect.gen(function*() {
      const { reach } = yield* Families
      assert.deepStrictEqual(yield* reach, { ipv4: "all", ipv6: "none" })
    }).pipe(Effect.provide(Families.layerOf({ ipv4: "all", ipv6: "none" }))))
})
