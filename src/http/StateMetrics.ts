import type { NodeEntry } from "../cluster/Membership.ts"
import type { Snapshot } from "../config/Snapshot.ts"
import type { GeoDatabase } from "../geo/GeoIp.ts"
import type { Official } from "../status/Decision.ts"

/** A gauge and its values. Times and ages in seconds, as Prometheus wants them. */
export interface Family {
  readonly name: string
  readonly help: string
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
    { name: "geodns_electorate", help: "Monitors that may vote now", samples: [[{}, electorate]] }
  ]
}

/** How old each document of the configuration is. `now` in milliseconds since the epoch. */
export const configFamilies = (config: Pick<Snapshot, "documents">, now: number): ReadonlyArray<Family> => [
  {
    name: "geodns_config_document_age_seconds",
    help: "Age of the copy of a document in use",
    samples: Object.entries(config.documents).map(([document, { loadedAt }]) => [
      { document },
      (now - loadedAt) / 1000
    ])
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
  for (const { help, name, samples } of families) {
    let head = `# HELP ${name} ${help}\n# TYPE ${name} gauge\n`
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
