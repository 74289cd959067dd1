import * as Schema from "effect/Schema"
import { makeCatalog } from "../../src/domain/Catalog.ts"
import { SteeringSettings } from "../../src/domain/documents/GeoDns.ts"
import { Members } from "../../src/domain/documents/Members.ts"
import { Services } from "../../src/domain/documents/Services.ts"
import { atOnce } from "../../src/domain/Slices.ts"
import { type Target, type TargetKey, targetKey } from "../../src/domain/Target.ts"
import type { Official } from "../../src/status/Decision.ts"
import { DownTargets } from "../../src/steering/DownTargets.ts"
import { LastHealthy } from "../../src/steering/LastHealthy.ts"
import { ServedNames } from "../../src/steering/ServedNames.ts"
import { SteeringTables } from "../../src/steering/SteeringTables.ts"
import { override } from "../status/overridden.ts"

/** The one name that most tests ask for. */
export const rpc = "rpc.example"

export interface MemberOptions {
  readonly name?: string
  readonly at?: readonly [latitude: number, longitude: number]
  readonly ipv4?: string
  readonly ipv6?: string
  readonly services?: ReadonlyArray<string>
  readonly level?: number
  readonly active?: boolean
  readonly override?: boolean
}

/** A members document; address and place follow from the position when nothing is said. */
export const membersOf = (members: Readonly<Record<string, MemberOptions>>): typeof Members.Encoded =>
  Object.fromEntries(
    Object.entries(members).map(([key, options], i) => [key, {
      Details: { Name: options.name ?? key },
      Membership: { MemberLevel: options.level ?? 5 },
      Service: {
        Active: options.active === false ? 0 as const : 1 as const,
        ServiceIPv4: options.ipv4 ?? `192.0.${2 + (i >> 8)}.${i & 255}`,
        ServiceIPv6: options.ipv6 ?? `2001:db8::${(i + 1).toString(16)}`
      },
      ServiceAssignments: { Group: options.services ?? ["Main"] },
      Location: { Latitude: options.at?.[0] ?? 0, Longitude: options.at?.[1] ?? i * 10 % 360 - 180 },
      Override: options.override ?? false
    }])
  )

export interface ServiceOptions {
  readonly urls?: ReadonlyArray<string>
  readonly level?: number
  readonly active?: boolean
}

/** A services document; a service is at `wss://rpc.example/<key>` when nothing is said. */
export const servicesOf = (services: Readonly<Record<string, ServiceOptions>>): typeof Services.Encoded =>
  Object.fromEntries(
    Object.entries(services).map(([key, options]) => [key, {
      Configuration: {
        Name: key,
        ServiceType: "RPC",
        Active: options.active === false ? 0 as const : 1 as const,
        LevelRequired: options.level ?? 1
      },
      Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
      Providers: { P: { RpcUrls: options.urls ?? [`wss://${rpc}/${key}`] } }
    }])
  )

let ids = 0

/** A decision that takes a target down: the whole site when nothing is said. */
export const decide = (
  member: string,
  target: Partial<Target> = {},
  decidedAt = 0,
  up = false
): Official => ({
  id: `decision-${++ids}`,
  target: { checkType: "site", check: "ping", member, domain: "", endpoint: "", ipv6: false, ...target },
  up,
  error: up ? "" : "no answer",
  data: null,
  decidedAt,
  decidedBy: "monitor",
  votes: {}
})

/** A decision on one URL of {@link rpc}. */
export const decideEndpoint = (member: string, service: string, decidedAt = 0, ipv6 = false): Official =>
  decide(
    member,
    { checkType: "endpoint", check: "wss", domain: rpc, endpoint: `wss://${rpc}/${service}`, ipv6 },
    decidedAt
  )

export interface WorldOptions {
  readonly members: Readonly<Record<string, MemberOptions>>
  readonly services?: Readonly<Record<string, ServiceOptions>>
  readonly settings?: typeof SteeringSettings.Encoded
  readonly official?: ReadonlyArray<Official>
  readonly lastHealthy?: LastHealthy
  /** The names of the members that are out by hand. */
  readonly overridden?: ReadonlyArray<string>
  /** Long after every decision of {@link decide} when nothing is said: nothing is held. */
  readonly now?: number
}

/** Decisions by the keys of their targets. */
export const byTarget = (official: ReadonlyArray<Official>): ReadonlyMap<TargetKey, Official> =>
  new Map(official.map((official) => [targetKey(official.target), official]))

/** Long after every decision of {@link decide}. */
const farAhead = 1e12

/** Takes over the official status of all targets, and gives those for which that changed something. */
export const sync = (
  down: DownTargets,
  official: ReadonlyMap<TargetKey, Official>,
  now = farAhead
): ReadonlyArray<Target> => atOnce(down.takeEach(official, now, "all"))

/** Who serves what. */
export const makeServed = (options: Omit<WorldOptions, "official">, down = new DownTargets()): ServedNames =>
  new ServedNames({
    catalog: makeCatalog(
      Schema.decodeSync(Members)(membersOf(options.members)),
      Schema.decodeSync(Services)(servicesOf(options.services ?? { Main: {} }))
    ),
    settings: Schema.decodeSync(SteeringSettings)(options.settings ?? {}),
    down,
    lastHealthy: options.lastHealthy ?? new LastHealthy(),
    overrides: new Map((options.overridden ?? []).map((member) => [member, override({ member })]))
  })

/** Everything steered, with what takes it to another official status or moment, names that change alone. */
export const serveSteps = (options: Omit<WorldOptions, "official">) => {
  const now = options.now ?? farAhead
  const down = new DownTargets()
  const served = makeServed(options, down)
  let tables = new SteeringTables(served, [])
  const build = (names: Iterable<string>, at = now) => tables = tables.with(atOnce(served.build(names, at, new Set())))
  const take = (official: ReadonlyArray<Official>) => sync(down, byTarget(official), now)
  return {
    begin: (official: ReadonlyArray<Official>) => {
      take(official)
      return build(served.names)
    },
    advance: (official: ReadonlyArray<Official>) => build(atOnce(served.affectedBy(take(official)))),
    /** Builds a name as it stands at a later time. */
    later: (name: string, at: number) => build([name], at)
  }
}

/** Everything steered, as it stands. */
export const serve = (options: WorldOptions): SteeringTables => serveSteps(options).begin(options.official ?? [])

/** A client at a place, or of whom it is not known where it is. */
export const client = (at?: readonly [latitude: number, longitude: number], scope = "203.0.113.0/24") => ({
  location: at === undefined ? undefined : { latitude: at[0], longitude: at[1] },
  scope
})
