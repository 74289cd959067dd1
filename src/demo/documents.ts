import type { RawDocuments } from "../config/memoryConfig.ts"
import { demoMembers } from "./places.ts"

/** The name that the demo's members serve together. */
export const demoName = "rpc.demo.example"

/** Seconds between two observations of one target. */
const interval = 2

/** The six shared documents, as an operator would write them. All members listen on one port. */
export const sharedDocuments = (memberPort: number) =>
  ({
    staticDns: [
      { qname: "demo.example", qtype: "NS", content: "ns1.demo.example." },
      { qname: "ns1.demo.example", qtype: "A", content: "127.0.0.1" },
      { qname: "www.demo.example", qtype: "CNAME", content: `${demoName}.`, ttl: 300 },
      { qname: "demo.example", qtype: "TXT", content: "v=spf1 -all" }
    ],
    members: Object.fromEntries(demoMembers.map((member) => [member.key, {
      Details: { Name: member.name },
      Membership: { MemberLevel: 3 },
      Service: { Active: 1, ServiceIPv4: member.address },
      ServiceAssignments: { Demo: ["Demo"] },
      Location: {
        Region: member.region,
        Latitude: member.location.latitude,
        Longitude: member.location.longitude
      }
    }])),
    services: {
      Demo: {
        Configuration: { Name: "Demo", ServiceType: "RPC", Active: 1, LevelRequired: 1 },
        Resources: { nodes: 1, cores: 4, memory: 16, disk: 512, bandwidth: 1000 },
        Providers: { Demo: { RpcUrls: [`ws://${demoName}:${memberPort}/demo`] } }
      }
    },
    pricing: Object.fromEntries(
      demoMembers.map((member) => [member.region, { cores: 14, memory: 1.25, disk: 0.18, bandwidth: 0.1 }])
    ),
    requests: {},
    alerts: { matrix: {} }
  }) satisfies RawDocuments

/** What all local documents of the demo say. */
export const localDocument = (options: { readonly nodeId: string; readonly dnsListen: string }) =>
  ({
    System: { WorkDir: options.nodeId, LogLevel: "Warn", ConfigReloadTime: 5, MinimumOfflineTime: 5 },
    Nats: { NodeID: options.nodeId },
    Maxmind: { MaxmindDBPath: "geo" },
    CheckWorkers: { numWorkers: 20 },
    Checks: [
      { Name: "http", Enabled: 1, CheckType: "endpoint", Timeout: 2, minimumInterval: interval }
    ],
    GeoDNS: {
      Checks: { http: { FailAfter: 2, RecoverAfter: 2 } },
      // Its members fail every few minutes, for as long as it runs.
      FlapDamping: { Enabled: false },
      Dns: {
        Listen: options.dnsListen,
        Zones: { "demo.example": { mname: "ns1.demo.example", rname: "hostmaster.demo.example" } }
      },
      Steering: { Ttl: 5 }
    }
  }) satisfies RawDocuments["local"]
