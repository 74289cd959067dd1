import * as Schema from "effect/Schema"
import { NonNegative, Switch, Text, Texts } from "./Field.ts"

/** Something that members serve. */
export const Service = Schema.Struct({
  Configuration: Schema.Struct({
    Name: Schema.NonEmptyString,
    /** `RPC`, `ETHRPC` …: decides which checks apply. */
    ServiceType: Schema.NonEmptyString,
    Active: Switch,
    /** The lowest `MemberLevel` that may serve it. */
    LevelRequired: Schema.Int,
    NetworkName: Text,
    RelayNetwork: Text,
    NetworkType: Text,
    DisplayName: Text,
    WebsiteURL: Text,
    LogoURL: Text,
    Description: Text,
    StateRootHash: Text
  }),
  /** What one member needs to serve it: the base of its cost. */
  Resources: Schema.Struct({
    nodes: NonNegative,
    cores: NonNegative,
    memory: NonNegative,
    disk: NonNegative,
    bandwidth: NonNegative
  }),
  Providers: Schema.Record(Schema.String, Schema.Struct({ RpcUrls: Texts }))
})
export type Service = typeof Service.Type

/** The services document: key → service. */
export const Services = Schema.Record(Schema.String, Service)
export type Services = typeof Services.Type
