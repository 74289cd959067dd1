import { formatHost, plainHost } from "../domain/ListenAddress.ts"

/** One server of a list, without its secrets. */
export interface NatsAddress {
  readonly host: string
  readonly port: number
  /** `tls://`: no plain connection is made. */
  readonly tls: boolean
  readonly user: string | undefined
  readonly password: string | undefined
}

const defaultPort = 4222

const decoded = (text: string): string | undefined => {
  if (text === "") return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Reads `nats://user:password@host:port`, `tls://…`, or what is left when the scheme, the user or the port is missing. */
export const parseNatsAddress = (text: string): NatsAddress | undefined => {
  const [, scheme = "nats", rest = ""] = /^(?:([a-z]+):\/\/)?(.*)$/i.exec(text.trim()) ?? []
  const lower = scheme.toLowerCase()
  if ((lower !== "nats" && lower !== "tls") || rest === "") return undefined
  // Of the schemes that are special to URL parsing, `ftp` has the port that nobody means here.
  const url = URL.parse(`ftp://${rest}`)
  if (url === null || url.hostname === "") return undefined
  return {
    host: plainHost(url.hostname),
    port: url.port === "" ? (/:21\/?$/.test(rest) ? 21 : defaultPort) : Number(url.port),
    tls: lower === "tls",
    user: decoded(url.username),
    password: decoded(url.password)
  }
}

/** `host:port`, for people and for the client. */
export const formatNatsAddress = ({ host, port }: NatsAddress): string => `${formatHost(host)}:${port}`
