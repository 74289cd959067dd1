import type { StaticRecord } from "../domain/documents/StaticDns.ts"
import { type DomainName, type NameKey, parentKey, wildcardKey } from "./DomainName.ts"
import type { RecordSet } from "./encodeResponse.ts"
import { RecordType } from "./protocol.ts"
import type { Soa } from "./RecordData.ts"

/** The settings of one zone, as `GeoDNS.Dns.Zones` has them; times in seconds. */
export type ZoneSettings = Omit<Soa, "serial">

/** What zone data is made of. */
export interface ZoneSources {
  readonly records: ReadonlyArray<StaticRecord>
  readonly zones: Readonly<Record<string, ZoneSettings>>
  /** The host names that services have: A and AAAA at them are steered. */
  readonly served: ReadonlyArray<string>
  /** Whether the names `explain.<served name>` exist, which say why a client is answered as it is. */
  readonly explained?: boolean
  /** The serial of every SOA record that we write. */
  readonly serial: number
}

/** A record that is left out, or a name that cannot be served, and why. */
export interface ZoneProblem {
  readonly name: string
  readonly type: string
  readonly problem: string
}

/**
 * What answers count as when they are limited, from 1 on: one number for all that have the same data. So have all names
 * under a wildcard, and those of a zone that do not exist: nobody can make up names that count apart.
 */
export interface Accounted {
  readonly account: number
}

/** What the zones say about a name and a type. */
export type Found =
  /** Not in a zone of ours. */
  | { readonly _tag: "Outside" }
  | Accounted & { readonly _tag: "Answer"; readonly set: RecordSet }
  | Alias
  /** Steering answers. `name` in the form of `hostName`; `nothing` when it has no answer. */
  | Accounted & { readonly _tag: "Steered"; readonly name: string; readonly nothing: Negative }
  /** Somebody else's servers know: `cut` is where their zone begins, `glue` the addresses of those servers. */
  | Accounted & {
    readonly _tag: "Referral"
    readonly cut: Uint8Array
    readonly servers: RecordSet
    readonly glue: ReadonlyArray<{ readonly owner: Uint8Array; readonly set: RecordSet }>
  }
  | Fetched
  /** TXT records that say why the members of a steered name are chosen; `name` in the form of `hostName`. */
  | Accounted & { readonly _tag: "Explained"; readonly name: string }
  | Negative

/** The name is another's alias; `set` is the CNAME record. */
export interface Alias extends Accounted {
  readonly _tag: "Alias"
  readonly set: RecordSet
  readonly target: DomainName
}

/** TXT records of which some are at addresses: see `AcmeChallenges`. */
export interface Fetched extends Accounted {
  readonly _tag: "Fetched"
  readonly addresses: ReadonlyArray<string>
  /** What is written beside them, which may be nothing, and the TTL of all. */
  readonly set: RecordSet
  /** When neither has anything. */
  readonly nothing: Negative
}

/** There is no such name, or no such type at it. The SOA record has the TTL of a negative answer (RFC 2308, 3). */
export interface Negative extends Accounted {
  readonly _tag: "NoName" | "NoData"
  readonly apex: Uint8Array
  readonly soa: RecordSet
}

/** Zones in memory. Looking up is a handful of hash table look-ups and makes nothing. */
export interface ZoneData {
  /** Names of the zones, sorted. */
  readonly zones: ReadonlyArray<string>
  readonly serial: number
  readonly problems: ReadonlyArray<ZoneProblem>
  /** What is served and probably not meant, as far as building shows it: see also `doubtsAbout`. */
  readonly doubts: ReadonlyArray<ZoneProblem>
  /** The addresses of ACME challenges, and a name of each. */
  readonly challenges: ReadonlyMap<string, string>
  readonly lookup: (key: NameKey, type: number) => Found
  /** The names that exist, as they are: without wildcards, aliases and delegations being followed. */
  readonly nodes: ReadonlyMap<NameKey, Readonly<ZoneNode>>
}

/** What all names of a zone have in common. */
export interface Zone {
  readonly apex: DomainName
  readonly noName: Negative
  readonly noData: Negative
  readonly soa: Found
  readonly any: Found
}

/** A name that exists, if only because there is something below it. */
export interface ZoneNode {
  readonly zone: Zone
  /** By type. */
  readonly found: Map<number, Found>
  alias: Found | undefined
  steered: Found | undefined
  /** At and below a delegation. */
  referral: Found | undefined
  isCut: boolean
  /** At a zone's own name below another zone of ours, what that says of DS records: they are above (RFC 4035, 3.1.4.1). */
  above: Found | undefined
}

const outside: Found = { _tag: "Outside" }

/** What nodes say about a name and a type (RFC 1034, 4.3.2; RFC 4592). */
export const findIn = (nodes: ReadonlyMap<NameKey, ZoneNode>, key: NameKey, type: number): Found => {
  let node = nodes.get(key)
  if (node === undefined) {
    // RFC 4592, 3.3.1: only the wildcard of the closest name that exists counts.
    let above = key
    do {
      if (above === "") return outside
      above = parentKey(above)
      node = nodes.get(above)
    } while (node === undefined)
    if (node.referral !== undefined) return node.referral
    const wildcard = nodes.get(wildcardKey(above))
    if (wildcard === undefined) return node.zone.noName
    node = wildcard
  } else if (type === RecordType.DS && node.above !== undefined) return node.above
  else if (node.referral !== undefined && !(node.isCut && type === RecordType.DS)) return node.referral
  const found = node.found.get(type)
  if (found !== undefined) return found
  if (node.steered !== undefined && (type === RecordType.A || type === RecordType.AAAA)) return node.steered
  if (type === RecordType.ANY) {
    return node.found.size > 0 || node.steered !== undefined ? node.zone.any : node.zone.noData
  }
  return node.alias ?? node.zone.noData
}
