import { hostName } from "../domain/Catalog.ts"
import { nameCodec } from "./dnsPacket.ts"

/**
 * A domain name as look-ups use it: the labels of its wire form (RFC 1035, 3.1) without the root, as latin1 text in
 * which A to Z are folded; `""` is the root. Unlike dotted text it is the same for two names only when they are equal
 * (RFC 4343), whatever bytes the labels hold.
 */
export type NameKey = string & { readonly NameKey: unique symbol }

/** A domain name in all the forms that we need. */
export interface DomainName {
  /** ASCII, lower case, no trailing dot; `""` is the root. */
  readonly text: string
  readonly key: NameKey
  /** With the root label at the end. */
  readonly wire: Uint8Array
}

/** The root, as in `MX 0 .` */
export const rootName: DomainName = { text: "", key: "" as NameKey, wire: new Uint8Array(1) }

/**
 * Reads a name in any case, with or without a trailing dot. Undefined when it is none: an empty label, one of more than
 * 63 bytes, more than 255 bytes in all, or characters that would need an escape.
 */
export const domainName = (input: string): DomainName | undefined => {
  const text = hostName(input.trim())
  if (text === "" || text.length > 253 || /["\\;()@$]/.test(text)) return undefined
  if (text.split(".").some((label) => label.length === 0 || label.length > 63)) return undefined
  const wire = nameCodec.encode(text)
  return { text, key: nameKey(wire, 0, wire.length - 1), wire }
}

/** The key of the labels at `[start, end)` of a message, the root label not included. */
export const nameKey = (message: Buffer, start: number, end: number): NameKey =>
  nameKeyOf(message.toString("latin1", start, end))

/** No such byte is a letter to the DNS: as latin1 text, À to Þ would be (RFC 4343, 2.2). */
const beyondAscii = /[\x80-\xff]/

/** The key of labels that are text already: each with its length before it, one character for a byte. */
export const nameKeyOf = (labels: string): NameKey =>
  (beyondAscii.test(labels)
    ? labels.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    : labels.toLowerCase()) as NameKey

/** The name one label up. The root has none: do not ask. */
export const parentKey = (key: NameKey): NameKey => key.slice(1 + key.charCodeAt(0)) as NameKey

/** `key` with the label `*` in front: where the wildcard of a name is found (RFC 4592). */
export const wildcardKey = (key: NameKey): NameKey => `\x01*${key}` as NameKey

/** Whether the first label is `*`. */
export const isWildcard = (key: NameKey): boolean => key.startsWith("\x01*")
