import * as Predicate from "effect/Predicate"

/** Parts of the local document that a role can do without. What belongs to none of them is needed by every role. */
export type LocalPart =
  | "Nats"
  | "Mysql"
  | "Matrix"
  | "Alerts"
  | "DnsApi"
  | "CollatorApi"
  | "MonitorApi"
  | "MgmtApi"
  | "Maxmind"

const partOf = (path: ReadonlyArray<string | number>): LocalPart | undefined => {
  const [section, key] = path
  switch (section) {
    case "Nats":
      // The name of the node is needed without a broker, too.
      return key === "NodeID" ? undefined : "Nats"
    case "Maxmind":
      return key === "MaxmindDBPath" ? undefined : "Maxmind"
    case "Mysql":
    case "Matrix":
    case "DnsApi":
    case "CollatorApi":
    case "MonitorApi":
    case "MgmtApi":
      return section
    case "GeoDNS":
      if (key === "Nats" || key === "Alerts") return key
      return key === "Store" && path[2] === "Tls" ? "Mysql" : undefined
    default:
      return undefined
  }
}

/** The key without which a part is not in use. */
const switchedOnBy: { readonly [K in LocalPart]?: readonly [string, string] } = {
  Nats: ["Nats", "Url"],
  Mysql: ["Mysql", "Host"],
  Matrix: ["Matrix", "HomeServerURL"],
  DnsApi: ["DnsApi", "ListenPort"],
  CollatorApi: ["CollatorApi", "ListenPort"],
  MonitorApi: ["MonitorApi", "ListenPort"],
  MgmtApi: ["MgmtApi", "ListenPort"]
}

/** Whether a path is one of the keys that open an API: without its value, nobody comes in by it. */
export const isAuthKey = (path: ReadonlyArray<string | number>): boolean => path.length === 3 && path[1] === "AuthKeys"

/**
 * Whether a node cannot do without the value at a path of its local document. `uses` are the parts that its role makes
 * use of; a part that the document does not switch on (`Mysql.Host` is `""`) is not in use.
 */
export const isNeeded = (
  path: ReadonlyArray<string | number>,
  raw: unknown,
  uses: ReadonlyArray<LocalPart>
): boolean => {
  const part = partOf(path)
  if (part === undefined) return true
  if (isAuthKey(path) || !uses.includes(part)) return false
  const on = switchedOnBy[part]
  if (on === undefined) return true
  const section = Predicate.hasProperty(raw, on[0]) ? raw[on[0]] : undefined
  const value = Predicate.hasProperty(section, on[1]) ? section[on[1]] : undefined
  const driver = part === "Mysql" ? storeDriverOf(raw) : undefined
  return value !== undefined && value !== "" && (driver === undefined || driver === "mysql")
}

const storeDriverOf = (raw: unknown): unknown => {
  const ours = Predicate.hasProperty(raw, "GeoDNS") ? raw.GeoDNS : undefined
  const store = Predicate.hasProperty(ours, "Store") ? ours.Store : undefined
  return Predicate.hasProperty(store, "Driver") ? store.Driver : undefined
}
