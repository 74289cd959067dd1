import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { isIP } from "node:net"
import { hostOf } from "../domain/Catalog.ts"
import { unusedSettings } from "../domain/documents/GeoDns.ts"
import { checkInterval } from "../domain/documents/Local.ts"
import { checkAlertChannels } from "./checkAlertChannels.ts"
import { checkRecords, checkZones } from "./checkZones.ts"
import type { DocumentTypes } from "./decodeDocument.ts"
import { suggestion } from "./nearest.ts"
import { type DocumentName, formatFound, formatPath, maxProblems, type Problem } from "./Problem.ts"

/** What is there to compare. A document that is not configured or has no good copy is left out. */
export type KnownDocuments = { readonly [K in DocumentName]?: DocumentTypes[K] | undefined }

/** For how many names another one is looked for: it takes a while where there are many of both. */
const maxSuggestions = 20

/** How closely documents are looked at. */
export interface CrossCheckOptions {
  /**
   * Also compares the static records with each other. That takes a tenth of a second for 100,000: it is for people who check
   * documents, not for a node that runs.
   */
  readonly records?: boolean
}

/**
 * What the documents say that is probably not meant: names that lead nowhere, addresses that are missing, settings
 * that cannot be meant. All are warnings: the rest of each document is as good as ever.
 */
export const crossCheck = (
  documents: KnownDocuments,
  { records = false }: CrossCheckOptions = {}
): ReadonlyArray<Problem> => {
  const problems: Array<Problem> = []
  const warn = (
    document: DocumentName,
    path: ReadonlyArray<PropertyKey>,
    expected: string,
    found: string,
    hint?: string
  ): void => {
    if (problems.length >= maxProblems) return
    problems.push({
      severity: "warning",
      document,
      path: formatPath(path),
      expected,
      found,
      ...(hint === undefined ? {} : { hint })
    })
  }
  const warnUnknown = (
    document: DocumentName,
    path: ReadonlyArray<PropertyKey>,
    expected: string,
    name: string,
    known: Iterable<string>
  ): void => {
    const hint = problems.length < maxSuggestions ? suggestion(name, known) : undefined
    warn(document, path, expected, formatFound(name), hint)
  }

  checkLocal(documents, warn, warnUnknown)
  checkZones(documents, warn)
  if (records) checkRecords(documents, warn)
  checkMembers(documents, warn, warnUnknown)
  checkServices(documents, warn)
  checkAlerts(documents, warnUnknown)
  checkAlertChannels(documents, warn)
  return problems
}

/** Says that something is probably not meant. `expected` reads on from "expected", `hint` is what to do. */
export type Warn = (
  document: DocumentName,
  path: ReadonlyArray<PropertyKey>,
  expected: string,
  found: string,
  hint?: string
) => void
type WarnUnknown = (
  document: DocumentName,
  path: ReadonlyArray<PropertyKey>,
  expected: string,
  name: string,
  known: Iterable<string>
) => void

const checkLocal = (
  { MembersConfig: members, local }: KnownDocuments,
  warn: Warn,
  warnUnknown: WarnUnknown
): void => {
  if (local === undefined) return
  const settings = local.GeoDNS.Checks
  const names = new Set<string>()
  for (const [i, check] of local.Checks.entries()) {
    if (names.has(check.Name)) {
      warn("local", ["Checks", i, "Name"], "a name that no other check has", formatFound(check.Name))
    }
    names.add(check.Name)
    if (!check.Enabled) continue
    const interval = checkInterval(check)
    if (check.Timeout > interval) {
      warn("local", ["Checks", i, "Timeout"], `at most the interval of the check, ${interval} s`, String(check.Timeout))
    }
  }
  for (const name of Object.keys(settings)) {
    if (!names.has(name)) warnUnknown("local", ["GeoDNS", "Checks", name], "the name of a check", name, names)
  }
  for (const path of unusedSettings) {
    const value = path.reduce<unknown>((at, key) => Predicate.hasProperty(at, key) ? at[key] : undefined, local.GeoDNS)
    if (value !== undefined) {
      warn("local", ["GeoDNS", ...path], "nothing, as this version makes no use of it", "a setting")
    }
  }
  const { AllDown, Fallback, Ttl, TtlFloor, Weights } = local.GeoDNS.Steering
  if (TtlFloor > Ttl) {
    warn(
      "local",
      ["GeoDNS", "Steering", "TtlFloor"],
      `at most GeoDNS.Steering.Ttl, ${Ttl}`,
      String(TtlFloor),
      "it has no effect: the TTL does not fall while a change is near"
    )
  }
  if (AllDown === "fallback" && isIP(Fallback) === 0) {
    warn(
      "local",
      ["GeoDNS", "Steering", "Fallback"],
      "an IP address, as AllDown is fallback",
      formatFound(Fallback),
      "without it names of which all members are down are answered as with last-good"
    )
  } else if (AllDown !== "fallback" && Fallback !== "") {
    warn(
      "local",
      ["GeoDNS", "Steering", "Fallback"],
      `nothing, as AllDown is ${AllDown}`,
      formatFound(Fallback),
      "it is answered only with AllDown fallback"
    )
  } else if (AllDown === "fallback") {
    const [field, family, type] = isIP(Fallback) === 4
      ? (["ServiceIPv6", "IPv6", "AAAA"] as const)
      : (["ServiceIPv4", "IPv4", "A"] as const)
    if (Object.values(members ?? {}).some(({ Service }) => Service.Active && Service[field] !== "")) {
      warn(
        "local",
        ["GeoDNS", "Steering", "Fallback"],
        `an address for all who ask: there are members with ${family}, too`,
        formatFound(Fallback),
        `${type} questions for names of which all members are down are answered as with last-good`
      )
    }
  }
  const { AccountID, LicenseKey } = local.Maxmind
  if ((AccountID === "") !== (Redacted.value(LicenseKey) === "")) {
    const [missing, there] = AccountID === "" ? ["AccountID", "LicenseKey"] : ["LicenseKey", "AccountID"]
    warn(
      "local",
      ["Maxmind", missing!],
      `what belongs to Maxmind.${there}`,
      "nothing",
      "with half an account no database is downloaded: give both, or none where the files come by other means"
    )
  }
  const weighted = Object.keys(Weights)
  if (members === undefined || weighted.length === 0) return
  const known = memberNames(members)
  for (const name of weighted) {
    if (!known.has(name.toLowerCase())) {
      warnUnknown("local", ["GeoDNS", "Steering", "Weights", name], "the key or name of a member", name, known.values())
    }
  }
}

const checkMembers = (
  { IaasPricingConfig: pricing, MembersConfig: members = {}, ServicesConfig: services }: KnownDocuments,
  warn: Warn,
  warnUnknown: WarnUnknown
): void => {
  const serviceKeys = new Set(Object.keys(services ?? {}))
  const regions = Object.keys(pricing ?? {})
  // Members are mostly assigned the same: to compare lists is faster than to look up all that is in them.
  let good: ReadonlyArray<string> = []
  for (const [key, member] of Object.entries(members)) {
    const { Active, ServiceIPv4, ServiceIPv6 } = member.Service
    if (Active && ServiceIPv4 === "" && ServiceIPv6 === "") {
      warn("MembersConfig", [key, "Service"], "an IPv4 or an IPv6 address of an active member", "neither")
    }
    if (services !== undefined) {
      for (const [group, keys] of Object.entries(member.ServiceAssignments)) {
        if (keys.length === good.length && keys.every((service, i) => service === good[i])) continue
        if (keys.every((service) => serviceKeys.has(service))) good = keys
        for (const [i, service] of keys.entries()) {
          if (serviceKeys.has(service)) continue
          const path = [key, "ServiceAssignments", group, i]
          warnUnknown("MembersConfig", path, "the key of a service", service, serviceKeys)
        }
      }
    }
    const region = member.Location.Region
    if (pricing !== undefined && !Object.hasOwn(pricing, region)) {
      const path = [key, "Location", "Region"]
      warnUnknown("MembersConfig", path, "a region with prices", region, regions)
    }
  }
}

const checkServices = ({ ServicesConfig: services = {} }: KnownDocuments, warn: Warn): void => {
  for (const [key, service] of Object.entries(services)) {
    for (const [name, provider] of Object.entries(service.Providers)) {
      for (const [i, url] of provider.RpcUrls.entries()) {
        if (hostOf(url) !== undefined) continue
        const path = [key, "Providers", name, "RpcUrls", i]
        warn(
          "ServicesConfig",
          path,
          "a URL with a host name; nothing is checked or served for this one",
          formatFound(url)
        )
      }
    }
  }
}

const checkAlerts = (
  { AlertsConfig: alerts, MembersConfig: members }: KnownDocuments,
  warnUnknown: WarnUnknown
): void => {
  const told = Object.keys(alerts?.matrix.members ?? {})
  if (members === undefined || told.length === 0) return
  const known = memberNames(members)
  for (const name of told) {
    if (known.has(name.toLowerCase())) continue
    warnUnknown("AlertsConfig", ["matrix", "members", name], "the key or name of a member", name, known.values())
  }
}

/** Keys and names of members: in lower case → as written. */
const memberNames = (members: DocumentTypes["MembersConfig"]): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(members).flatMap(([key, member]) =>
      [key, member.Details.Name].map((name) => [name.toLowerCase(), name])
    )
  )
