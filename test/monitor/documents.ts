import * as Schema from "effect/Schema"
import type { RawDocuments } from "../../src/config/memoryConfig.ts"
import { type Catalog, makeCatalog } from "../../src/domain/Catalog.ts"
import { Local } from "../../src/domain/documents/Local.ts"
import { Members } from "../../src/domain/documents/Members.ts"
import { Services } from "../../src/domain/documents/Services.ts"

type RawLocal = NonNullable<RawDocuments["local"]>
export type RawCheck = NonNullable<RawLocal["Checks"]>[number]
export type RawMember = NonNullable<RawDocuments["members"]>[string]
export type RawService = NonNullable<RawDocuments["services"]>[string]

/** A check document. */
export const rawCheck = (check: Partial<RawCheck> & Pick<RawCheck, "Name" | "CheckType">): RawCheck => ({
  Enabled: 1,
  Timeout: 4,
  minimumInterval: 10,
  ...check
})

/** An active member that is assigned to these services. */
export const rawMember = (options: {
  readonly name: string
  readonly services?: ReadonlyArray<string>
  readonly level?: number
  readonly ipv4?: string
  readonly ipv6?: string
  readonly active?: 0 | 1
  readonly override?: boolean
}): RawMember => ({
  Details: { Name: options.name },
  Membership: { MemberLevel: options.level ?? 5 },
  Service: {
    Active: options.active ?? 1,
    ServiceIPv4: options.ipv4 ?? "192.0.2.1",
    ServiceIPv6: options.ipv6 ?? ""
  },
  ServiceAssignments: { All: options.services ?? [] },
  Location: { Latitude: 0, Longitude: 0 },
  Override: options.override ?? false
})

/** An active service at these URLs. */
export const rawService = (options: {
  readonly urls: ReadonlyArray<string>
  readonly type?: string
  readonly level?: number
  readonly active?: 0 | 1
}): RawService => ({
  Configuration: {
    Name: "service",
    ServiceType: options.type ?? "RPC",
    Active: options.active ?? 1,
    LevelRequired: options.level ?? 1
  },
  Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
  Providers: { Provider: { RpcUrls: [...options.urls] } }
})

/** The local document, decoded. */
export const decodeLocal = (local: RawLocal): Local =>
  Schema.decodeUnknownSync(Local)({ ...local, System: { ConfigUrls: {}, ...local.System } })

/** The catalog of these documents. */
export const catalogOf = (
  members: Readonly<Record<string, RawMember>>,
  services: Readonly<Record<string, RawService>>
): Catalog => makeCatalog(Schema.decodeUnknownSync(Members)(members), Schema.decodeUnknownSync(Services)(services))
