import { formatListenAddress, type ListenAddress } from "../../domain/ListenAddress.ts"
import { pdnsPath } from "./httpServer.ts"

/** How PowerDNS reaches us: the socket when there is one. */
export interface PdnsConnection {
  /** Absolute. */
  readonly socket: string | undefined
  readonly http: ListenAddress | undefined
}

/** How long PowerDNS waits for an answer, in milliseconds; a thread of it waits with it. */
const timeout = 2_000

/** The address to ask when we listen on all of them. */
const askable = ({ host, port }: ListenAddress): ListenAddress => ({
  host: host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host,
  port
})

/** `remote-connection-string`; undefined when nothing is configured, or a path that PowerDNS cannot read. */
const connectionString = ({ http, socket }: PdnsConnection): string | undefined => {
  if (socket !== undefined) return /[,\n]/.test(socket) ? undefined : `unix:path=${socket},timeout=${timeout}`
  return http === undefined
    ? undefined
    : `http:url=http://${formatListenAddress(askable(http))}${pdnsPath},post=1,post_json=1,timeout=${timeout}`
}

/** The configuration of PowerDNS (Debian's pdns-server with pdns-backend-remote); undefined when it cannot reach us. */
export const pdnsConf = (connection: PdnsConnection): string | undefined => {
  const reached = connectionString(connection)
  return reached === undefined ?
    undefined :
    `# PowerDNS answers, geodns knows what. Written by: geodns dns --print-pdns-conf
# Put it into /etc/powerdns/pdns.d/geodns.conf. No other backend beside it: two would answer for each other's names.

launch=remote
remote-connection-string=${reached}
# Delegations are marked as such, and zones with keys are signed.
remote-dnssec=yes

# Answers differ from client to client and from second to second: none is kept.
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0

# The nearest member is found by the client's subnet (RFC 7871).
edns-subnet-processing=yes

# Which zones there are is asked once a minute: a new one is refused until then.
zone-cache-refresh-interval=60

# One look-up for a question instead of two.
consistent-backends=no

# Each waits for one answer at a time.
distributor-threads=8

disable-axfr=yes
`
}
