import * as IpNetwork from "effect/net/IpNetwork"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { readListenAddress } from "../ListenAddress.ts"
import { NonNegative, Positive, Secret, Text, withDefault } from "./Field.ts"

const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))
const Percent = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 }))

/** How decisions are made. */
export const ConsensusSettings = Schema.Struct({
  Mode: withDefault(Schema.Literals(["open", "prefer", "require"]), "open").annotateKey({
    description:
      "Whether messages need signatures: none does, those in the name of a member of the roster do, or decisions are certificates",
    restart: true
  }),
  KeyFile: Schema.optionalKey(Schema.NonEmptyString).annotateKey({
    description: "The private key that this node signs with; relative to the local document",
    restart: true
  }),
  Roster: Schema.optionalKey(
    Schema.Union([Schema.NonEmptyString, Schema.Record(Schema.String, Schema.Unknown)])
  ).annotateKey({
    description:
      "The members and their keys, or the path of a file with them, relative to the local document; read again when it changes"
  }),
  OperatorKey: Schema.optionalKey(Schema.NonEmptyString).annotateKey({
    description:
      "The public key of the operator who signs rosters: others are refused. Any local roster is taken when missing",
    restart: true
  }),
  Electorate: withDefault(Schema.Literals(["heard", "roster"]), "heard").annotateKey({
    description:
      "Who votes: the monitors that are heard, or those of the roster. With `Mode: require` always the roster",
    restart: true
  }),
  FreshFor: Schema.optionalKey(Positive).annotateKey({
    description:
      "How old an observation may be that a vote rests on, and never older than the interval of its check. 10 when missing",
    unit: "s"
  }),
  Shadow: withDefault(Schema.Boolean, false).annotateKey({
    description: "Takes part in nothing, and shows where it would have differed",
    restart: true
  }),
  MinimumVotes: withDefault(Count, 2).annotateKey({
    description:
      "Votes that a side needs besides the majority. Never below 2 in a cluster; 1 only for a single monitor on its own. Without effect with `Mode: require`"
  })
})
export type ConsensusSettings = typeof ConsensusSettings.Type

/** What our nodes want to know of one check beside v2's keys. */
export const CheckSettings = Schema.Struct({
  Probe: Schema.optionalKey(Schema.String).annotateKey({
    description: "The probe that runs; the name of the check when missing"
  }),
  FailAfter: withDefault(Count, 2).annotateKey({
    description: "Consecutive failures before the debounced status is down"
  }),
  RecoverAfter: withDefault(Count, 2).annotateKey({
    description: "Consecutive successes before the debounced status is up"
  }),
  MinimumStateTime: withDefault(NonNegative, 0).annotateKey({
    description: "How long a decided status lasts at least before this node proposes another",
    unit: "s"
  })
})
export type CheckSettings = typeof CheckSettings.Type

/** One service that an agent looks at on its own machine. */
export const AgentServiceSettings = Schema.Struct({
  Probe: Schema.NonEmptyString.annotateKey({ description: "The probe that runs" }),
  Url: Schema.String.annotateKey({
    description:
      "What is asked for, as `wss://rpc.example/kusama`: with the public name, which the certificate must have"
  }),
  Address: withDefault(Schema.String, "127.0.0.1").annotateKey({
    description: "The address that is dialled, whatever the DNS says of the name"
  }),
  Timeout: withDefault(Positive, 5).annotateKey({
    description: "How long one probe may take",
    unit: "s"
  }),
  ExtraOptions: withDefault(Schema.Record(Schema.String, Schema.Unknown), {}).annotateKey({
    description: "Options of the probe, as in `Checks`"
  })
})
export type AgentServiceSettings = typeof AgentServiceSettings.Type

/** What an agent looks at on a member's machine, and whom it speaks for. */
export const AgentSettings = Schema.Struct({
  Member: Schema.NonEmptyString.annotateKey({
    description: "The member that it speaks for, by its key in the members document"
  }),
  Interval: withDefault(Positive, 15).annotateKey({
    description: "Time between two reports; at least 1",
    unit: "s"
  }),
  Services: withDefault(Schema.Record(Schema.String, AgentServiceSettings), {}).annotateKey({
    description: "What it looks at, by names of your own; nothing: it only says that the machine is there"
  })
})
export type AgentSettings = typeof AgentSettings.Type

/** How targets that go down too often are held down, in the terms of RFC 2439: each time that one goes down costs 1,000 points. */
export const FlapDampingSettings = Schema.Struct({
  Enabled: withDefault(Schema.Boolean, true).annotateKey({
    description: 'Whether this monitor leaves the "up" of targets that flap for later. It never delays a "down"'
  }),
  HalfLife: withDefault(Positive, 900).annotateKey({
    description: "In so much time the points of a target fall to their half",
    unit: "s"
  }),
  SuppressLimit: withDefault(Positive, 5000).annotateKey({
    description: "A target with more points is held down. Each time that it went down cost 1000"
  }),
  ReuseLimit: withDefault(Positive, 2000).annotateKey({
    description: "A target that is held is proposed as up again when it has fewer points"
  }),
  MaxSuppressTime: withDefault(Positive, 3600).annotateKey({
    description: "No target is held for longer than this after it went down last",
    unit: "s"
  })
}).check(
  Schema.makeFilter(
    ({ HalfLife, MaxSuppressTime, ReuseLimit, SuppressLimit }) =>
      ReuseLimit < SuppressLimit && ReuseLimit * 2 ** (MaxSuppressTime / HalfLife) > SuppressLimit,
    {
      expected: "a ReuseLimit below the SuppressLimit, and a MaxSuppressTime long enough to fall from one to the other"
    }
  )
)
export type FlapDampingSettings = typeof FlapDampingSettings.Type

/** Where outages and usage are kept. */
export const StoreSettings = Schema.Struct({
  /** `storeDriver` says which one is in use when it is missing. */
  Driver: Schema.optionalKey(Schema.Literals(["sqlite", "mysql", "memory"])).annotateKey({
    description: "mysql when `Mysql.Host` is set, else sqlite",
    restart: true
  }),
  File: withDefault(Schema.String, "geodns.sqlite").annotateKey({
    description: "SQLite only; relative to the work directory",
    restart: true
  }),
  PoolSize: withDefault(Count, 4).annotateKey({ description: "MySQL only: connections at once", restart: true }),
  Tls: Schema.optionalKey(
    Schema.Struct({
      CaFile: Schema.optionalKey(Schema.String).annotateKey({
        description: "The authorities that are trusted instead of those of the system; relative to the local document",
        restart: true
      }),
      Verify: withDefault(Schema.Boolean, true).annotateKey({
        description: "Whether the server must prove who it is",
        restart: true
      })
    })
  ).annotateKey({ description: "MySQL only: TLS to the server. None when missing", restart: true })
})
export type StoreSettings = typeof StoreSettings.Type

/** The embedded DNS server. */
export const DnsSettings = Schema.Struct({
  Listen: withDefault(
    Schema.String.check(
      Schema.makeFilter<string>((listen) => readListenAddress(listen) !== undefined, {
        expected: "an address and a port, as 127.0.0.1:5300 or [::]:53"
      })
    ),
    "127.0.0.1:5300"
  ).annotateKey({ description: "`address:port`; `[::]:53` for all addresses", restart: true }),
  Tcp: withDefault(Schema.Boolean, true).annotateKey({
    description: "Whether it answers over TCP, too",
    restart: true
  }),
  PowerDnsSocket: Schema.optionalKey(Schema.NonEmptyString).annotateKey({
    description:
      "The Unix socket on which PowerDNS is answered: a path, relative to the local document. None when missing",
    restart: true
  }),
  PowerDnsHttp: Schema.optionalKey(
    Schema.String.check(
      Schema.makeFilter<string>((listen) => readListenAddress(listen) !== undefined, {
        expected: "an address and a port, as 127.0.0.1:8053"
      })
    )
  ).annotateKey({
    description: "The `address:port` on which PowerDNS is answered over HTTP. None when missing",
    restart: true
  }),
  RateLimit: withDefault(
    Schema.Struct({
      ResponsesPerSecond: withDefault(NonNegative, 400).annotateKey({
        description:
          "Answers of one kind that the clients of one network (/24, /56) get over UDP per second. 0 for no limit"
      }),
      Slip: withDefault(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })), 2).annotateKey({
        description:
          "Every so many-th answer beyond that is sent truncated, so that real clients come over TCP; the others are dropped. 0 to drop all"
      }),
      Exempt: withDefault(
        Schema.Array(
          Schema.String.check(
            Schema.makeFilter<string>((text) => Result.isSuccess(IpNetwork.fromString(text)), {
              expected: "a network, as 192.0.2.0/24 or 2001:db8::/32"
            })
          )
        ),
        ["127.0.0.0/8", "::1/128"]
      ).annotateKey({ description: "Networks of clients that are never limited" })
    }),
    {}
  ).annotateKey({ description: "How many answers over UDP go to one network" }),
  Cookies: withDefault(Schema.Boolean, true).annotateKey({
    description: "Whether clients that send DNS cookies get one, with which they are not limited"
  }),
  CookieSecret: Schema.optionalKey(
    Schema.RedactedFromValue(
      Schema.String.check(Schema.isPattern(/^[0-9A-Fa-f]{32}$/, { expected: "32 hexadecimal digits" }))
    )
  ).annotateKey({
    description:
      "What cookies are made with: 32 hexadecimal digits, the same for all servers behind one address. One of the process when missing"
  }),
  Nsid: withDefault(
    Schema.String.check(Schema.isPattern(/^[\x20-\x7e]{0,128}$/, { expected: "at most 128 characters of ASCII" })),
    ""
  ).annotateKey({ description: "What the server calls itself when a client asks for its identifier (NSID)" }),
  ExplainNames: withDefault(Schema.Boolean, false).annotateKey({
    description:
      "Whether TXT questions for explain.<name> are answered with why the members of <name> are chosen. Anybody can ask then"
  }),
  Keys: withDefault(Schema.Record(Schema.String, Schema.NonEmptyString), {}).annotateKey({
    description:
      "Zone → file with the private keys that PowerDNS signs it with, as `pdnsutil generate-zone-key` writes them; relative to the local document",
    restart: true
  }),
  Zones: withDefault(
    Schema.Record(
      Schema.String,
      Schema.Struct({
        mname: Text.annotateKey({ description: "The primary name server" }),
        rname: Text.annotateKey({ description: "The mailbox of who is responsible, as a name" }),
        refresh: withDefault(Positive, 3600).annotateKey({ description: "For secondary servers", unit: "s" }),
        retry: withDefault(Positive, 600).annotateKey({ description: "For secondary servers", unit: "s" }),
        expire: withDefault(Positive, 604800).annotateKey({ description: "For secondary servers", unit: "s" }),
        minimum: withDefault(NonNegative, 60).annotateKey({
          description: "How long it may be remembered that a name does not exist",
          unit: "s"
        })
      })
    ),
    {}
  ).annotateKey({ description: "What the SOA record of a zone says, by the name of the zone" })
})

/** How a member is chosen. */
export const SteeringSettings = Schema.Struct({
  SharedHost: withDefault(Schema.Literals(["share", "any"]), "share").annotateKey({
    description: "When a host of several services is down: by the share of them, or when any is"
  }),
  SharePercent: withDefault(Percent, 50).annotateKey({
    description: "A shared host counts as down when more than this share of its services is down",
    unit: "%"
  }),
  NearTieKm: withDefault(NonNegative, 50).annotateKey({
    description: "Members that are at most so much farther share the clients",
    unit: "km"
  }),
  NearTiePercent: withDefault(Percent, 5).annotateKey({ description: "The same by the distance itself", unit: "%" }),
  Ttl: withDefault(NonNegative, 30).annotateKey({ description: "The TTL of answers", unit: "s" }),
  TtlFloor: withDefault(NonNegative, 5).annotateKey({
    description: "The TTL of answers while a change is near: a member of the name is voted on, or is down and held",
    unit: "s"
  }),
  AllDown: withDefault(Schema.Literals(["last-good", "all", "fallback", "empty"]), "last-good").annotateKey({
    description: "The answer when all members of a name are down"
  }),
  Fallback: withDefault(Schema.String, "").annotateKey({ description: "The address for `AllDown: fallback`" }),
  MaxRemovedShare: Schema.optionalKey(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))).annotateKey({
    description:
      "The share of the members of a name that may be taken out within a minute, one member in any case. A third when missing"
  }),
  RecordsPerAnswer: withDefault(Count, 1).annotateKey({ description: "Addresses in an answer" }),
  Weights: withDefault(Schema.Record(Schema.String, Positive), {}).annotateKey({
    description: "Member → weight among members that are as near; 1 when missing"
  })
})
export type SteeringSettings = typeof SteeringSettings.Type

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host)

/** Where the archive of an edition is. The credentials go there: in the clear only within the machine. */
const isDownloadUrl = (template: string): boolean => {
  const text = template.replaceAll("{edition}", "edition")
  if (!template.includes("{edition}") || !URL.canParse(text)) return false
  const { hostname, password, protocol, username } = new URL(text)
  return username === "" && password === "" && (protocol === "https:" || protocol === "http:" && isLoopback(hostname))
}

/** How the GeoIP databases are kept up to date. */
export const GeoIpSettings = Schema.Struct({
  Url: withDefault(
    Schema.String.check(
      Schema.makeFilter<string>(isDownloadUrl, {
        expected: "an https URL with {edition} in it, as https://download.example/databases/{edition}/download"
      })
    ),
    "https://download.maxmind.com/geoip/databases/{edition}/download"
  ).annotateKey({
    description: "Where databases are downloaded: asked with `suffix=tar.gz` and `suffix=tar.gz.sha256`"
  }),
  Editions: withDefault(
    Schema.Array(
      Schema.String.check(Schema.isPattern(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, { expected: "the name of an edition" }))
    ),
    ["GeoLite2-City", "GeoLite2-ASN"]
  ).annotateKey({ description: "Databases that are downloaded. A City database has the countries, too" }),
  Interval: withDefault(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(60)), 21_600).annotateKey({
    description: "Time between two questions whether there is a newer one; at least 60. Asking is no download",
    unit: "s"
  }),
  DownloadsPerDay: withDefault(Count, 6).annotateKey({
    description:
      "Downloads within 24 hours, whether they succeed or not. MaxMind allows an account 30 a day, of all nodes"
  })
})
export type GeoIpSettings = typeof GeoIpSettings.Type

const WebUrl = Schema.String.check(
  Schema.makeFilter<string>((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    expected: "an http or https URL"
  })
)

/** Who is told. */
export const AlertSettings = Schema.Struct({
  Alertmanager: Schema.optionalKey(
    Schema.Struct({
      Urls: Schema.Array(WebUrl).annotateKey({
        description: "Where they are, as http://127.0.0.1:9093: each gets all alerts",
        restart: true
      }),
      Interval: withDefault(Schema.Finite.check(Schema.isBetween({ minimum: 1, maximum: 120 })), 15).annotateKey({
        description: "Time between two times that all open alerts are sent; at most 120",
        unit: "s",
        restart: true
      })
    })
  ).annotateKey({ description: "The Alertmanagers", restart: true }),
  Webhooks: Schema.optionalKey(Schema.Array(
    Schema.Struct({
      Name: Schema.optionalKey(Schema.NonEmptyString.check(Schema.isMaxLength(64))).annotateKey({
        description: "What operators call it; its place in the list when missing. Nothing is remembered by it",
        restart: true
      }),
      Url: WebUrl.annotateKey({ description: "The URL that is called", restart: true }),
      Secret: Secret.annotateKey({
        description: "The secret that signs the calls; not signed when empty",
        restart: true
      })
    })
  )).annotateKey({
    description: "URLs that are called, with the secret that signs the calls",
    restart: true
  }),
  Dashboard: Text.annotateKey({
    description: "The URL of the status page or another dashboard, that alerts lead to. None when empty",
    restart: true
  }),
  StormWindow: withDefault(NonNegative, 60).annotateKey({
    description:
      "Outages that open within this time of each other and belong together (one member; members in one country or network, or near each other) are told as one. 0 for each by itself",
    unit: "s"
  }),
  StormRadius: withDefault(NonNegative, 50).annotateKey({
    description: "Members that are at most so far apart belong together in a storm",
    unit: "km"
  })
})

/** Which addresses this node connects to for URLs that are not its own. */
export const OutboundSettings = Schema.Struct({
  Allow: withDefault(
    Schema.Array(
      Schema.String.check(
        Schema.makeFilter<string>((text) => Result.isSuccess(IpNetwork.fromString(text)), {
          expected: "a network, as 192.0.2.0/24 or 2001:db8::/32"
        })
      )
    ),
    []
  ).annotateKey({
    description:
      "Networks beside the internet that webhooks, Alertmanagers, the Matrix server and the addresses of ACME challenges may be in. What a URL of this document names by its address, or as localhost, is allowed by that; of a challenge, which stands in a shared document, it is not",
    restart: true
  })
})

/** How service levels are reckoned. */
export const SlaSettings = Schema.Struct({
  ExcludeBlips: Schema.optionalKey(Schema.Boolean).annotateKey({
    description: "Whether short outages are left out"
  }),
  DualStack: Schema.optionalKey(Schema.Literals(["all", "any"])).annotateKey({
    description: "With `all` a member is down when every IP version that it offers is"
  })
})

/** Settings that are read and checked, and change nothing in this version. */
export const unusedSettings: ReadonlyArray<ReadonlyArray<string>> = [
  ["Sla", "ExcludeBlips"],
  ["Sla", "DualStack"]
]

/** How the broker is reached, beside v2's `Nats`. Files are paths relative to the local document. */
export const NatsSettings = Schema.Struct({
  CredentialsFile: Schema.optionalKey(Schema.String).annotateKey({
    description: "A credentials file, as `nsc` makes it; relative to the local document",
    restart: true
  }),
  NKeySeed: Schema.optionalKey(Schema.RedactedFromValue(Schema.String)).annotateKey({
    description: "The seed of an nkey, `SU…`",
    restart: true
  }),
  Tls: Schema.optionalKey(
    Schema.Struct({
      CaFile: Schema.optionalKey(Schema.String).annotateKey({
        description: "The authorities that are trusted; relative to the local document",
        restart: true
      }),
      CertFile: Schema.optionalKey(Schema.String).annotateKey({
        description: "The certificate of this node; relative to the local document",
        restart: true
      }),
      KeyFile: Schema.optionalKey(Schema.String).annotateKey({
        description: "The key of the certificate; relative to the local document",
        restart: true
      }),
      HandshakeFirst: withDefault(Schema.Boolean, false).annotateKey({
        description: "For servers with `handshake_first`",
        restart: true
      })
    })
  ).annotateKey({
    description: "TLS with more than the authorities of the system. `tls://` in `Nats.Url` asks for it, too",
    restart: true
  })
})

/** The HTTP APIs. */
export const HttpSettings = Schema.Struct({
  Tls: Schema.optionalKey(
    Schema.Struct({
      CertFile: Schema.String.annotateKey({
        description: "The certificate; relative to the local document; read again when it changes"
      }),
      KeyFile: Schema.String.annotateKey({
        description: "Its key; relative to the local document; read again when it changes"
      })
    })
  ).annotateKey({ description: "Speaks HTTPS" }),
  RateLimit: withDefault(
    Schema.Struct({
      PerSecond: withDefault(NonNegative, 50).annotateKey({
        description: "Requests of one client address per second, on average. 0 for no limit"
      }),
      Burst: withDefault(Count, 200).annotateKey({ description: "Requests that may come at once" })
    }),
    {}
  ).annotateKey({ description: "How much one client may ask" })
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
  "/api/explain",
  "/api/openapi.json"
]

/** The `GeoDNS` key of the local document, which v2 ignores. Every part is optional. */
export const GeoDns = Schema.Struct({
  Consensus: withDefault(ConsensusSettings, {}).annotateKey({ description: "How decisions are made" }),
  Checks: withDefault(Schema.Record(Schema.String, CheckSettings), {}).annotateKey({
    description: "More about the checks, by their names"
  }),
  Agent: Schema.optionalKey(AgentSettings).annotateKey({
    description: "What `geodns agent` looks at on a member's machine, read once at its start; nodes do not read it"
  }),
  FlapDamping: withDefault(FlapDampingSettings, {}).annotateKey({
    description: "How targets that go down too often are held down"
  }),
  Store: withDefault(StoreSettings, {}).annotateKey({ description: "Where outages and usage are kept" }),
  Dns: withDefault(DnsSettings, {}).annotateKey({ description: "The DNS server" }),
  Steering: withDefault(SteeringSettings, {}).annotateKey({ description: "How a member is chosen" }),
  GeoIp: withDefault(GeoIpSettings, {}).annotateKey({
    description: "How GeoIP databases are kept up to date, with the account of `Maxmind`"
  }),
  Alerts: withDefault(AlertSettings, {}).annotateKey({ description: "Who is told" }),
  Outbound: withDefault(OutboundSettings, {}).annotateKey({
    description: "Which addresses this node connects to when it tells others, and for ACME challenges"
  }),
  Sla: withDefault(SlaSettings, {}).annotateKey({ description: "How service levels are reckoned" }),
  Nats: withDefault(NatsSettings, {}).annotateKey({ description: "How the broker is reached, beside `Nats`" }),
  Http: withDefault(HttpSettings, {}).annotateKey({ description: "The HTTP APIs" }),
  Public: withDefault(Schema.Array(Schema.String), publicRoutes).annotateKey({
    description: "Routes of the HTTP API that need no key, and what is below them. Writing always needs one"
  })
})
export type GeoDns = typeof GeoDns.Type
