import * as Schema from "effect/Schema"
import { CheckType } from "../Target.ts"
import { NonNegative, PortText, Positive, Secret, Switch, Text, withDefault } from "./Field.ts"
import { GeoDns } from "./GeoDns.ts"

const Api = {
  ListenAddress: withDefault(Schema.String, "127.0.0.1"),
  ListenPort: PortText,
  /** Name → key. */
  AuthKeys: withDefault(Schema.Record(Schema.String, Schema.RedactedFromValue(Schema.String)), {})
}

/** One configured probe. */
export const Check = Schema.Struct({
  Name: Schema.NonEmptyString,
  Enabled: Switch,
  CheckType,
  /** Seconds. */
  Timeout: withDefault(Positive, 30),
  /** Seconds between two observations of one target. */
  minimumInterval: Schema.optionalKey(Positive),
  /** The name of `minimumInterval` in older files. */
  CheckInterval: Schema.optionalKey(Positive),
  ExtraOptions: withDefault(Schema.Record(Schema.String, Schema.Unknown), {})
})
export type Check = typeof Check.Type

/** Seconds between two observations of one target. */
export const checkInterval = (check: Check): number => check.minimumInterval ?? check.CheckInterval ?? 60

/** The six shared documents by the key that names their URL. */
export const documentKeys = [
  "StaticDNSConfig",
  "MembersConfig",
  "ServicesConfig",
  "IaasPricingConfig",
  "ServicesRequestsConfig",
  "AlertsConfig"
] as const
export type DocumentKey = (typeof documentKeys)[number]

/** The local document: one per node. */
export const Local = Schema.Struct({
  System: Schema.Struct({
    WorkDir: withDefault(Schema.String, "./work"),
    LogLevel: withDefault(Schema.String, "Info"),
    /** Seconds. */
    ConfigReloadTime: withDefault(Positive, 300),
    CacheSaveTime: Schema.optionalKey(Schema.Finite),
    /** Seconds: a shorter outage is marked as a blip. */
    MinimumOfflineTime: withDefault(NonNegative, 900),
    /** A URL, or a path relative to the local document. */
    ConfigUrls: Schema.Struct({
      StaticDNSConfig: Text,
      MembersConfig: Text,
      ServicesConfig: Text,
      IaasPricingConfig: Text,
      ServicesRequestsConfig: Text,
      AlertsConfig: Text
    })
  }),
  Nats: withDefault(Schema.Struct({ NodeID: Text, User: Text, Pass: Secret, Url: Text }), {}),
  Mysql: withDefault(Schema.Struct({ Host: Text, Port: PortText, User: Text, Pass: Secret, DB: Text }), {}),
  Maxmind: withDefault(Schema.Struct({ MaxmindDBPath: Text, AccountID: Text, LicenseKey: Secret }), {}),
  Matrix: withDefault(
    Schema.Struct({ HomeServerURL: Text, Username: Text, Password: Secret, RoomID: Text }),
    {}
  ),
  DnsApi: withDefault(
    Schema.Struct({
      ...Api,
      MonitorAddress: Text,
      MonitorPort: PortText,
      RefreshIntervalSeconds: withDefault(Positive, 30)
    }),
    {}
  ),
  CollatorApi: withDefault(Schema.Struct(Api), {}),
  MonitorApi: withDefault(Schema.Struct(Api), {}),
  MgmtApi: withDefault(Schema.Struct(Api), {}),
  CheckWorkers: withDefault(
    Schema.Struct({
      /** Probes under way at once. */
      numWorkers: withDefault(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)), 100),
      /** Milliseconds; v2 paces its workers by it, we spread starts over the interval. */
      separationInterval: withDefault(NonNegative, 100)
    }),
    {}
  ),
  Checks: withDefault(Schema.Array(Check), []),
  GeoDNS: withDefault(GeoDns, {})
})
export type Local = typeof Local.Type
