/** A secret of 128 bits for {@link sipHash}, and the state that it is worked out in. */
export interface SipKey {
  readonly words: Uint32Array
  readonly state: Uint32Array
}

/** Makes a key of 16 bytes. */
export const sipKey = (secret: Buffer): SipKey => ({
  words: Uint32Array.from([0, 4, 8, 12], (at) => secret.readUInt32LE(at)),
  state: new Uint32Array(8)
})

/*
 * 64-bit numbers are two 32-bit ones, the lower one first: `bigint` would take some twenty times as long. In a
 * Uint32Array sums wrap by themselves.
 */

const add = (v: Uint32Array, a: number, b: number): void => {
  const low = v[a]! + v[b]!
  v[a] = low
  v[a + 1] = v[a + 1]! + v[b + 1]! + (low > 0xffffffff ? 1 : 0)
}

/** `v[a] = (v[a] rotated left by bits) xor v[b]` */
const turn = (v: Uint32Array, a: number, bits: number, b: number): void => {
  const low = v[a]!
  const high = v[a + 1]!
  v[a] = (low << bits | high >>> 32 - bits) ^ v[b]!
  v[a + 1] = (high << bits | low >>> 32 - bits) ^ v[b + 1]!
}

/** Rotated left by 32. */
const swap = (v: Uint32Array, a: number): void => {
  const low = v[a]!
  v[a] = v[a + 1]!
  v[a + 1] = low
}

const rounds = (v: Uint32Array, count: number): void => {
  for (let i = 0; i < count; i++) {
    add(v, 0, 2)
    turn(v, 2, 13, 0)
    swap(v, 0)
    add(v, 4, 6)
    turn(v, 6, 16, 4)
    add(v, 0, 6)
    turn(v, 6, 21, 0)
    add(v, 4, 2)
    turn(v, 2, 17, 4)
    swap(v, 4)
  }
}

const block = (v: Uint32Array, low: number, high: number): void => {
  v[6]! ^= low
  v[7]! ^= high
  rounds(v, 2)
  v[0]! ^= low
  v[1]! ^= high
}

/**
 * SipHash-2-4 (Aumasson, Bernstein 2012) of a message whose length is a multiple of four bytes: the 8 bytes of it are
 * written to `out`. What RFC 9018 makes cookies with; a keyed hash of `node:crypto` takes several times as long.
 */
export const sipHash = ({ state: v, words: k }: SipKey, message: Buffer, out: Buffer): void => {
  v[0] = k[0]! ^ 0x70736575
  v[1] = k[1]! ^ 0x736f6d65
  v[2] = k[2]! ^ 0x6e646f6d
  v[3] = k[3]! ^ 0x646f7261
  v[4] = k[0]! ^ 0x6e657261
  v[5] = k[1]! ^ 0x6c796765
  v[6] = k[2]! ^ 0x79746573
  v[7] = k[3]! ^ 0x74656462
  const { length } = message
  const last = length & -8
  for (let at = 0; at < last; at += 8) block(v, message.readUInt32LE(at), message.readUInt32LE(at + 4))
  block(v, last < length ? message.readUInt32LE(last) : 0, (length & 255) << 24)
  v[4]! ^= 0xff
  rounds(v, 4)
  out.writeUInt32LE((v[0]! ^ v[2]! ^ v[4]! ^ v[6]!) >>> 0, 0)
  out.writeUInt32LE((v[1]! ^ v[3]! ^ v[5]! ^ v[7]!) >>> 0, 4)
}
