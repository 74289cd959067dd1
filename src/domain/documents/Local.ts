import * as Schema from "effect/Schema"
import { CheckType } from "../Target.ts"
import { NonNegative, PortText, Positive, Secret, Switch, Text, withDefault } from "./Field.ts"
import { GeoDns } from "./GeoDns.ts"

/**
 * Every key says what it is for (`description`), its `unit`, and whether a change is in use only after a restart
 * (`restart`): for editors, and for the documentation of all settings.
 */
const Api = {
  ListenAddress: withDefault(Schema.String, "127.0.0.1").annotateKey({
    description: "The address that the API listens on; `::` for all"
  }),
  ListenPort: PortText.annotateKey({ description: "The port; 0 for any that is free, empty for none" }),
  AuthKeys: withDefault(Schema.Record(Schema.String, Schema.RedactedFromValue(Schema.String)), {}).annotateKey({
    description: "Name → key. Who shows a key is known by its name. An empty key opens nothing"
  })
}

/** One configured probe. */
export const Check = Schema.Struct({
  Name: Schema.NonEmptyString.annotateKey({
    description: "The name of the check, and of its probe if no other is named"
  }),
  Enabled: Switch.annotateKey({ description: "0 or 1" }),
  CheckType: CheckType.annotateKey({ description: "What is looked at: a member, a domain of it, or an endpoint" }),
  Timeout: withDefault(Positive, 30).annotateKey({ description: "How long one observation may take", unit: "s" }),
  minimumInterval: Schema.optionalKey(Positive).annotateKey({
    description: "Time between two observations of one target; 60 when missing",
    unit: "s"
  }),
  CheckInterval: Schema.optionalKey(Positive).annotateKey({
    description: "The name of `minimumInterval` in older files",
    unit: "s"
  }),
  ExtraOptions: withDefault(Schema.Record(Schema.String, Schema.Unknown), {}).annotateKey({
    description: "Options of the probe"
  })
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

const location = (what: string) =>
  Text.annotateKey({ description: `${what}: a URL, or a path relative to the local document; empty for none` })

/** The local document: one per node. */
export const Local = Schema.Struct({
  System: Schema.Struct({
    WorkDir: withDefault(Schema.String, "./work").annotateKey({
      description: "Where the node keeps its files; relative to the local document",
      restart: true
    }),
    LogLevel: withDefault(Schema.String, "Info").annotateKey({
      description: "Debug, Info, Warn, Error or Fatal",
      restart: true
    }),
    ConfigReloadTime: withDefault(Positive, 300).annotateKey({
      description: "Time between two readings of all documents; at least 1",
      unit: "s"
    }),
    CacheSaveTime: Schema.optionalKey(Schema.Finite).annotateKey({
      description: "Of v2; changes nothing: files are written when they change",
      unit: "s"
    }),
    MinimumOfflineTime: withDefault(NonNegative, 900).annotateKey({
      description: "A shorter outage is marked as a blip",
      unit: "s"
    }),
    ConfigUrls: Schema.Struct({
      StaticDNSConfig: location("Static DNS records"),
      MembersConfig: location("Members"),
      ServicesConfig: location("Services"),
      IaasPricingConfig: location("Prices"),
      ServicesRequestsConfig: location("Requests per month"),
      AlertsConfig: location("Who is told about which member")
    }).annotateKey({ description: "Where the six shared documents are" })
  }).annotateKey({ description: "The node itself" }),
  Nats: withDefault(
    Schema.Struct({
      NodeID: Text.annotateKey({
        description: "The name of the node on the wire; from the host name and the role when empty",
        restart: true
      }),
      User: Text.annotateKey({ description: "The user at the broker", restart: true }),
      Pass: Secret.annotateKey({ description: "Its password", restart: true }),
      Url: Text.annotateKey({
        description: "The brokers, with commas between them; nats://127.0.0.1:4222 when empty",
        restart: true
      })
    }),
    {}
  ).annotateKey({ description: "The bus" }),
  Mysql: withDefault(
    Schema.Struct({
      Host: Text.annotateKey({ description: "The database server; empty for none", restart: true }),
      Port: PortText.annotateKey({ description: "Its port; 3306 when empty", restart: true }),
      User: Text.annotateKey({ description: "The user", restart: true }),
      Pass: Secret.annotateKey({ description: "The password", restart: true }),
      DB: Text.annotateKey({ description: "The database", restart: true })
    }),
    {}
  ).annotateKey({ description: "The MySQL or MariaDB server of the store" }),
  Maxmind: withDefault(
    Schema.Struct({
      MaxmindDBPath: Text.annotateKey({
        description:
          "The folder with the GeoIP databases, relative to the local document; the work directory when empty",
        restart: true
      }),
      AccountID: Text.annotateKey({ description: "The account for downloads" }),
      LicenseKey: Secret.annotateKey({ description: "Its key" })
    }),
    {}
  ).annotateKey({ description: "GeoIP" }),
  Matrix: withDefault(
    Schema.Struct({
      HomeServerURL: Text.annotateKey({
        description: "The home server, as https://matrix.example; empty for no Matrix",
        restart: true
      }),
      Username: Text.annotateKey({ description: "The user", restart: true }),
      Password: Secret.annotateKey({ description: "The password", restart: true }),
      RoomID: Text.annotateKey({ description: "The room when the alerts document names none", restart: true })
    }),
    {}
  ).annotateKey({ description: "Alerts by Matrix" }),
  DnsApi: withDefault(
    Schema.Struct({
      ...Api,
      MonitorAddress: Text.annotateKey({ description: "The monitor whose results a DNS node begins with" }),
      MonitorPort: PortText.annotateKey({ description: "Its port" }),
      RefreshIntervalSeconds: withDefault(Positive, 30).annotateKey({
        description: "Of v2: time between two questions to the monitor",
        unit: "s"
      })
    }),
    {}
  ).annotateKey({ description: "The HTTP API of DNS nodes" }),
  CollatorApi: withDefault(Schema.Struct(Api), {}).annotateKey({ description: "The HTTP API of collators" }),
  MonitorApi: withDefault(Schema.Struct(Api), {}).annotateKey({ description: "The HTTP API of monitors" }),
  MgmtApi: withDefault(Schema.Struct(Api), {}).annotateKey({
    description: "The management API: overrides and maintenance, for who shows one of its keys"
  }),
  CheckWorkers: withDefault(
    Schema.Struct({
      numWorkers: withDefault(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1)), 100).annotateKey({
        description: "Probes under way at once"
      }),
      separationInterval: withDefault(NonNegative, 100).annotateKey({
        description: "Of v2, which paces its workers by it; starts are spread over the interval instead",
        unit: "ms"
      })
    }),
    {}
  ).annotateKey({ description: "How much is probed at once" }),
  Checks: withDefault(Schema.Array(Check), []).annotateKey({ description: "What is checked" }),
  GeoDNS: withDefault(GeoDns, {}).annotateKey({ description: "What v2 does not know. Every part is optional" })
})
export type Local = typeof Local.Type
