import * as Result from "effect/Result"
import { createHash } from "node:crypto"
import type { Catalog, Endpoint, MemberEntry } from "../domain/Catalog.ts"
import { type Check, checkInterval, type Local } from "../domain/documents/Local.ts"
import { formatHost } from "../domain/ListenAddress.ts"
import { isReservedCheck } from "../domain/Override.ts"
import { type Target, type TargetKey, targetKey } from "../domain/Target.ts"
import { canReach, type FamilyReach } from "./Families.ts"
import { readOptions, TargetOptions } from "./options.ts"
import type { ExpectedNetwork, PlannedCheck, PlannedTarget } from "./PlannedTarget.ts"
import type { Probe } from "./Probe.ts"

/** Something in the documents that keeps targets from being checked. */
export interface PlanProblem {
  /** `check wss`, `member Potomac Works`. */
  readonly about: string
  /** What is wrong and what to do. */
  readonly problem: string
}

/** A check with what the documents say about its targets. */
export interface ReadyCheck {
  readonly check: PlannedCheck
  readonly options: TargetOptions
  /** Upper case; undefined for all. */
  readonly serviceTypes: ReadonlySet<string> | undefined
  /** Of the probe; undefined for all. */
  readonly schemes: ReadonlyArray<string> | undefined
  /** Of the option or the probe; undefined for that of the URL. */
  readonly port: number | undefined
}

/** The checks that can run, and why others cannot. */
export interface PlannedChecks {
  readonly checks: ReadonlyArray<ReadyCheck>
  readonly problems: ReadonlyArray<PlanProblem>
}

/** What this node looks at. */
export interface Plan {
  readonly targets: ReadonlyMap<TargetKey, PlannedTarget>
  /** Each problem once. */
  readonly problems: ReadonlyMap<string, PlanProblem>
}

const clamp = (low: number, n: number, high: number): number => Math.round(Math.min(Math.max(low, n), high))

/**
 * The enabled checks of the local document. A check that cannot run as it is written is a problem and plans nothing, so
 * that it never marks anything down. Intervals are kept between 0.2 s and a day, timeouts between 0.1 s and 10 minutes.
 */
export const planChecks = (local: Local, probes: ReadonlyMap<string, Probe>): PlannedChecks => {
  const checks = new Map<string, ReadyCheck>()
  const problems: Array<PlanProblem> = []
  for (const check of local.Checks) {
    if (!check.Enabled) continue
    const identity = JSON.stringify([check.CheckType, check.Name])
    const ready = checks.has(identity)
      ? Result.fail([`there is another ${check.CheckType} check of this name: give each its own`])
      : planCheck(check, local, probes)
    if (Result.isSuccess(ready)) checks.set(identity, ready.success)
    else problems.push(...ready.failure.map((problem) => ({ about: `check ${check.Name}`, problem })))
  }
  return { checks: [...checks.values()], problems }
}

const planCheck = (
  check: Check,
  local: Local,
  probes: ReadonlyMap<string, Probe>
): Result.Result<ReadyCheck, ReadonlyArray<string>> => {
  const settings = Object.hasOwn(local.GeoDNS.Checks, check.Name) ? local.GeoDNS.Checks[check.Name] : undefined
  if (check.CheckType === "site" && isReservedCheck(check.Name)) {
    return Result.fail([
      `the name is kept for the records of members that are taken out by hand, so the check does not run: give it another`
    ])
  }
  const name = settings?.Probe ?? check.Name
  const probe = probes.get(name)
  if (probe === undefined) {
    const there = `name one of ${[...probes.keys()].join(", ")} in GeoDNS.Checks.${check.Name}.Probe`
    return Result.fail([`there is no probe ${name}, so the check does not run: ${there}`])
  }
  if (!probe.checkTypes.includes(check.CheckType)) {
    return Result.fail([`the probe ${name} is for ${probe.checkTypes.join(" and ")} checks, not ${check.CheckType}`])
  }
  const unusable = probe.unusable?.()
  if (unusable !== undefined) return Result.fail([`the check does not run here: ${unusable}`])
  const options = readOptions(TargetOptions, check.ExtraOptions)
  const run = probe.prepare(check.ExtraOptions, check.CheckType)
  if (Result.isFailure(options) || Result.isFailure(run)) {
    const lines = [
      ...(Result.isFailure(options) ? options.failure : []),
      ...(Result.isFailure(run) ? run.failure : [])
    ]
    return Result.fail([...new Set(lines)].map((line) => `ExtraOptions: ${line}`))
  }
  const serviceTypes = options.success.ServiceTypes ?? probe.serviceTypes
  return Result.succeed({
    options: options.success,
    schemes: probe.schemes,
    port: options.success.Port ?? probe.port,
    serviceTypes: serviceTypes && new Set(serviceTypes.map((type) => type.toUpperCase())),
    check: {
      name: check.Name,
      type: check.CheckType,
      probe: name,
      run: run.success,
      // Options may hold secrets
      identity: createHash("sha256").update(JSON.stringify([name, check.ExtraOptions])).digest("hex"),
      interval: clamp(200, checkInterval(check) * 1000, 86_400_000),
      timeout: clamp(100, check.Timeout * 1000, 600_000),
      failAfter: settings?.FailAfter ?? 2,
      recoverAfter: settings?.RecoverAfter ?? 2,
      minimumStateTime: (settings?.MinimumStateTime ?? 0) * 1000,
      ...probe.single !== undefined && { single: probe.single }
    }
  })
}

/** The targets of one member, and problems with its URLs. Nothing for a member that is inactive or overridden. */
export const planMember = (
  checks: ReadonlyArray<ReadyCheck>,
  entry: MemberEntry,
  reach: FamilyReach
): { readonly targets: ReadonlyArray<PlannedTarget>; readonly problems: ReadonlyArray<PlanProblem> } => {
  const targets: Array<PlannedTarget> = []
  const problems: Array<PlanProblem> = []
  const { Override, Service } = entry.member
  if (!Service.Active || Override) return { targets, problems }
  const addresses = [Service.ServiceIPv4, Service.ServiceIPv6].filter((a) => a !== "" && canReach(reach, a))
  if (addresses.length === 0) return { targets, problems }
  for (const ready of checks) {
    const { check, options, serviceTypes } = ready
    const endpoints = check.type === "site" ? [] : distinct(entry, serviceTypes)
    for (const place of placesOf(ready, endpoints)) {
      if (place.port === undefined) {
        problems.push({
          about: `check ${check.name}`,
          problem: `${place.endpoint} is not checked: ${check.probe} cannot do such a URL`
        })
        continue
      }
      for (const address of addresses) {
        const target: Target = {
          checkType: check.type,
          check: check.name,
          member: entry.name,
          domain: place.domain,
          endpoint: place.endpoint,
          ipv6: address === Service.ServiceIPv6
        }
        targets.push({
          target,
          key: targetKey(target),
          check,
          address,
          port: place.port,
          host: place.domain,
          url: place.url ?? siteUrl(options, address),
          networks: place.networks
        })
      }
    }
  }
  return { targets, problems }
}

/** A plan under construction: large ones are made member by member. */
export interface GrowingPlan extends Plan {
  readonly targets: Map<TargetKey, PlannedTarget>
  readonly problems: Map<string, PlanProblem>
  /** The names that have targets. */
  readonly members: Set<string>
}

/** A plan that has no targets yet. */
export const emptyPlan = (problems: ReadonlyArray<PlanProblem>): GrowingPlan => ({
  targets: new Map(),
  problems: new Map(problems.map((problem) => [JSON.stringify(problem), problem])),
  members: new Set()
})

/** Adds a member to a plan. Of two members with one name, which no target could tell apart, only the first is checked. */
export const addMember = (
  plan: GrowingPlan,
  checks: ReadonlyArray<ReadyCheck>,
  entry: MemberEntry,
  reach: FamilyReach
): void => {
  const { problems, targets } = planMember(checks, entry, reach)
  for (const problem of problems) plan.problems.set(JSON.stringify(problem), problem)
  if (targets.length === 0) return
  if (plan.members.has(entry.name)) {
    const problem = `${entry.key} has the name of another member and is not checked: give each its own Details.Name`
    plan.problems.set(entry.key, { about: `member ${entry.name}`, problem })
    return
  }
  plan.members.add(entry.name)
  for (const target of targets) plan.targets.set(target.key, target)
}

/** What this node looks at, by its documents, its reach and its probes. */
export const plan = (
  local: Local,
  catalog: Catalog,
  reach: FamilyReach,
  probes: ReadonlyMap<string, Probe>
): Plan => {
  const { checks, problems } = planChecks(local, probes)
  const growing = emptyPlan(problems)
  for (const entry of catalog.members) addMember(growing, checks, entry, reach)
  return growing
}

/** Where a check looks at a member; the URL of a site depends on the address. No port: the URL cannot be checked. */
interface Place {
  readonly domain: string
  readonly endpoint: string
  readonly port: number | undefined
  readonly url: string | undefined
  readonly networks: ReadonlyArray<ExpectedNetwork>
}

/** A URL and the networks that are expected behind it. */
interface Expected extends Endpoint {
  readonly networks: ReadonlyArray<ExpectedNetwork>
}

/** The member's distinct URLs of services of these types. */
const distinct = (entry: MemberEntry, serviceTypes: ReadonlySet<string> | undefined): ReadonlyArray<Expected> => {
  const found = new Map<string, Expected>()
  for (const { endpoints, service: { Configuration } } of entry.services) {
    if (serviceTypes !== undefined && !serviceTypes.has(Configuration.ServiceType.toUpperCase())) continue
    const networks = [{ name: Configuration.NetworkName, stateRoot: Configuration.StateRootHash }]
    for (const { host, url } of endpoints) {
      const others = found.get(url)?.networks
      found.set(url, { host, url, networks: others === undefined ? networks : [...others, ...networks] })
    }
  }
  return [...found.values()]
}

const placesOf = (
  { check: { type }, options, port: always, schemes }: ReadyCheck,
  endpoints: ReadonlyArray<Expected>
): ReadonlyArray<Place> => {
  if (type === "site") {
    return [{ domain: "", endpoint: "", port: always ?? defaultPort(options), url: undefined, networks: [] }]
  }
  if (type === "endpoint") {
    return endpoints.map(({ host, networks, url }) => {
      const parsed = new URL(url)
      const isDoable = schemes === undefined || schemes.includes(parsed.protocol.slice(0, -1))
      const port = isDoable ? always ?? urlPort(parsed) : undefined
      return { domain: host, endpoint: url, port, url, networks }
    })
  }
  const byHost = new Map<string, Array<URL>>()
  for (const { host, url } of endpoints) {
    const urls = byHost.get(host)
    if (urls === undefined) byHost.set(host, [new URL(url)])
    else urls.push(new URL(url))
  }
  return [...byHost].map(([host, urls]) => {
    const port = options.Port ?? hostPort(urls, options)
    return { domain: host, endpoint: "", port: always ?? port, url: originUrl(options, host, port), networks: [] }
  })
}

const ports: Readonly<Record<string, number>> = { "http:": 80, "ws:": 80, "https:": 443, "wss:": 443 }

/** The port of a URL; undefined when neither it nor its scheme says one. */
export const urlPort = (url: URL): number | undefined => url.port === "" ? ports[url.protocol] : Number(url.port)

const defaultPort = (options: TargetOptions): number => options.Scheme === "http" ? 80 : 443

/**
 * The port of a host: the one that its URLs of the wanted kind (TLS or not) have. With several, the default one if it is
 * among them, else the lowest.
 */
const hostPort = (urls: ReadonlyArray<URL>, options: TargetOptions): number => {
  const usual = defaultPort(options)
  const there = urls.filter((url) => ports[url.protocol] === usual).flatMap((url) => urlPort(url) ?? [])
  return there.length === 0 || there.includes(usual) ? usual : Math.min(...there)
}

const originUrl = (options: TargetOptions, host: string, port: number): string =>
  `${options.Scheme ?? "https"}://${host}${port === defaultPort(options) ? "" : `:${port}`}${options.Path ?? "/"}`

const siteUrl = (options: TargetOptions, address: string): string =>
  originUrl(options, formatHost(address), options.Port ?? defaultPort(options))
