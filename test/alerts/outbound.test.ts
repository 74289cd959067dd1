import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fc from "fast-check"
import { alertTarget } from "../../src/alerts/AlertTarget.ts"
import { exchange } from "../../src/config/exchange.ts"
import { allowedNetworks, guardedLookup, mayReach } from "../../src/config/outbound.ts"
import { type Asked, serveHttp } from "./httpServer.ts"

describe("what may be reached", () => {
  it("is the internet, and nothing of this machine, of private networks or of the cloud itself", () => {
    for (const address of ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450::1"]) {
      assert.isTrue(mayReach(address, []), address)
    }
    const inside = [
      "127.0.0.1",
      "0.0.0.0",
      "10.1.2.3",
      "172.16.0.1",
      "172.31.255.255",
      "192.168.1.1",
      "169.254.169.254",
      "168.63.129.16",
      "100.64.0.1",
      "224.0.0.1",
      "255.255.255.255",
      "::1",
      "::",
      "fe80::1",
      "fd00::1",
      "ff02::1",
      "::ffff:127.0.0.1",
      "::ffff:7f00:1",
      "::ffff:a9fe:a9fe",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
      "2001:db8::1",
      "no address",
      ""
    ]
    for (const address of inside) assert.isFalse(mayReach(address, []), address)
  })

  it("is what the operator allows, and no more", () => {
    const allowed = allowedNetworks(["10.1.0.0/16", "fd00::/8", "no network"])
    assert.lengthOf(allowed, 2)
    fc.assert(fc.property(fc.nat(255), fc.nat(255), (b, c) => {
      assert.strictEqual(mayReach(`10.${b}.${c}.1`, allowed), b === 1)
      assert.strictEqual(mayReach(`::ffff:10.${b}.${c}.1`, allowed), b === 1)
    }))
    assert.isTrue(mayReach("fd12::1", allowed))
  })

  it.live("is looked at when a name is looked up, so that no name leads inside", () =>
    Effect.gen(function*() {
      const look = (allow: ReadonlyArray<string>, all: boolean) =>
        Effect.callback<string>((resume) => {
          guardedLookup(allowedNetworks(allow))(
            "localhost",
            { all },
            (error, found) => resume(Effect.succeed(error?.message ?? JSON.stringify(found)))
          )
        })
      for (const all of [true, false]) {
        assert.match(yield* look([], all), /^localhost is .*, which is no address of the internet: add its network to/)
        assert.include(yield* look(["127.0.0.0/8"], all), "127.0.0.1")
      }
    }))

  it.live("nothing is sent to an address that is not allowed", () =>
    Effect.gen(function*() {
      const asked: Array<Asked> = []
      const { port } = yield* serveHttp((one) => {
        asked.push(one)
        return { status: 200 }
      })
      for (const host of ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1", "2130706433"]) {
        const error = yield* Effect.flip(
          exchange({ url: new URL(`http://${host}:${port}/`), method: "POST", body: "{}", allowed: [] })
        )
        assert.deepInclude({ ...error }, { isForbidden: true, wasSent: false }, host)
      }
      assert.deepStrictEqual(asked, [])
      // Who writes the address into the local document allows that one, and no other.
      for (const host of ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"]) {
        const { allowed, url } = alertTarget("c", `http://${host}:${port}/`, [])!
        assert.strictEqual((yield* exchange({ url, allowed, method: "POST" })).status, 200)
        assert.isFalse(mayReach("10.0.0.1", allowed))
      }
      assert.lengthOf(asked, 3)
    }).pipe(Effect.scoped))

  it.live("who answers without end, or not at all, costs no more than the time and the bytes that it may", () =>
    Effect.gen(function*() {
      const silent = yield* serveHttp(() => undefined)
      const allowed = allowedNetworks(["127.0.0.0/8"])
      const began = performance.now()
      const error = yield* Effect.flip(exchange({ url: new URL(silent.url), method: "POST", allowed, timeout: 200 }))
      assert.deepInclude({ ...error }, { wasSent: true, problem: "no answer within 0.2 s" })
      assert.isBelow(performance.now() - began, 2_000)
      const large = yield* serveHttp(() => ({ status: 200, body: "x".repeat(5_000_000) }))
      assert.isAtMost((yield* exchange({ url: new URL(large.url), method: "POST", allowed })).text.length, 65_536)
    }).pipe(Effect.scoped))
})
