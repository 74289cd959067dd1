import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Cookies, echoCookie, isCookieLength } from "../../src/dns/Cookies.ts"
import { sipHash, sipKey } from "../../src/dns/sipHash.ts"
import { readAddress } from "../../src/geo/address.ts"

const hex = (text: string): Buffer => Buffer.from(text, "hex")

/** A client at an address with cookies of secrets; options are without their code and length. */
const clientAt = (address: string, ...secrets: ReadonlyArray<string>) => {
  const words = new Uint32Array(4)
  const family = readAddress(address, words)
  const [first, ...more] = secrets.map(hex)
  const cookies = new Cookies([first!, ...more])
  return {
    check: (option: Buffer, now: number) => cookies.check(option, { start: 0, end: option.length }, family, words, now),
    renew: (option: Buffer, now: number) =>
      cookies.write(option, { start: 0, end: option.length }, family, words, now).subarray(4)
  }
}

const one = "e5e973e5a6b2a43f48e7dc849e37bfcf"
const two = "445536bcd2513298075a5d379663c962"
const three = "dd3bdf9344b678b185a6f5cb60fca715"

describe("sipHash", () => {
  it("gives the published values", () => {
    const key = sipKey(hex("000102030405060708090a0b0c0d0e0f"))
    const out = Buffer.alloc(8)
    const hash = (length: number) => {
      sipHash(key, Buffer.from(Array.from({ length }, (_, i) => i)), out)
      return out.toString("hex")
    }
    assert.deepStrictEqual([0, 4, 8, 12].map(hash), [
      "310e0edd47db6f72",
      "b7877127e09427cf",
      "6224939a79f5f593",
      "fbe50e86bc8f1e75"
    ])
  })

  it("is the same as with 64-bit numbers", () => {
    const bytes = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((all) => Buffer.from(all))
    const message = fc.nat(12).chain((words) => bytes(words * 4))
    fc.assert(fc.property(bytes(16), message, (secret, message) => {
      const out = Buffer.alloc(8)
      sipHash(sipKey(secret), message, out)
      assert.strictEqual(out.readBigUInt64LE(0), slowSipHash(secret, message))
    }))
  })
})

const mask = (1n << 64n) - 1n
const rotate = (x: bigint, bits: bigint) => (x << bits | x >> 64n - bits) & mask

/** Written as in the paper. */
const slowSipHash = (secret: Buffer, message: Buffer): bigint => {
  const [k0, k1] = [secret.readBigUInt64LE(0), secret.readBigUInt64LE(8)]
  let [v0, v1, v2, v3] = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n
  ]
  const round = () => {
    v0 = v0 + v1 & mask
    v1 = rotate(v1, 13n) ^ v0
    v0 = rotate(v0, 32n)
    v2 = v2 + v3 & mask
    v3 = rotate(v3, 16n) ^ v2
    v0 = v0 + v3 & mask
    v3 = rotate(v3, 21n) ^ v0
    v2 = v2 + v1 & mask
    v1 = rotate(v1, 17n) ^ v2
    v2 = rotate(v2, 32n)
  }
  const padded = Buffer.alloc((message.length >> 3) * 8 + 8)
  message.copy(padded)
  padded[padded.length - 1] = message.length
  for (let at = 0; at < padded.length; at += 8) {
    const m = padded.readBigUInt64LE(at)
    v3 ^= m
    round()
    round()
    v0 ^= m
  }
  v2 ^= 0xffn
  for (let i = 0; i < 4; i++) round()
  return v0 ^ v1 ^ v2 ^ v3
}

describe("Cookies", () => {
  it("are those of RFC 9018, appendix A", () => {
    const first = clientAt("198.51.100.100", one)
    const asked = hex("2464c4abcf10c957")
    assert.strictEqual(first.check(asked, 1559731985), "none")
    const given = first.renew(asked, 1559731985)
    assert.strictEqual(given.toString("hex"), "2464c4abcf10c957010000005cf79f111f8130c3eee29480")
    assert.strictEqual(first.check(given, 1559734385), "valid")
    const renewed = first.renew(given, 1559734385)
    assert.strictEqual(renewed.toString("hex"), "2464c4abcf10c957010000005cf7a871d4a564a1442aca77")
    // Somebody else's reserved bits are not ours, and are signed as they came.
    const strange = hex("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5")
    assert.strictEqual(clientAt("203.0.113.203", one).check(strange, 1559728000), "fresh")
    const six = clientAt("2001:db8:220:1:59de:d0f4:8769:82b8", two, three)
    const old = hex("22681ab97d52c298010000005cf7c57926556bd0934c72f8")
    assert.strictEqual(six.check(old, 1559741961), "valid")
    assert.strictEqual(
      six.renew(old, 1559741961).toString("hex"),
      "22681ab97d52c298010000005cf7c609a6bb79d16625507a"
    )
  })

  it("hold for an hour, five minutes ahead, and are good for half of it", () => {
    const { check, renew } = clientAt("192.0.2.1", one)
    for (const now of [1_700_000_000, 5, 0xfffffff0, 0x7ffffff0]) {
      const cookie = renew(hex("0102030405060708"), now)
      assert.strictEqual(check(cookie, now), "fresh")
      assert.strictEqual(check(cookie, now + 1799), "fresh")
      assert.strictEqual(check(cookie, now + 1800), "valid")
      assert.strictEqual(check(cookie, now + 3600), "valid")
      assert.strictEqual(check(cookie, now + 3601), "invalid")
      assert.strictEqual(check(cookie, now - 300), "fresh")
      assert.strictEqual(check(cookie, now - 301), "invalid")
    }
  })

  it("hold for the one client, its address and our secret", () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6())
    fc.assert(
      fc.property(address, address, fc.uint8Array({ minLength: 8, maxLength: 8 }), (mine, other, client) => {
        const given = clientAt(mine, one).renew(Buffer.from(client), 1_700_000_000)
        assert.strictEqual(clientAt(mine, one).check(given, 1_700_000_060), "fresh")
        const words = [new Uint32Array(4), new Uint32Array(4)] as const
        const isSame = readAddress(mine, words[0]) === readAddress(other, words[1]) && `${words[0]}` === `${words[1]}`
        assert.strictEqual(clientAt(other, one).check(given, 1_700_000_060), isSame ? "fresh" : "invalid")
        assert.strictEqual(clientAt(mine, two).check(given, 1_700_000_060), "invalid")
        for (let i = 0; i < given.length; i++) {
          const changed = Buffer.from(given)
          changed[i]! ^= 1
          assert.strictEqual(clientAt(mine, one).check(changed, 1_700_000_060), "invalid", `byte ${i}`)
        }
      }),
      { numRuns: 50 }
    )
  })

  it("of the secret before are taken, and renewed at once", () => {
    const given = clientAt("192.0.2.1", one).renew(hex("0102030405060708"), 1_700_000_000)
    assert.strictEqual(clientAt("192.0.2.1", two, one).check(given, 1_700_000_001), "valid")
  })

  it("of other lengths are other servers' and not ours", () => {
    const { check } = clientAt("192.0.2.1", one)
    for (const length of [16, 17, 23, 25, 40]) assert.strictEqual(check(Buffer.alloc(length, 1), 0x01010101), "invalid")
  })

  it("have 8 bytes, or 16 to 40", () => {
    const lengths = Array.from({ length: 60 }, (_, i) => i).filter(isCookieLength)
    assert.deepStrictEqual(lengths, [8, ...Array.from({ length: 25 }, (_, i) => 16 + i)])
  })

  it("come back as they came when they are fresh", () => {
    const cookie = Buffer.concat([Buffer.alloc(5), Buffer.alloc(24, 7), Buffer.alloc(3)])
    assert.strictEqual(echoCookie(cookie, { start: 5, end: 29 }).toString("hex"), `000a0018${"07".repeat(24)}`)
  })
})
