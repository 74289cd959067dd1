import * as Argument from "effect/cli/Argument"
import * as CliError from "effect/cli/CliError"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as References from "effect/References"
import { resolve } from "node:path"
import { askerOf, isUsedAsSubnet } from "../../dns/ClientSubnet.ts"
import { GeoIp } from "../../geo/GeoIp.ts"
import { Conditions } from "../../node/Conditions.ts"
import { geoOf } from "../../roles/geo.ts"
import { toUserError } from "../failure.ts"
import { paint } from "../paint.ts"
import { terminalColumns } from "../terminal.ts"
import { type LookedUp, missesText, placesText } from "../text/placesText.ts"
import { plain } from "../text/plain.ts"

const dayOf = (millis: number): string => new Date(millis).toISOString().slice(0, 10)

/** Looks addresses up in the databases of a directory, as a DNS node would. */
const lookup = Effect.fnUntraced(function*(directory: string, addresses: ReadonlyArray<string>) {
  const geo = yield* GeoIp
  const { databases } = geo
  const wrong = yield* Conditions.use(({ current }) => current)
  if (databases.length === 0) {
    return yield* new CliError.UserError({
      cause: wrong,
      userMessage: [`there is no GeoIP database to look into in ${directory}`, ...wrong.map(({ detail }) => detail)]
        .join("\n")
    })
  }
  return {
    databases,
    problems: wrong.map(({ detail }) => detail),
    places: addresses.map((address): LookedUp => {
      const { client, place } = askerOf(undefined, address, geo.locate)
      return {
        ...geo.examine(address),
        address,
        scope: isUsedAsSubnet(address) ? client.scope : undefined,
        answered: place
      }
    })
  }
})

const isMalformed = ({ misses }: LookedUp): boolean => misses.location?._tag === "Malformed"

/** For programs: what is not known is null or as usage has it, `because` of the typed `misses`. */
const document = (one: LookedUp) => ({
  address: one.address,
  ...one.place,
  location: one.place.location ?? null,
  databasePrefix: one.leaf,
  scope: one.scope ?? null,
  answered: one.scope === undefined ? null : { ...one.answered, location: one.answered.location ?? null },
  misses: one.misses,
  because: missesText(one)
})

export const geoipLookup = Command.make(
  "lookup",
  {
    addresses: Argument.String("address").pipe(
      Argument.withDescription("An IP address"),
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
    const { databases, places, problems } = yield* lookup(where, addresses).pipe(
      Effect.provide(GeoIp.layer(where)),
      Effect.provide(Conditions.layer),
      // What is wrong with files is said below.
      Effect.provideService(References.MinimumLogLevel, "None")
    )
    yield* Console.log(
      json
        ? JSON.stringify({
          databases: databases.map(({ builtAt, file, kind }) => ({
            kind,
            file,
            built: new Date(builtAt).toISOString()
          })),
          problems,
          places: places.map(document)
        })
        : [
          ...placesText(places, { room: terminalColumns(), paint }),
          ...databases.map(({ builtAt, file, kind }) => paint.dim(`${kind} of ${dayOf(builtAt)}: ${file}`)),
          ...problems.map((problem) => paint.dim(plain(problem)))
        ].join("\n")
    )
    const malformed = places.filter(isMalformed)
    if (malformed.length > 0) {
      return yield* new CliError.UserError({
        cause: malformed,
        userMessage: `no IP address: ${plain(malformed.map(({ address }) => address).join(", "))}`
      })
    }
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
    "Says where addresses are, as a DNS node would see it, and why something is not known: private or reserved, no database that would say it, or not in it. Exits with 1 when there is no database at all, or when an argument is no IP address; the others are looked up all the same."
  ),
  Command.withExamples([
    { command: "geodns geoip lookup 203.0.113.7 2001:db8::1 --config local.json", description: "As the node sees it" },
    { command: "geodns geoip lookup 203.0.113.7 --directory /var/lib/GeoIP", description: "In any folder" }
  ])
)
