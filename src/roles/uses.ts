import type { LocalPart } from "../config/usedSettings.ts"

/** The parts of the local document that each role makes use of: a node does not start without the secrets in them. */
export const usedBy = {
  monitor: ["Nats", "MonitorApi", "MgmtApi"],
  dns: ["Nats", "DnsApi", "MgmtApi", "Maxmind"],
  collator: ["Nats", "Mysql", "Matrix", "Alerts", "CollatorApi", "MgmtApi"],
  agent: ["Nats"],
  standalone: ["Mysql", "Matrix", "Alerts", "Maxmind", "DnsApi", "MonitorApi", "CollatorApi", "MgmtApi"]
} satisfies Readonly<Record<string, ReadonlyArray<LocalPart>>>

/** What a local document that names a broker or a database is for: whatever its role, they have to be usable. */
export const usedByAny: ReadonlyArray<LocalPart> = ["Nats", "Mysql"]
