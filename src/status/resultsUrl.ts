import { formatHost, plainHost } from "../domain/ListenAddress.ts"

/** Where a monitor's results are. */
export interface ResultsUrl {
  /** With user and password, if the configuration has them: not for people. */
  readonly url: URL
  /** `host:port`, which may be shown. */
  readonly host: string
}

/**
 * The URL of `/results` at `DnsApi.MonitorAddress`, which is a host, an address or a whole `http` or `https` URL;
 * undefined when it is none of them. `DnsApi.MonitorPort` counts unless the URL has a port.
 */
export const resultsUrl = (address: string, port: number | null): ResultsUrl | undefined => {
  const trimmed = address.trim()
  const isUrl = /^https?:\/\//i.test(trimmed)
  const hasPort = /^[^:]+:\d+$/.test(trimmed)
  const text = isUrl ? trimmed : `http://${hasPort ? trimmed : formatHost(plainHost(trimmed))}`
  if (trimmed === "" || (!isUrl && /[\s/?#@]/.test(trimmed)) || !URL.canParse(text)) return undefined
  const url = new URL(text)
  const saysPort = isUrl ? /^https?:\/\/(?:[^/@]*@)?(?:\[[^\]]*\]|[^/:]*):\d+/i.test(trimmed) : hasPort
  if (!saysPort && port !== null && port > 0) url.port = String(port)
  if (!url.pathname.endsWith("/results")) url.pathname = `${url.pathname.replace(/\/+$/, "")}/results`
  return { url, host: url.host }
}
