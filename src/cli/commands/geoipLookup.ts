import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as References from "effect/References"
import { resolve } from "node:path"
import { readAddress } from "../../geo/address.ts"
import { GeoIp, type Place } from "../../geo/GeoIp.ts"
import { Conditions } from "../../node/Conditions.ts"
import { geoOf } from "../../roles/geo.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import { terminalColumns } from "../terminal.ts"
import { table } from "../text/table.ts"

const isAddress = (text: string): boolean => readAddress(text, new Uint32Array(4)) !== 0

const dayOf = (millis: number): string => new Date(millis).toISOString().slice(0, 10)

const cells = (address: string, { asn, country, countryName, location, network, prefix }: Place) =>
  [
    address,
    country === "??" ? "unknown" : `${countryName} (${country})`,
    location === undefined ? "unknown" : `${location.latitude}, ${location.longitude}`,
    asn === "" ? "unknown" : `${asn} ${network}`.trim(),
    prefix === 0 ? "" : `/${prefix}`
  ].map((text) => ({ text }))

/** Looks addresses up in the databases of a directory, as a DNS node would. */
const lookup = Effect.fnUntraced(function*(directory: string, addresses: ReadonlyArray<string>) {
  const geo = yield* GeoIp
  const { databases } = geo
  if (databases.length === 0) {
    const wrong = yield* Conditions.use(({ current }) => current)
    return yield* new CliError.UserError({
      cause: wrong,
      userMessage: [`there is no GeoIP database to look into in ${directory}`, ...wrong.map(({ detail }) => detail)]
        .join("\n")
    })
  }
  return { databases, places: addresses.map((address) => ({ address, place: geo.locate(address) })) }
})

export const geoipLookup = Command.make(
  "lookup",
  {
    addresses: Argument.String("address").pipe(
      Argument.withDescription("An IP address"),
      Argument.filter(isAddress, (text) => `${text} is no IP address`),
      Argument.variadic({ min: 1 })
    ),
    config: Flag.String("config").pipe(
      Flag.withAlias("c"),
      Flag.withDescription("The local document that names the databases"),
      Flag.optional
    ),
    directory: Flag.String("directory").pipe(
      Flag.withAlias("d"),
      Flag.withDescription("The folder of the databases (*.mmdb)"),
      Flag.optional
    ),
    json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON document"), Flag.withDefault(false))
  },
  Effect.fn(function*({ addresses, config, directory, json }) {
    const where = Option.isSome(directory)
      ? resolve(directory.value)
      : (yield* toUserError(geoOf(Option.getOrElse(config, () => "")))).directory
    const { databases, places } = yield* lookup(where, addresses).pipe(
      Effect.provide(GeoIp.layer(where)),
      Effect.provide(Conditions.layer),
      // What is wrong with files is said below.
      Effect.provideService(References.MinimumLogLevel, "None")
    )
    if (json) {
      return yield* Console.log(JSON.stringify({
        databases: databases.map(({ builtAt, file, kind }) => ({ kind, file, built: new Date(builtAt).toISOString() })),
        places: places.map(({ address, place }) => ({ address, ...place, location: place.location ?? null }))
      }))
    }
    yield* Console.log([
      ...table(
        ["address", "country", "coordinates", "network", "prefix"].map((title) => ({ title })),
        places.map(({ address, place }) => cells(address, place)),
        { room: terminalColumns(), title: paint.bold }
      ),
      ...databases.map(({ builtAt, file, kind }) => paint.dim(`${kind} of ${dayOf(builtAt)}: ${file}`))
    ].join("\n"))
  })
).pipe(
  Command.validate(({ config, directory }) =>
    Option.isSome(config) === Option.isSome(directory)
      ? Effect.fail(
        new CliError.ValidationError({ message: "say where the databases are: either --config or --directory" })
      )
      : Effect.void
  ),
  Command.withDescription(
    "Says where addresses are, as a DNS node would see it. Exits with 1 when there is no database at all; an address that is not known is said to be unknown."
  ),
  Command.withExamples([
    { command: "geodns geoip lookup 203.0.113.7 2001:db8::1 --config local.json", description: "As the node sees it" },
    { command: "geodns geoip lookup 203.0.113.7 --directory /var/lib/GeoIP", description: "In any folder" }
  ])
)
