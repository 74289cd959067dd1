import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { CertificateAnswer } from "../../domain/wire/Certificates.ts"
import { Certificate } from "../../domain/wire/Seal.ts"

/** The longest page, in characters: short enough to be written and read without holding up anything else for long. */
export const maxPageLength: number = 128 * 1024

const decode = Schema.decodeUnknownOption(Certificate)

/** The certificates of a message; what is none is left out. */
export const readCertificates = (told: ReadonlyArray<unknown>, most: number): ReadonlyArray<Certificate> =>
  told.slice(0, most).flatMap((one) => Option.toArray(decode(one)))

/** An answer as text: certificates from the one with the number `from` on, as many as fit, one at least. */
export const certificatePage = (
  node: string,
  certificates: ReadonlyArray<Certificate>,
  from: number,
  maxLength: number = maxPageLength
): string => {
  const texts: Array<string> = []
  let length = 0
  let next = from
  while (next < certificates.length) {
    const text = JSON.stringify(certificates[next])
    length += text.length + 1
    if (texts.length > 0 && length > maxLength) break
    texts.push(text)
    next++
  }
  const head: Omit<CertificateAnswer, "Certificates"> = {
    NodeID: node,
    From: from,
    ...next < certificates.length && { Next: next }
  }
  return `${JSON.stringify(head).slice(0, -1)},"Certificates":[${texts.join(",")}]}`
}
