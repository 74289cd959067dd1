import * as Schema from "effect/Schema"
import { readListenAddress } from "../ListenAddress.ts"
import { NonNegative, Positive, Secret, Text, withDefault } from "./Field.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))
const Percent = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 }))

/** One of `all`, of which only `available` can be used in this version: the others are refused, not ignored. */
const available = <const All extends ReadonlyArray<string>>(all: All, available: ReadonlyArray<All[number]>) =>
  Schema.Literals(all).check(
    Schema.makeFilter<All[number]>((value) => available.includes(value), {
      expected: `${available.join(" or ")} (${
        all.filter((value) => !available.includes(value)).join(" and ")
      } cannot be used in this version)`
    })
  )

/** How decisions are made. */
export const ConsensusSettings = Schema.Struct({
  Mode: withDefault(available(["open", "prefer", "require"], ["open"]), "open"),
  KeyFile: Schema.optionalKey(Schema.String),
  /** The members of the electorate, or the path of a file with them. */
  Roster: Schema.optionalKey(Schema.Union([Schema.String, Schema.Record(Schema.String, Schema.Unknown)])),
  Electorate: withDefault(available(["heard", "roster"], ["heard"]), "heard"),
  /** Seconds. */
  FreshFor: Schema.optionalKey(Positive),
  /** Takes part in nothing, and shows where it would have differed. */
  Shadow: withDefault(Schema.Boolean, false),
  /** Votes that a side needs besides the majority. Never below 2 in a cluster; 1 only for a single monitor on its own. */
  MinimumVotes: withDefault(Count, 2)
})

/** What our nodes want to know of one check beside v2's keys. */
export const CheckSettings = Schema.Struct({
  /** The probe that runs; the name of the check when missing. */
  Probe: Schema.optionalKey(Schema.String),
  /** Consecutive failures before the debounced status is down. */
  FailAfter: withDefault(Count, 2),
  /** Consecutive successes before the debounced status is up. */
  RecoverAfter: withDefault(Count, 2),
  /** Seconds that a decided status lasts at least before this node proposes another. */
  MinimumStateTime: withDefault(NonNegative, 0)
})
export type CheckSettings = typeof CheckSettings.Type

/** Where outages and usage are kept. */
export const StoreSettings = Schema.Struct({
  Driver: withDefault(available(["sqlite", "mysql", "memory"], ["sqlite", "memory"]), "sqlite"),
  /** SQLite only; relative to the work directory. */
  File: withDefault(Schema.String, "geodns.sqlite")
})

/** The embedded DNS server. */
export const DnsSettings = Schema.Struct({
  /** `address:port`; `[::]:53` for all addresses. */
  Listen: withDefault(
    Schema.String.check(
      Schema.makeFilter<string>((listen) => readListenAddress(listen) !== undefined, {
        expected: "an address and a port, as 127.0.0.1:5300 or [::]:53"
      })
    ),
    "127.0.0.1:5300"
  ),
  Tcp: withDefault(Schema.Boolean, true),
  PowerDnsSocket: Schema.optionalKey(Schema.String),
  PowerDnsHttp: Schema.optionalKey(Schema.String),
  Zones: withDefault(
    Schema.Record(
      Schema.String,
      Schema.Struct({
        mname: Text,
        rname: Text,
        refresh: withDefault(Positive, 3600),
        retry: withDefault(Positive, 600),
        expire: withDefault(Positive, 604800),
        minimum: withDefault(NonNegative, 60)
      })
    ),
    {}
  )
})

/** How a member is chosen. */
export const SteeringSettings = Schema.Struct({
  SharedHost: withDefault(Schema.Literals(["share", "any"]), "share"),
  /** A shared host counts as down when more than this share of its services is down. */
  SharePercent: withDefault(Percent, 50),
  NearTieKm: withDefault(NonNegative, 50),
  NearTiePercent: withDefault(Percent, 5),
  /** Seconds. */
  Ttl: withDefault(NonNegative, 30),
  /** Seconds. */
  TtlFloor: Schema.optionalKey(NonNegative),
  AllDown: withDefault(Schema.Literals(["last-good", "all", "fallback", "empty"]), "last-good"),
  /** The address for `AllDown: fallback`. */
  Fallback: withDefault(Schema.String, ""),
  /** Of the members of a name, within a minute. */
  MaxRemovedShare: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
  RecordsPerAnswer: withDefault(Count, 1),
  Weights: withDefault(Schema.Record(Schema.String, Positive), {})
})
export type SteeringSettings = typeof SteeringSettings.Type

/** Who is told. */
export const AlertSettings = Schema.Struct({
  Alertmanager: Schema.optionalKey(Schema.Struct({ Urls: Schema.Array(Schema.String) })),
  Webhooks: Schema.optionalKey(Schema.Array(Schema.Struct({ Url: Schema.String, Secret }))),
  /** Seconds. */
  StormWindow: Schema.optionalKey(NonNegative)
})

/** How service levels are reckoned. */
export const SlaSettings = Schema.Struct({
  ExcludeBlips: Schema.optionalKey(Schema.Boolean),
  /** With `all` a member is down when every IP version that it offers is. */
  DualStack: Schema.optionalKey(Schema.Literals(["all", "any"]))
})

/** Settings that are read and checked, and change nothing in this version. */
export const unusedSettings: ReadonlyArray<ReadonlyArray<string>> = [
  ["Consensus", "KeyFile"],
  ["Consensus", "Roster"],
  ["Consensus", "FreshFor"],
  ["Dns", "PowerDnsSocket"],
  ["Dns", "PowerDnsHttp"],
  ["Steering", "TtlFloor"],
  ["Steering", "MaxRemovedShare"],
  ["Alerts", "Alertmanager"],
  ["Alerts", "Webhooks"],
  ["Alerts", "StormWindow"],
  ["Sla", "ExcludeBlips"],
  ["Sla", "DualStack"]
]
/** How the broker is reached, beside v2's `Nats`. Files are paths relative to the local document. */
export const NatsSettings = Schema.Struct({
  /** A credentials file, as `nsc` makes it. */
  CredentialsFile: Schema.optionalKey(Schema.String),
  /** The seed of an nkey, `SU…`. */
  NKeySeed: Schema.optionalKey(Schema.RedactedFromValue(Schema.String)),
  /** TLS with more than the authorities of the system. `tls://` in `Nats.Url` asks for it, too. */
  Tls: Schema.optionalKey(
    Schema.Struct({
      CaFile: Schema.optionalKey(Schema.String),
      CertFile: Schema.optionalKey(Schema.String),
      KeyFile: Schema.optionalKey(Schema.String),
      /** For servers with `handshake_first`. */
      HandshakeFirst: withDefault(Schema.Boolean, false)
    })
  )
})

/** The HTTP APIs. */
export const HttpSettings = Schema.Struct({
  /** Files relative to the local document, read again when they change. */
  Tls: Schema.optionalKey(Schema.Struct({ CertFile: Schema.String, KeyFile: Schema.String })),
  RateLimit: withDefault(
    Schema.Struct({
      /** Requests of one client address per second, on average. 0 for no limit. */
      PerSecond: withDefault(NonNegative, 50),
      /** Requests that may come at once. */
      Burst: withDefault(Count, 200)
    }),
    {}
  )
})

/** Routes that need no key when nothing else is said: whatever only shows how the network is. */
export const publicRoutes: ReadonlyArray<string> = [
  "/",
  "/live",
  "/ready",
  "/health",
  "/metrics",
  "/results",
  "/api/status",
  "/api/log",
  "/api/overrides",
  "/api/explain"
]

/** The `GeoDNS` key of the local document, which v2 ignores. Every part is optional. */
export const GeoDns = Schema.Struct({
  Consensus: withDefault(ConsensusSettings, {}),
  Checks: withDefault(Schema.Record(Schema.String, CheckSettings), {}),
  Store: withDefault(StoreSettings, {}),
  Dns: withDefault(DnsSettings, {}),
  Steering: withDefault(SteeringSettings, {}),
  Alerts: withDefault(AlertSettings, {}),
  Sla: withDefault(SlaSettings, {}),
  Nats: withDefault(NatsSettings, {}),
  Http: withDefault(HttpSettings, {}),
  /** Routes of the HTTP API that need no key, and what is below them. Writing always needs one. */
  Public: withDefault(Schema.Array(Schema.String), publicRoutes)
})
export type GeoDns = typeof GeoDns.Type
