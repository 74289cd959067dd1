import { Effect, Layer, Schema, Stream } from "effect"
import { Membership, type NodeEntry } from "../../src/cluster/Membership.ts"
import { Config } from "../../src/config/Config.ts"
import type { Snapshot } from "../../src/config/Snapshot.ts"
import { Consensus, type OpenProposal } from "../../src/consensus/Consensus.ts"
import { noPolicy } from "../../src/dns/AnswerPolicy.ts"
import { type AnswerSnapshot, AnswerState } from "../../src/dns/AnswerState.ts"
import { makeZoneData } from "../../src/dns/ZoneBuilder.ts"
import { makeCatalog } from "../../src/domain/Catalog.ts"
import { documentKeys, Local } from "../../src/domain/documents/Local.ts"
import { Members } from "../../src/domain/documents/Members.ts"
import { Services } from "../../src/domain/documents/Services.ts"
import type { Outage } from "../../src/domain/Outage.ts"
import { type Target, targetKey } from "../../src/domain/Target.ts"
import { makeProposal } from "../../src/domain/wire/Consensus.ts"
import { GeoIp } from "../../src/geo/GeoIp.ts"
import { unknownPlace } from "../../src/geo/GeoLookup.ts"
import { type LocalResult, Monitor } from "../../src/monitor/Monitor.ts"
import { type Condition, Conditions } from "../../src/node/Conditions.ts"
import { NodeIdentity } from "../../src/node/NodeIdentity.ts"
import type { Official } from "../../src/status/Decision.ts"
import { OfficialStatus } from "../../src/status/OfficialStatus.ts"
import { OutageLog } from "../../src/status/OutageLog.ts"
import type { Explanation } from "../../src/steering/Choice.ts"
import { Steering } from "../../src/steering/Steering.ts"
import { OutageStore } from "../../src/store/OutageStore.ts"
import type { StoreError } from "../../src/store/StoreError.ts"

/** The time of all fakes, in milliseconds since the epoch. */
export const now = Date.parse("2026-04-21T08:09:10.123Z")

export const minutes = (n: number): number => n * 60_000

export const member = (name: string, options: {
  readonly region?: string
  readonly website?: string
  readonly logo?: string
  readonly active?: 0 | 1
  readonly override?: boolean
} = {}) => ({
  Details: { Name: name, Website: options.website ?? "", Logo: options.logo ?? "" },
  Membership: { MemberLevel: 5 },
  Service: { Active: options.active ?? 1, ServiceIPv4: "192.0.2.1", ServiceIPv6: "2001:db8::1", MonitorUrl: "" },
  ServiceAssignments: { rpc: ["demo"] },
  Location: { Region: options.region ?? "Europe", Latitude: 52, Longitude: 5 },
  Override: options.override ?? false
})

const services = {
  demo: {
    Configuration: { Name: "demo", ServiceType: "RPC", Active: 1, LevelRequired: 1 },
    Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
    Providers: { any: { RpcUrls: ["wss://rpc.demo.example/demo"] } }
  }
}

export const snapshotOf = (members: Readonly<Record<string, ReturnType<typeof member>>>): Snapshot => {
  const decodedMembers = Schema.decodeUnknownSync(Members)(members)
  const decodedServices = Schema.decodeUnknownSync(Services)(services)
  const document = {
    location: "https://user:geheim@config.example/x?token=geheim",
    loadedAt: now - minutes(3),
    problem: undefined
  }
  return {
    version: 7,
    loadedAt: now - minutes(2),
    local: Schema.decodeUnknownSync(Local)({
      System: {
        ConfigUrls: {}
      }
    }),
    staticDns: [],
    members: decodedMembers,
    services: decodedServices,
    pricing: {},
    requests: {},
    alerts: { matrix: { room: "", internal_room: "", members: {} } },
    catalog: makeCatalog(decodedMembers, decodedServices),
    documents: Object.fromEntries(documentKeys.map((key) => [
      key,
      key === "AlertsConfig" ? { ...document, problem: "HTTP 503" } : document
    ])) as Snapshot["documents"]
  }
}

export const target = (options: Partial<Target> & { readonly member: string }): Target => ({
  checkType: "endpoint",
  check: "wss",
  domain: "rpc.demo.example",
  endpoint: "wss://rpc.demo.example/demo",
  ipv6: false,
  ...options
})

export const site = (name: string, ipv6 = false): Target =>
  target({ member: name, checkType: "site", check: "ping", domain: "", endpoint: "", ipv6 })

export const official = (of: Target, options: Partial<Omit<Official, "target">> = {}): Official => ({
  id: "4f0c2d1e-1111-4222-8333-444455556666",
  target: of,
  up: true,
  error: "",
  data: null,
  decidedAt: now - minutes(42),
  decidedBy: "mon-1",
  votes: { "mon-1": true, "mon-2": true, "mon-3": true },
  ...options
})

export const node = (id: string, role: string, options: Partial<NodeEntry> = {}): NodeEntry => ({
  id,
  role,
  guessed: false,
  address: "192.0.2.10:8080",
  boot: "b",
  lastHeard: now - 4000,
  active: true,
  ...options
})

export const proposal = (
  of: Target,
  options: { readonly up?: boolean; readonly error?: string } = {}
): OpenProposal => ({
  proposal: makeProposal({
    id: "p-1",
    sender: "mon-2",
    target: of,
    up: options.up ?? false,
    error: options.error ?? "connection refused",
    data: null,
    at: now - 5000
  }),
  votes: { "mon-2": true, "mon-3": false },
  firstSeen: now - 5000
})

export const outage = (of: Target, options: Partial<Outage> = {}): Outage => ({
  id: "o-1",
  target: of,
  start: now - minutes(60),
  end: undefined,
  error: "connection refused",
  data: null,
  votes: { "mon-1": true, "mon-2": true },
  blip: false,
  ...options
})

export const identity = Layer.succeed(
  NodeIdentity,
  NodeIdentity.of({ id: "mon-1", role: "IBPMonitor", boot: "boot-1", startedAt: now - minutes(90) })
)

export const conditions = (current: ReadonlyArray<Condition> = []) =>
  Layer.mock(Conditions, { current: Effect.succeed(current) })

export const config = (snapshot: Snapshot) => Layer.mock(Config, { current: Effect.succeed(snapshot) })

export const membership = (nodes: ReadonlyArray<NodeEntry>, electorate: ReadonlyArray<string>) =>
  Layer.mock(Membership, { electorate: Effect.succeed(new Set(electorate)), nodes: Effect.succeed(nodes) })

export const officialStatus = (officials: ReadonlyArray<Official>) =>
  Layer.mock(OfficialStatus, {
    all: Effect.succeed(new Map(officials.map((o) => [targetKey(o.target), o])))
  })

/** How a monitor takes part that believes all messages. */
export const openState = Effect.succeed({
  mode: "open" as const,
  epoch: undefined,
  votes: true,
  electorate: new Set(["mon-1"])
})

export const consensus = (proposals: ReadonlyArray<OpenProposal>) =>
  Layer.mock(Consensus, {
    proposals: Effect.succeed(proposals),
    state: openState
  })

export const monitor = (results: ReadonlyArray<LocalResult>) =>
  Layer.mock(Monitor, {
    results: Effect.succeed(results),
    held: Effect.succeed([]),
    latencies: Effect.succeed({ ofTarget: () => undefined, ofMember: () => undefined }),
    self: Effect.succeed({
      reach: { ipv4: "all" as const, ipv6: "none" as const },
      verdict: { members: 0, failing: 0, sick: false, ipv6Lost: false },
      silent: { ipv4: false, ipv6: false }
    })
  })

export const outageLog = (open: ReadonlyArray<Outage>) => Layer.mock(OutageLog, { open: Effect.succeed(open) })

export const outageStore = (find: Stream.Stream<Outage, StoreError>) => Layer.mock(OutageStore, { find: () => find })

export const explanation: Explanation = {
  name: "rpc.demo.example",
  ipv6: false,
  client: { location: undefined, scope: "203.0.113.0/24" },
  choice: { addresses: ["192.0.2.1"], members: ["Amber"], ttl: 30 },
  rule: "nearest",
  because: "Amber is the nearest",
  candidates: [
    {
      member: "Amber",
      address: "192.0.2.1",
      distance: 12.5,
      chosen: true,
      answers: true,
      exclusions: [],
      heldUntil: undefined
    },
    {
      member: "Birch",
      address: "192.0.2.2",
      distance: undefined,
      chosen: false,
      answers: true,
      exclusions: [{ _tag: "Down", decision: "d-1", target: "site ping Birch (IPv4)", error: "timeout", since: now }],
      heldUntil: now + 5000
    }
  ]
}

/** Steers `rpc.demo.example` alone, and says for whom it was asked. */
export const steering = Layer.succeed(
  Steering,
  Steering.of({
    choose: () => undefined,
    explain: (name, ipv6, client) => name === "rpc.demo.example" ? { ...explanation, name, ipv6, client } : undefined,
    names: () => new Set(["rpc.demo.example"]),
    views: Stream.never
  })
)

/** Answers from that, from an alias of the name, and from an address that is written. */
export const answerState = Layer.effect(
  AnswerState,
  Effect.map(Steering, ({ choose, explain, names }) => {
    const record = (qname: string, qtype: string, content: string) => ({
      qname,
      qtype,
      content,
      ttl: 300,
      auth: true,
      domain_id: 0
    })
    const snapshot: AnswerSnapshot = {
      steering: { snapshot: snapshotOf({}), choose, explain, names: names() },
      zones: makeZoneData({
        records: [
          record("demo.example", "NS", "ns.demo.example"),
          record("www.demo.example", "CNAME", "rpc.demo.example"),
          record("fixed.demo.example", "A", "192.0.2.77")
        ],
        zones: {},
        served: ["rpc.demo.example"],
        serial: 1
      }),
      policy: noPolicy
    }
    return AnswerState.of({ current: () => snapshot })
  })
).pipe(Layer.provide(steering))

/** Knows 203.0.113.0/24 alone. */
export const geoIp = Layer.succeed(
  GeoIp,
  GeoIp.of({
    locate: (address) =>
      address.startsWith("203.0.113.")
        ? {
          location: { latitude: -33.9, longitude: 151.2 },
          country: "AU",
          countryName: "Australia",
          asn: "AS64500",
          network: "Example Net",
          prefix: 24
        }
        : unknownPlace,
    examine: () => ({ place: unknownPlace, leaf: 0, misses: {} }),
    databases: [{ file: "City.mmdb", kind: "City", builtAt: now - minutes(60 * 24) }]
  })
)
