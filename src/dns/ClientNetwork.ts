import { type AddressFamily, readAddress } from "../geo/address.ts"

/** A network of clients. */
export interface ClientNetwork {
  readonly family: AddressFamily
  /** Big-endian words of its address. */
  readonly words: Uint32Array
  readonly bits: number
}

/** Networks written as `address/bits`; what is none is left out. */
export const clientNetworks = (texts: ReadonlyArray<string>): ReadonlyArray<ClientNetwork> =>
  texts.flatMap((text) => {
    const [address = "", length] = text.split("/")
    const words = new Uint32Array(4)
    const family = readAddress(address, words)
    // IPv4 in disguise is IPv4 here.
    const bits = Number(length) - (family === 4 && address.includes(":") ? 96 : 0)
    return family !== 0 && bits >= 0 && bits <= (family === 4 ? 32 : 128) ? [{ family, words, bits }] : []
  })

/** Whether an address, as `readAddress` gives it, is in one of the networks. */
export const isWithin = (
  networks: ReadonlyArray<ClientNetwork>,
  family: AddressFamily,
  words: Uint32Array
): boolean =>
  networks.some((network) => {
    if (network.family !== family) return false
    for (let i = 0, left = network.bits; left > 0; i++, left -= 32) {
      const mask = left >= 32 ? -1 : -1 << 32 - left
      if (((network.words[i]! ^ words[i]!) & mask) !== 0) return false
    }
    return true
  })

/**
 * Reads the address that a message came from, as the system writes it: link-local ones come with the name of an
 * interface, `fe80::1%eth0`. What is no address is 0, all zeros.
 */
export const readSender = (address: string, words: Uint32Array): AddressFamily => {
  const family = readAddress(address, words)
  if (family !== 0) return family
  const zone = address.indexOf("%")
  const local = zone < 0 ? 0 : readAddress(address.slice(0, zone), words)
  if (local === 0) words.fill(0)
  return local
}
