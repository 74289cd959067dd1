import { hostName } from "../domain/Catalog.ts"
import type { KnownDocuments, Warn } from "./crossCheck.ts"
import { formatFound } from "./Problem.ts"

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
const host = new RegExp(`^(?:${label}\\.)+${label}\\.?$`, "i")
const word = "[a-z0-9!#%&'*+/=?^_`{|}~-]+"
/** A mailbox as a name (RFC 1035, 8): dots before the first one that counts are written `\.` */
const mailboxName = new RegExp(`^${word}(?:\\\\\\.${word})*\\.(?:${label}\\.)*${label}\\.?$`, "i")
const maxName = 254

/** What is odd about the names in a SOA record: both are served to everybody, and nobody complains when they lead nowhere. */
const checkSoa = (
  zone: string,
  { mname, rname }: { readonly mname: string; readonly rname: string },
  say: (key: "mname" | "rname", expected: string, found: string, hint?: string) => void
): void => {
  if (mname !== "" && (!host.test(mname) || mname.length > maxName)) {
    say(
      "mname",
      `the full name of a name server, as ns1.${zone} (letters, digits, hyphens and dots)`,
      formatFound(mname),
      mname.includes(".") ? undefined : "without a dot it is a name of its own, not one in the zone"
    )
  }
  if (rname === "") return
  const at = rname.indexOf("@")
  const name = at < 0 ? rname : `${rname.slice(0, at).replaceAll(".", "\\.")}.${rname.slice(at + 1)}`
  const isName = mailboxName.test(name) && name.length <= maxName
  if (isName && at < 0) return
  say(
    "rname",
    `a mailbox as a name, as hostmaster.${zone}`,
    formatFound(rname),
    isName ? `it is served as ${name}: write that` : undefined
  )
}

/** MINIMUM is served as at most that, in seconds: see `makeZones`. */
const maxMinimum = 60

const minimumHint =
  `it is served as ${maxMinimum}: a name that is missing or without an answer must not be remembered for longer`

/** Types of which a name has one record: what is too many is left out of the zone, and said there. */
const single: ReadonlySet<string> = new Set(["SOA", "CNAME"])

/** Static records that do not belong together: several TTLs in one set; and what is odd in SOA records. */
export const checkRecords = ({ StaticDNSConfig: records = [] }: KnownDocuments, warn: Warn): void => {
  /** Of each name and type the first record: its TTL and content, and whether another TTL was told of. */
  const sets = new Map<string, { readonly ttl: number; readonly content: string; told: boolean }>()
  for (const [i, { content, qname, qtype, ttl }] of records.entries()) {
    const type = qtype.trim().toUpperCase()
    if (type === "SOA") {
      const [mname = "", rname = "", ...numbers] = content.trim().split(/\s+/)
      if (numbers.length === 5) {
        checkSoa(
          hostName(qname),
          { mname, rname },
          (key, expected, found, hint) => warn("StaticDNSConfig", [i, "content"], `as ${key} ${expected}`, found, hint)
        )
        const minimum = numbers.at(-1)!
        if (/^\d+$/.test(minimum) && Number(minimum) > maxMinimum) {
          warn("StaticDNSConfig", [i, "content"], `as MINIMUM at most ${maxMinimum}`, minimum, minimumHint)
        }
      }
    }
    const name = hostName(qname.trim())
    const key = `${name} ${type}`
    const first = sets.get(key)
    if (first === undefined) sets.set(key, { ttl, content, told: false })
    else if (first.ttl !== ttl && !first.told && !(single.has(type) && first.content.trim() !== content.trim())) {
      first.told = true
      warn(
        "StaticDNSConfig",
        [i, "ttl"],
        `${first.ttl}, the TTL of the ${type} record of ${name} before it`,
        String(ttl),
        "records of one name and type have one TTL (RFC 2181, 5.2): the lowest is served"
      )
    }
  }
}

/** Settings of zones that are probably not meant: odd names for SOA records, keys in vain. */
export const checkZones = ({ local }: KnownDocuments, warn: Warn): void => {
  if (local === undefined) return
  const { Keys, PowerDnsHttp, PowerDnsSocket, Zones } = local.GeoDNS.Dns
  for (const [zone, settings] of Object.entries(Zones)) {
    checkSoa(
      hostName(zone),
      settings,
      (key, expected, found, hint) => warn("local", ["GeoDNS", "Dns", "Zones", zone, key], expected, found, hint)
    )
    const { minimum } = settings
    if (minimum > maxMinimum) {
      warn(
        "local",
        ["GeoDNS", "Dns", "Zones", zone, "minimum"],
        `at most ${maxMinimum}`,
        String(minimum),
        minimumHint
      )
    }
  }
  if (Object.keys(Keys).length > 0 && PowerDnsSocket === undefined) {
    warn(
      "local",
      ["GeoDNS", "Dns", "Keys"],
      "GeoDNS.Dns.PowerDnsSocket beside it, as PowerDNS gets the keys over it and signs",
      PowerDnsHttp === undefined ? "no connection to PowerDNS" : "GeoDNS.Dns.PowerDnsHttp alone",
      PowerDnsHttp === undefined
        ? "the embedded server signs nothing: set PowerDnsSocket, or take the keys out"
        : "keys are not given over HTTP, so that nothing is signed: set PowerDnsSocket, or take the keys out"
    )
  }
}
