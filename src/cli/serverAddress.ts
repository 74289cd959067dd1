import * as Option from "effect/Option"
import { isIP } from "node:net"

/** `address`, `address:port` or `[address]:port`; port 53 where none is given. */
const pattern = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/

/** The address of a DNS server as an operator writes it. */
export const readServerAddress = (
  text: string
): Option.Option<{ readonly host: string; readonly port: number }> => {
  if (isIP(text) === 6) return Option.some({ host: text, port: 53 })
  const parts = pattern.exec(text)
  const host = parts?.[1] ?? parts?.[2] ?? ""
  const port = Number(parts?.[3] ?? 53)
  return isIP(host) !== 0 && port >= 1 && port <= 65535 ? Option.some({ host, port }) : Option.none()
}
