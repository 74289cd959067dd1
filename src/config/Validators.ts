/** What a server says of a document so that it need not send it again. */
export interface Validators {
  /** The URL that the document itself came from, after redirects: elsewhere they mean nothing. */
  readonly url: string
  readonly etag: string | undefined
  readonly lastModified: string | undefined
}

/** Seconds by which `Last-Modified` must be older than the answer: within them a document can change unnoticed. */
const minimumAge = 2

/** As much of a header as is sent back; visible ASCII with spaces. */
const isPlain = (value: string): boolean => value.length <= 500 && /^[\x20-\x7e]+$/.test(value)

/** The validators of an answer. Undefined when there is none that could be trusted. */
export const validatorsOf = (
  url: string,
  headers: Readonly<Record<string, string | undefined>>
): Validators | undefined => {
  const { date, etag, "last-modified": modified } = headers
  const age = (Date.parse(date ?? "") - Date.parse(modified ?? "")) / 1000
  const found = {
    url,
    etag: etag !== undefined && isPlain(etag) ? etag : undefined,
    lastModified: modified !== undefined && isPlain(modified) && age >= minimumAge ? modified : undefined
  }
  return found.etag === undefined && found.lastModified === undefined ? undefined : found
}

/** The headers of a request to `url` by somebody who has the document with these validators. */
export const conditional = (url: string, known: Validators | undefined): Readonly<Record<string, string>> =>
  known === undefined || known.url !== url ? {} : {
    ...(known.etag === undefined ? {} : { "if-none-match": known.etag }),
    ...(known.lastModified === undefined ? {} : { "if-modified-since": known.lastModified })
  }
