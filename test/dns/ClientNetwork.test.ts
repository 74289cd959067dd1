import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { IpNetwork, NetAddress } from "effect/net"
import * as fc from "fast-check"
import { clientNetworks, isWithin, readSender } from "../../src/dns/ClientNetwork.ts"

const within = (networks: ReadonlyArray<string>, address: string): boolean => {
  const words = new Uint32Array(4)
  return isWithin(clientNetworks(networks), readSender(address, words), words)
}

describe("ClientNetwork", () => {
  it("contains the addresses that it should", () => {
    const network = fc.oneof(
      fc.tuple(fc.ipV4(), fc.nat(32)),
      fc.tuple(fc.ipV6().filter((text) => !text.startsWith("::ffff:")), fc.nat(128))
    )
    fc.assert(fc.property(network, fc.oneof(fc.ipV4(), fc.ipV6()), fc.boolean(), ([base, bits], other, isNear) => {
      const parsed = Result.getOrThrow(NetAddress.ipFromString(base))
      const network = Result.getOrThrow(IpNetwork.fromAddress(parsed, bits))
      const last = NetAddress.formatIp(IpNetwork.lastAddress(network))
      const address = isNear ? last : other
      assert.strictEqual(
        within([IpNetwork.format(network)], address),
        IpNetwork.contains(network, Result.getOrThrow(NetAddress.ipFromString(address)))
      )
    }))
  })

  it("knows IPv4 in disguise, and senders with an interface", () => {
    assert.isTrue(within(["192.0.2.0/24"], "::ffff:192.0.2.7"))
    assert.isTrue(within(["::ffff:192.0.2.0/120"], "192.0.2.7"))
    assert.isFalse(within(["::ffff:192.0.2.0/120"], "192.0.3.7"))
    assert.isTrue(within(["fe80::/10"], "fe80::1%eth0"))
    assert.isTrue(within(["10.0.0.0/8", "::/0"], "2001:db8::1"))
    assert.isFalse(within(["10.0.0.0/8", "::/0"], "192.0.2.1"))
    assert.isFalse(within([], "192.0.2.1"))
  })

  it("leaves nothing of the sender before", () => {
    const words = new Uint32Array(4).fill(7)
    for (const sender of ["", "x", "x%eth0", "1.2.3"]) {
      assert.strictEqual(readSender(sender, words), 0)
      assert.deepStrictEqual([...words], [0, 0, 0, 0], sender)
      words.fill(7)
    }
  })

  it("leaves out what is no network", () => {
    assert.deepStrictEqual(clientNetworks(["x", "192.0.2.1", "192.0.2.1/33", "::/129", "::1/", "/8"]).length, 1)
  })
})
