import * as IpInterface from "effect/net/IpInterface"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type { ZoneAnswer } from "../dns/ZoneAnswer.ts"
import { hostName } from "../domain/Catalog.ts"
import { WireTime } from "../domain/wire/WireTime.ts"
import type { Explanation } from "../steering/Choice.ts"

/** The address that stands for a client: itself, or the first of its network. Undefined when it is neither. */
const clientAddress = (client: string): string | undefined =>
  IpInterface.fromString(client, { prefix: "optional" }).pipe(
    Result.map((value) => NetAddress.formatIp(IpNetwork.fromInterface(value).address)),
    Result.getOrUndefined
  )

const isName = (name: string): boolean => {
  const host = hostName(name)
  return host !== "" && host.length <= 253 && host.split(".").every((label) => label !== "" && label.length <= 63)
}

/** What `GET /api/explain` is asked, as search parameters. */
export const ExplainQuestion = {
  /** A host name, in any case; decoded to the form of `hostName`. */
  name: Schema.String.check(
    Schema.makeFilter<string>(isName, { expected: "a host name, as rpc.example.org" })
  ).pipe(
    Schema.decodeTo(Schema.String, SchemaTransformation.transform({ decode: hostName, encode: (name) => name }))
  ),
  /** An IP address, or a network in CIDR form as a resolver would pass it on; decoded to the address that stands for it. */
  client: Schema.String.check(
    Schema.makeFilter<string>((client) => clientAddress(client) !== undefined, {
      expected: "an IP address or a network, as 203.0.113.7 or 2001:db8::/56"
    })
  ).pipe(
    Schema.decodeTo(
      Schema.String,
      SchemaTransformation.transform({
        decode: (client) => clientAddress(client) ?? client,
        encode: (address) => address
      })
    )
  ),
  type: Schema.optionalKey(Schema.Literals(["A", "AAAA"]))
}

const Location = Schema.Struct({ latitude: Schema.Finite, longitude: Schema.Finite })

const Exclusion = Schema.Union([
  Schema.TaggedStruct("Inactive", {}),
  Schema.TaggedStruct("Overridden", {
    override: Schema.UndefinedOr(Schema.Struct({
      kind: Schema.Literals(["override", "maintenance"]),
      reason: Schema.String,
      author: Schema.String,
      until: Schema.UndefinedOr(WireTime)
    }))
  }),
  Schema.TaggedStruct("NotAssigned", {}),
  Schema.TaggedStruct("BelowLevel", { level: Schema.Finite, required: Schema.Finite }),
  Schema.TaggedStruct("NoAddress", {}),
  Schema.TaggedStruct("Down", {
    decision: Schema.String,
    target: Schema.String,
    error: Schema.String,
    since: WireTime
  })
])

const Candidate = Schema.Struct({
  member: Schema.String,
  address: Schema.String,
  distance: Schema.UndefinedOr(Schema.Finite),
  chosen: Schema.Boolean,
  answers: Schema.Boolean,
  exclusions: Schema.Array(Exclusion),
  heldUntil: Schema.UndefinedOr(WireTime)
})

/** An explanation of steering as it travels: the type is that of `Steering.explain`. Places not known are null in JSON. */
const ExplanationJson: Schema.Codec<Explanation, unknown> = Schema.Struct({
  name: Schema.String,
  ipv6: Schema.Boolean,
  client: Schema.Struct({ location: Schema.UndefinedOr(Location), scope: Schema.String }),
  choice: Schema.Struct({
    addresses: Schema.Array(Schema.String),
    members: Schema.Array(Schema.String),
    ttl: Schema.Finite
  }),
  rule: Schema.Literals(["nearest", "near-tie", "unknown-place", "last-good", "all", "fallback", "empty"]),
  because: Schema.String,
  candidates: Schema.Array(Candidate)
})

/** What the zones say, as it travels. */
const ZoneJson: Schema.Codec<ZoneAnswer, unknown> = Schema.Struct({
  zone: Schema.String,
  name: Schema.String,
  rule: Schema.Literals([
    "members",
    "static",
    "delegated",
    "no-data",
    "no-name",
    "outside",
    "endless",
    "unavailable"
  ]),
  records: Schema.Array(
    Schema.Struct({ name: Schema.String, type: Schema.String, ttl: Schema.Finite, data: Schema.String })
  ),
  servers: Schema.Array(Schema.String),
  nearest: Schema.Array(Schema.String),
  lines: Schema.Array(Schema.String)
})

/** What `GET /api/explain` answers. */
export const ExplainAnswer = Schema.Struct({
  /** The node that explains. Others answer alike, as far as they have heard the same decisions. */
  node: Schema.String,
  at: WireTime,
  /** The address that was looked up. */
  address: Schema.String,
  country: Schema.String,
  countryName: Schema.String,
  asn: Schema.String,
  network: Schema.String,
  /** What the zones say about the question: they come first. */
  zone: ZoneJson,
  /** How members are chosen, where they are: `zone.rule` is `members`. Null in JSON where not. */
  explanation: Schema.UndefinedOr(ExplanationJson)
})
export type ExplainAnswer = typeof ExplainAnswer.Type
