import { isIP } from "node:net"

/** Where to listen: an IP address and a port; 0 lets the system choose. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Reads `address:port`, an IPv6 address in brackets. Undefined when it is no such thing. */
export const readListenAddress = (text: string): ListenAddress | undefined => {
  const parts = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text.trim())
  const host = parts?.[1] ?? parts?.[2] ?? ""
  const port = Number(parts?.[3])
  return isIP(host) !== 0 && port <= 65535 ? { host, port } : undefined
}

/** A host as it stands before a port or in a URL: an IPv6 address in brackets. */
export const formatHost = (host: string): string => host.includes(":") ? `[${host}]` : host

/** A host as it is connected to: without the brackets that a URL puts around an IPv6 address. */
export const plainHost = (host: string): string => host.replace(/^\[(.*)\]$/, "$1")

/** `address:port`, an IPv6 address in brackets. */
export const formatListenAddress = ({ host, port }: ListenAddress): string => `${formatHost(host)}:${port}`
