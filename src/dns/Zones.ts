import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { inSlices } from "../config/inSlices.ts"
import type { Snapshot } from "../config/Snapshot.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { zoneDataInSlices } from "./ZoneBuilder.ts"
import type { ZoneData, ZoneProblem, ZoneSources } from "./ZoneData.ts"
import { fingerprintInSlices, isSameSources, nextVersion, ZoneVersion } from "./zoneSerial.ts"

const file = "dns-serial.json"
const VersionFile = Schema.fromJsonString(ZoneVersion)

type Sources = Omit<ZoneSources, "serial">

/** What zone data is made of in a version of the configuration. */
export const zoneSources = (snapshot: Snapshot): Sources => ({
  records: snapshot.staticDns,
  zones: snapshot.local.GeoDNS.Dns.Zones,
  served: [...snapshot.catalog.hosts.keys()],
  explained: snapshot.local.GeoDNS.Dns.ExplainNames
})

/** A problem for people: `www.demo.example CNAME: an alias cannot …`. */
export const describeZoneProblem = ({ name, problem, type }: ZoneProblem): string =>
  `${name.slice(0, 100)} ${type.slice(0, 16)}: ${problem}`

const describeZoneProblems = (problems: ReadonlyArray<ZoneProblem>): string => {
  const shown = problems.slice(0, 5).map(describeZoneProblem).join("; ")
  const more = problems.length > 5 ? `; and ${problems.length - 5} more` : ""
  return `left out of the zones: ${shown}${more}. Correct StaticDNSConfig or GeoDNS.Dns.Zones.`
}

/**
 * Makes what gives the zone data of a version of the configuration: the same again as long as nothing changes in it. One
 * version after the other. What is left out is the condition `dns:zones`; a serial that could not be saved is `dns:serial`.
 */
export const keepZones: Effect.Effect<
  (snapshot: Snapshot) => Effect.Effect<ZoneData>,
  never,
  Conditions | DurableFiles
> = Effect.gen(function*() {
  const conditions = yield* Conditions
  const files = yield* DurableFiles

  const stored = yield* files.read(file).pipe(
    Effect.flatMap(Option.match({
      onNone: () => Effect.undefined,
      onSome: (text) => Schema.decodeUnknownEffect(VersionFile)(text)
    })),
    Effect.catch((error) =>
      Effect.as(Effect.logWarning(`The SOA serial starts anew: ${file} cannot be read`, error), undefined)
    )
  )
  /** What was built last, and from what. */
  let version: ZoneVersion | undefined = stored
  let built: { readonly of: number; readonly from: Sources; readonly zones: ZoneData } | undefined

  const save = (next: ZoneVersion) =>
    Schema.encodeEffect(VersionFile)(next).pipe(
      Effect.flatMap((text) => files.write(file, text)),
      Effect.matchEffect({
        onSuccess: () => conditions.clear("dns:serial"),
        onFailure: (error) =>
          conditions.raise(
            "dns:serial",
            `the SOA serial ${next.serial} is not saved: ${error.message}. It may fall after a restart; make room or ` +
              "correct the rights of the work directory."
          )
      })
    )

  return Effect.fnUntraced(function*(snapshot: Snapshot) {
    if (built?.of === snapshot.version) return built.zones
    const from = zoneSources(snapshot)
    const isSame = built !== undefined && isSameSources(built.from, from)
    const next = isSame && version !== undefined
      ? version
      : nextVersion(version, yield* inSlices(fingerprintInSlices(from)), yield* Clock.currentTimeMillis)
    if (built !== undefined && next === version) {
      built = { of: snapshot.version, from, zones: built.zones }
      return built.zones
    }
    const zones = yield* inSlices(zoneDataInSlices({ ...from, serial: next.serial }))
    // Before anybody is told the serial, and only when there is something to tell it of.
    if (next !== version) yield* save(next)
    version = next
    built = { of: snapshot.version, from, zones }
    if (zones.problems.length === 0) yield* conditions.clear("dns:zones")
    else yield* conditions.raise("dns:zones", describeZoneProblems(zones.problems))
    yield* Effect.logInfo("DNS zones built").pipe(
      Effect.annotateLogs({ zones: zones.zones.length, serial: zones.serial, problems: zones.problems.length })
    )
    return zones
  })
})
