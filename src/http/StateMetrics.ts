import type { NodeEntry } from "../cluster/Membership.ts"
import type { Snapshot } from "../config/Snapshot.ts"
import { type Override, overrideState } from "../domain/Override.ts"
import type { GeoDatabase } from "../geo/GeoIp.ts"
import type { Official } from "../status/Decision.ts"
import type { Comparison } from "../status/Shadow.ts"

/** A metric and its values. Times and ages in seconds, as Prometheus wants them. */
export interface Family {
  readonly name: string
  readonly help: string
  /** A gauge when missing. */
  readonly type?: "counter"
  readonly samples: Iterable<Sample>
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

const officialLabels = ({ target }: Official) => ({
  check_type: target.checkType,
  check: target.check,
  member: target.member,
  domain: target.domain,
  endpoint: target.endpoint,
  ip: target.ipv6 ? "6" : "4"
})

/** Samples that are made one by one, when they are written. */
const each = <A>(items: ReadonlyArray<A>, sample: (item: A) => Sample): Family["samples"] => ({
  *[Symbol.iterator]() {
    for (const item of items) yield sample(item)
  }
})

/** The official status of every target: as many series as there are targets, and none for a target that is gone. */
export const officialFamilies = (officials: ReadonlyArray<Official>): ReadonlyArray<Family> => [
  {
    name: "geodns_official_up",
    help: "The official status of a target: 1 up, 0 down",
    samples: each(officials, (official) => [officialLabels(official), official.up ? 1 : 0])
  },
  {
    name: "geodns_official_changed_timestamp_seconds",
    help: "When the official status of a target was decided",
    samples: each(officials, (official) => [officialLabels(official), official.decidedAt / 1000])
  }
]

/** Who is there, by role and liveness, and how many may vote. */
export const clusterFamilies = (nodes: ReadonlyArray<NodeEntry>, electorate: number): ReadonlyArray<Family> => {
  const roles = ["IBPMonitor", "IBPDns", "IBPCollator", "other"]
  const known = nodes.map(({ active, role }) => ({ active, role: roles.includes(role) ? role : "other" }))
  return [
    {
      name: "geodns_nodes",
      help: "Nodes heard of, by role",
      samples: roles.flatMap((role) =>
        [true, false].map((active) =>
          [
            { role, active: String(active) },
            known.filter((node) => node.role === role && node.active === active).length
          ] as const
        )
      )
    },
    { name: "geodns_electorate", help: "Monitors that may vote now", samples: [[{}, electorate]] },
    {
      name: "geodns_clock_skew_seconds",
      help:
        "By how much the clock of another node is ahead of ours, or behind when negative, by the times of its messages",
      samples: nodes.flatMap(({ id, skew }) => skew === undefined ? [] : [[{ node: id }, skew / 1000] as const])
    }
  ]
}

/** How old the configuration and each of its documents is. `now` in milliseconds since the epoch. */
export const configFamilies = (
  config: Pick<Snapshot, "documents" | "loadedAt" | "version">,
  now: number
): ReadonlyArray<Family> => [
  {
    name: "geodns_config_age_seconds",
    help: "Time since the version of the configuration in use came",
    samples: [[{}, (now - config.loadedAt) / 1000]]
  },
  {
    name: "geodns_config_document_age_seconds",
    help: "Age of the copy of a document in use",
    samples: Object.entries(config.documents).map(([document, { loadedAt }]) => [
      { document },
      (now - loadedAt) / 1000
    ])
  }
]

/** Whether the bus is connected. */
export const busFamilies = (connected: boolean): ReadonlyArray<Family> => [
  { name: "geodns_bus_connected", help: "Whether the bus is connected: 1 or 0", samples: [[{}, connected ? 1 : 0]] }
]

/** What holds now of the overrides and maintenances, whatever their members. */
export const overrideFamilies = (overrides: ReadonlyArray<Override>, now: number): ReadonlyArray<Family> => {
  const states = overrides.map((override) => ({ kind: override.kind, state: overrideState(override, now) }))
  return [
    {
      name: "geodns_overrides",
      help: "Overrides and maintenances that are in force or planned",
      samples: (["override", "maintenance"] as const).flatMap((kind) =>
        (["active", "planned"] as const).map((state) =>
          [{ kind, state }, states.filter((one) => one.kind === kind && one.state === state).length] as const
        )
      )
    }
  ]
}

/** How far a shadow and the cluster agree. */
export const shadowFamilies = ({ agreed, at, compared, differences }: Comparison): ReadonlyArray<Family> => [
  { name: "geodns_shadow_compared", help: "Targets that a shadow compares", samples: [[{}, compared]] },
  { name: "geodns_shadow_agreed", help: "Targets on which shadow and cluster agree", samples: [[{}, agreed]] },
  {
    name: "geodns_shadow_differences",
    help: "Targets on which shadow and cluster do not agree",
    samples: [[{}, differences.length]]
  },
  {
    name: "geodns_shadow_compared_timestamp_seconds",
    help: "When the shadow compared last",
    samples: at === undefined ? [] : [[{}, at / 1000]]
  }
]

/** How old the GeoIP databases are. */
export const geoFamilies = (databases: ReadonlyArray<GeoDatabase>, now: number): ReadonlyArray<Family> => [
  {
    name: "geodns_geoip_age_seconds",
    help: "Age of a GeoIP database, from its metadata",
    samples: databases.map(({ builtAt, kind }) => [{ kind }, (now - builtAt) / 1000])
  }
]

const escaped = (value: string): string =>
  /[\\"\n]/.test(value)
    ? value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")
    : value

const labelText = (labels: Readonly<Record<string, string>>): string => {
  const entries = Object.entries(labels)
  return entries.length === 0 ? "" : `{${entries.map(([name, value]) => `${name}="${escaped(value)}"`).join(",")}}`
}

const pieceLength = 64 * 1024

/** Families in the text format of Prometheus 0.0.4, in pieces of about 64 KiB. A family without a sample is left out. */
export function* exposition(families: Iterable<Family>): Generator<string, void> {
  let piece = ""
  for (const { help, name, samples, type } of families) {
    let head = `# HELP ${name} ${help}\n# TYPE ${name} ${type ?? "gauge"}\n`
    for (const [labels, value] of samples) {
      piece += `${head}${name}${labelText(labels)} ${value}\n`
      head = ""
      if (piece.length >= pieceLength) {
        yield piece
        piece = ""
      }
    }
  }
  if (piece !== "") yield piece
}
