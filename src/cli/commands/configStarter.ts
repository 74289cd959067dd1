import { documentKeys } from "../../domain/documents/Local.ts"

/** The name that the starter's members serve. */
export const starterName = "rpc.geodns.example"

const files = {
  StaticDNSConfig: "static-dns.json",
  MembersConfig: "members.json",
  ServicesConfig: "services.json",
  IaasPricingConfig: "prices.json",
  ServicesRequestsConfig: "requests.json",
  AlertsConfig: "alerts.json"
} as const

/** The addresses of the two members. */
const [here, there] = ["127.0.0.1", "127.0.0.2"]

const api = { ListenAddress: here, ListenPort: "6100" }

/**
 * A set of documents to begin with, by the names of their files: everything on loopback. Both members are the node
 * itself, at the two addresses where its API listens, which is what is checked: there is something to see at once, and
 * when one is taken out the other answers.
 */
export const starterDocuments = (
  options: { readonly key: string }
): Readonly<Record<string, unknown>> => ({
  "local.json": {
    System: {
      WorkDir: "./work",
      LogLevel: "Info",
      ConfigReloadTime: 300,
      MinimumOfflineTime: 900,
      ConfigUrls: Object.fromEntries(documentKeys.map((key) => [key, files[key]]))
    },
    Nats: { NodeID: "node-1", Url: "", User: "", Pass: "" },
    DnsApi: api,
    MonitorApi: api,
    CollatorApi: api,
    MgmtApi: { ...api, ListenAddress: there, AuthKeys: { operator: options.key } },
    CheckWorkers: { numWorkers: 20 },
    Checks: [{ Name: "http", Enabled: 1, CheckType: "endpoint", Timeout: 5, minimumInterval: 15 }],
    GeoDNS: {
      Checks: { http: { FailAfter: 2, RecoverAfter: 2 } },
      Store: { Driver: "sqlite" },
      Dns: {
        Listen: "127.0.0.1:5300",
        Zones: { "geodns.example": { mname: "ns1.geodns.example", rname: "hostmaster.geodns.example" } }
      },
      Steering: { Ttl: 30 }
    }
  },
  [files.StaticDNSConfig]: [
    { qname: "geodns.example", qtype: "NS", content: "ns1.geodns.example.", ttl: 3600 },
    { qname: "ns1.geodns.example", qtype: "A", content: "127.0.0.1", ttl: 3600 }
  ],
  [files.MembersConfig]: {
    here: member("Here", here, { Region: "Europe", Latitude: 52.52, Longitude: 13.4 }),
    there: member("There", there, { Region: "North America", Latitude: 38.9, Longitude: -77 })
  },
  [files.ServicesConfig]: {
    Example: {
      Configuration: {
        Name: "Example",
        ServiceType: "RPC",
        Active: 1,
        LevelRequired: 1,
        DisplayName: "An example",
        Description: "Answered by the node itself: put your own service in its place"
      },
      Resources: { nodes: 1, cores: 4, memory: 16, disk: 500, bandwidth: 10 },
      Providers: { Example: { RpcUrls: [`http://${starterName}:6100/live`] } }
    }
  },
  [files.IaasPricingConfig]: {
    Europe: { cores: 10, memory: 2, disk: 0.1, bandwidth: 1 },
    "North America": { cores: 12, memory: 2, disk: 0.1, bandwidth: 1 }
  },
  [files.ServicesRequestsConfig]: {},
  [files.AlertsConfig]: { matrix: { room: "", internal_room: "", members: {} } }
})

const member = (name: string, address: string, location: object) => ({
  Details: { Name: name, Website: "", Logo: "" },
  Membership: { MemberLevel: 1, Joined: 0, LastRankup: 0 },
  Service: { Active: 1, ServiceIPv4: address, ServiceIPv6: "", MonitorUrl: "" },
  ServiceAssignments: { rpc: ["Example"] },
  Location: location
})
