import type { AddressFamily } from "../geo/address.ts"
import { OptionCode } from "./protocol.ts"
import { sipHash, type SipKey, sipKey } from "./sipHash.ts"

/** Where the data of a cookie option begins and ends in a message. */
export interface CookieOption {
  readonly start: number
  readonly end: number
}

/** The bytes of a secret. */
export const cookieSecretBytes = 16

const clientBytes = 8
const serverBytes = 16
const version = 1

/** Seconds that a cookie of ours holds, how far its time may be ahead, and after how many there is a new one (RFC 9018, 4.3). */
export const cookieLifetime = 3600
const skew = 300
const renewal = 1800

/** Whether a cookie option may be that long: a client's part alone, or with a server's part (RFC 7873, 4). */
export const isCookieLength = (length: number): boolean => length === clientBytes || (length >= 16 && length <= 40)

/**
 * DNS cookies (RFC 7873) as RFC 9018 makes them: who brings one back that we gave to its address does not forge that
 * address. Servers that share a secret know each other's cookies, also those of other makes. Pure: times are given in.
 */
export class Cookies {
  readonly #keys: ReadonlyArray<SipKey>
  readonly #until: number
  readonly #message = Buffer.alloc(32)
  readonly #hash = Buffer.alloc(8)

  /**
   * Secrets of {@link cookieSecretBytes} bytes: cookies are made with the first one and taken with all of them, with the
   * others `until` a time in seconds.
   */
  constructor(secrets: readonly [Buffer, ...ReadonlyArray<Buffer>], until = Number.POSITIVE_INFINITY) {
    this.#keys = secrets.map(sipKey)
    this.#until = until
  }

  /**
   * What the client's option says about it at a time in seconds, its address as `readAddress` gives it: `valid` when it
   * has a cookie of ours, `fresh` when that is good for a while, `none` when it has no server's part.
   */
  check(
    packet: Buffer,
    { end, start }: CookieOption,
    family: AddressFamily,
    words: Uint32Array,
    now: number
  ): "none" | "invalid" | "valid" | "fresh" {
    const server = start + clientBytes
    if (end === server) return "none"
    if (end - server !== serverBytes || packet[server] !== version) return "invalid"
    const age = now - packet.readUInt32BE(server + 4) | 0
    if (age > cookieLifetime || age < -skew) return "invalid"
    const taken = now > this.#until ? 1 : this.#keys.length
    for (let i = 0; i < taken; i++) {
      this.#sign(this.#keys[i]!, packet, start, packet, server, family, words)
      if (this.#hash.compare(packet, server + 8, end) === 0) return i === 0 && age < renewal ? "fresh" : "valid"
    }
    return "invalid"
  }

  /** The option of the response: the client's part with a new server's part. */
  write(packet: Buffer, { start }: CookieOption, family: AddressFamily, words: Uint32Array, now: number): Buffer {
    const option = cookieOption(packet, start)
    const server = 4 + clientBytes
    option.writeUInt32BE(version << 24, server)
    option.writeUInt32BE(now >>> 0, server + 4)
    this.#sign(this.#keys[0]!, packet, start, option, server, family, words)
    this.#hash.copy(option, server + 8)
    return option
  }

  /** Client's part, version and time, and address, hashed (RFC 9018, 4.4). */
  #sign(
    key: SipKey,
    client: Buffer,
    clientAt: number,
    server: Buffer,
    serverAt: number,
    family: AddressFamily,
    words: Uint32Array
  ): void {
    const message = this.#message
    client.copy(message, 0, clientAt, clientAt + clientBytes)
    server.copy(message, 8, serverAt, serverAt + 8)
    const count = family === 6 ? 4 : 1
    for (let i = 0; i < count; i++) message.writeUInt32BE(words[i]!, 16 + i * 4)
    sipHash(key, message.subarray(0, 16 + count * 4), this.#hash)
  }
}

const cookieOption = (packet: Buffer, start: number): Buffer => {
  const option = Buffer.alloc(4 + clientBytes + serverBytes)
  option.writeUInt16BE(OptionCode.COOKIE, 0)
  option.writeUInt16BE(clientBytes + serverBytes, 2)
  packet.copy(option, 4, start, start + clientBytes)
  return option
}

/** The option of the response to a cookie that is good for a while yet: as it came. */
export const echoCookie = (packet: Buffer, { end, start }: CookieOption): Buffer => {
  const option = cookieOption(packet, start)
  packet.copy(option, 4, start, end)
  return option
}
