import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Result from "effect/Result"
import { checkDocuments } from "../config/checkDocuments.ts"
import { Config } from "../config/Config.ts"
import { Documents } from "../config/Documents.ts"
import { type DocumentName, formatPath, isError, type Problem } from "../config/Problem.ts"
import { readLocal } from "../config/readDocuments.ts"
import type { LocalPart } from "../config/usedSettings.ts"
import { AnswerState } from "../dns/AnswerState.ts"
import type { ZoneProblem } from "../dns/ZoneData.ts"
import { GeoIp } from "../geo/GeoIp.ts"
import { explain, type Question } from "../http/ExplainApi.ts"
import { optionRemarks } from "../monitor/optionRemarks.ts"
import { plan } from "../monitor/plan.ts"
import { Probes } from "../monitor/Probes.ts"
import { Conditions } from "../node/Conditions.ts"
import { DurableFiles } from "../node/DurableFiles.ts"
import { NodeIdentity } from "../node/NodeIdentity.ts"
import { Contested } from "../status/Contested.ts"
import { OfficialStatus } from "../status/OfficialStatus.ts"
import { Overrides } from "../status/Overrides.ts"
import { Steering } from "../steering/Steering.ts"
import { challengeProblems } from "./challengeProblems.ts"
import { keyProblems } from "./keyProblems.ts"
import { placeOf } from "./Place.ts"
import { type ProbeOptions, standaloneIsDeaf, withoutAgents } from "./probing.ts"
import { type RoleName, sealProblems } from "./sealProblems.ts"
import { unusableSettings } from "./unusable.ts"
import { zoneFindings } from "./zoneFindings.ts"

/** What is wrong with the documents is for `config check` to say. */
const quiet = Layer.succeed(References.MinimumLogLevel, "Error")

/** The configuration that a local document names, read once and kept nowhere. */
export const documents = (path: string) =>
  Config.layer({ path, required: ["MembersConfig", "ServicesConfig"] }).pipe(
    Layer.provide([Documents.layer, DurableFiles.layerMemory, Conditions.layer]),
    Layer.provide(quiet)
  )

/** What a node would make of its documents. */
export interface Preview {
  readonly targets: number
  readonly names: number
  readonly zones: ReadonlyArray<string>
  /** What it could not use, and records that it would leave out: errors. Checks that it would leave out, and odd options: warnings. */
  readonly problems: ReadonlyArray<Problem>
}

/** Severity and reason are those of `geodns zone check`. */
const ofZone = (severity: Problem["severity"]) => ({ name, problem, type }: ZoneProblem): Problem => ({
  severity,
  document: "StaticDNSConfig",
  path: `${name} ${type}`,
  expected: "what can be served, and is not in vain",
  found: severity === "error" ? "something that is left out" : "something that is in vain",
  hint: problem
})

/**
 * Plans the checks and builds the zones of a local document, as a node with both IP versions would, and looks at how the
 * broker, the database and the home server are named, at the keys of zones, and whether ACME challenges can be read, if they are among `uses`.
 */
export const preview = (
  path: string,
  uses: ReadonlyArray<LocalPart> = [],
  role?: RoleName,
  { probes = Probes.layer }: ProbeOptions = {}
) =>
  Effect.gen(function*() {
    const snapshot = yield* Config.use((config) => config.current)
    const known = yield* Probes
    const { problems, targets } = plan(snapshot.local, snapshot.catalog, { ipv4: "all", ipv6: "all" }, known)
    const { errors, warnings, zones: zone } = zoneFindings(snapshot)
    // Monitors and collators make no zones.
    const ofZones = role === undefined || uses.includes("DnsApi")
      ? [...errors.map(ofZone("error")), ...warnings.map(ofZone("warning"))]
      : []
    // Whoever has the API of a DNS node answers, and signs.
    const ofAnswers = uses.includes("DnsApi")
      ? [
        ...yield* keyProblems(snapshot.local, placeOf(path, snapshot.local).file, zone.zones),
        ...yield* challengeProblems(zone.challenges, snapshot.local)
      ]
      : []
    const { file } = placeOf(path, snapshot.local)
    return {
      targets: targets.size,
      names: snapshot.catalog.hosts.size,
      zones: zone.zones,
      problems: [
        ...unusableSettings(snapshot.local, role === undefined ? [...uses, "Matrix"] : uses),
        ...yield* sealProblems(snapshot.local, file, role),
        ...ofAnswers,
        ...[...problems.values()].map(({ about, problem }): Problem => ({
          severity: "warning",
          document: "local",
          path: about,
          expected: "what can be checked",
          found: `what cannot: ${problem}`
        })),
        ...optionRemarks(snapshot.local, snapshot.catalog, known).map(({ path, ...remark }): Problem => ({
          severity: "warning",
          document: "local",
          path: formatPath(path),
          ...remark
        })),
        ...ofZones
      ]
    } satisfies Preview
  }).pipe(Effect.provide([
    documents(path),
    role === "standalone" ? withoutAgents(probes, standaloneIsDeaf) : probes,
    Documents.layer
  ]))

/** What zones are made of. */
const zoneDocuments: ReadonlySet<DocumentName> = new Set([
  "local",
  "StaticDNSConfig",
  "MembersConfig",
  "ServicesConfig"
])

/** Whether a problem is about what zones are made of. */
const isOfZones = ({ document, path }: Problem): boolean =>
  document === "StaticDNSConfig" || document === "local" && /^GeoDNS\.Dns\.(?:Zones|Keys)\b/.test(path)

/**
 * The zones of a local document, as a node would build them, with what is odd about what they are made of (`oddities`); SOA
 * records that it makes up have the serial 0. When one of the documents that they are made of cannot be used, what is wrong
 * with them instead.
 */
export const zonesOf = (path: string) =>
  Effect.gen(function*() {
    const read = yield* checkDocuments(path).pipe(Effect.provide(Documents.layer))
    const problems = read.filter((problem) => isError(problem) && zoneDocuments.has(problem.document))
    if (problems.length > 0) return Result.fail(problems)
    const snapshot = yield* Config.use((config) => config.current).pipe(Effect.provide(documents(path)))
    return Result.succeed({
      ...zoneFindings(snapshot),
      oddities: read.filter((problem) => !isError(problem) && isOfZones(problem))
    })
  })

/** Zones and steering from documents alone, with nothing decided: nothing is written, and nobody is asked. */
const offline = (path: string) =>
  Layer.unwrap(Effect.map(readLocal(path), (local) => {
    const place = placeOf(path, local)
    return AnswerState.layer.pipe(
      Layer.provideMerge(Steering.layer),
      Layer.provideMerge(Layer.mergeAll(
        OfficialStatus.layer,
        Overrides.layerNone,
        Contested.layer,
        GeoIp.layer(place.maxmind),
        NodeIdentity.layer({ id: "offline", role: "IBPDns" }),
        documents(path)
      )),
      Layer.provide(DurableFiles.layerMemory),
      Layer.provideMerge(Conditions.layer),
      Layer.provide(quiet)
    )
  })).pipe(Layer.provide(Documents.layer))

/**
 * Explains from a local document and those that it names. Without decisions every member counts as healthy. `conditions` says
 * what is wrong with the GeoIP databases: what they do not know is not in the answer.
 */
export const explainOffline = (path: string, question: Question) =>
  Effect.gen(function*() {
    const answer = yield* explain(question)
    const conditions = yield* Conditions.use(({ current }) => current)
    return {
      answer,
      conditions: conditions.flatMap(({ detail, name, since }) =>
        name === "geoip" || name.startsWith("geoip:") ? [{ name, detail, since: new Date(since).toISOString() }] : []
      )
    }
  }).pipe(Effect.provide(offline(path)))
