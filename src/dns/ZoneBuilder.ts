import { atOnce, type Slices } from "../domain/Slices.ts"
import { type DomainName, domainName, isWildcard, type NameKey, parentKey } from "./DomainName.ts"
import { RecordType } from "./protocol.ts"
import { nameText } from "./recordText.ts"
import { challengeSet } from "./zone/challengeSet.ts"
import { Delegations } from "./zone/Delegations.ts"
import { enclosing } from "./zone/enclosing.ts"
import { findApexes } from "./zone/findApexes.ts"
import { makeZones } from "./zone/makeZones.ts"
import { groupRecords, type Groups, type GroupsByName, readRecords, setOf } from "./zone/staticRecords.ts"
import { ZoneBuild } from "./zone/ZoneBuild.ts"
import { findIn, type Zone, type ZoneData, type ZoneNode, type ZoneSources } from "./ZoneData.ts"

/** Builds zone data at once; {@link zoneDataInSlices} gives way in between. */
export const makeZoneData = (sources: ZoneSources): ZoneData => atOnce(zoneDataInSlices(sources))

/**
 * Builds zone data. It yields whenever a bounded amount of work is done.
 *
 * Where zones begin, `findApexes` says; what their SOA records are, `makeZones`. What cannot be served is left out and
 * listed in `problems`; it disturbs nothing else.
 */
export const zoneDataInSlices = function*(sources: ZoneSources): Slices<ZoneData> {
  const build = new ZoneBuild()
  const records = yield* readRecords(build, sources.records)
  const found = yield* findApexes(build, sources, records)
  const { apexes, served } = found
  const byName = yield* groupRecords(build, records.rows, apexes)
  const zones = yield* makeZones(build, found, byName, sources.serial)
  const names = new NodeBuilder(build, zones)
  yield* names.placeZones()
  yield* names.placeServed(served)
  const delegations = yield* Delegations.inSlices(build, records.withServers, apexes, byName)
  yield* names.placeRecords(byName, delegations)
  if (sources.explained === true) yield* names.placeExplained(served, byName, delegations)
  yield* names.placeReferrals(delegations)
  const { challenges, nodes } = names
  return {
    zones: [...zones.values()].map((zone) => zone.apex.text).sort(),
    serial: sources.serial,
    problems: build.problems,
    doubts: build.doubts,
    challenges,
    lookup: (key, type) => findIn(nodes, key, type),
    nodes
  }
}

/** Puts what there is at its names. */
class NodeBuilder {
  readonly nodes = new Map<NameKey, ZoneNode>()
  readonly challenges = new Map<string, string>()
  readonly #build: ZoneBuild
  readonly #zones: ReadonlyMap<NameKey, Zone>

  constructor(build: ZoneBuild, zones: ReadonlyMap<NameKey, Zone>) {
    this.#build = build
    this.#zones = zones
  }

  *placeZones(): Slices<void> {
    for (const [key, zone] of this.#zones) {
      if (this.#build.isSliceOver()) yield
      this.#nodeAt(key).found.set(RecordType.SOA, zone.soa)
    }
  }

  *placeServed(served: ReadonlyArray<DomainName>): Slices<void> {
    for (const { key, text } of served) {
      if (this.#build.isSliceOver()) yield
      const node = this.#nodeAt(key)
      node.steered = { _tag: "Steered", account: this.#build.account(), name: text, nothing: node.zone.noData }
    }
  }

  *placeRecords(byName: GroupsByName, delegations: Delegations): Slices<void> {
    for (const [key, groups] of byName) {
      if (this.#build.isSliceOver()) yield
      const node = this.#nodeAt(key)
      node.isCut = delegations.beginAt(key)
      const isDelegated = delegations.of(key) !== undefined
      for (const [type, { rows }] of groups) {
        const [first] = rows
        if (first === undefined || type === "SOA") continue
        const problem = isDelegated
          ? delegatedProblem(type, node.isCut)
          : type === "CNAME"
          ? this.#aliasProblem(key, node, groups)
          : undefined
        if (problem !== undefined) {
          this.#build.report(first.name.text, type, problem)
          continue
        }
        const set = setOf(rows)
        const fetched = challengeSet(this.#build, this.challenges, node.zone.noData, rows)
        node.found.set(set.type, fetched ?? { _tag: "Answer", account: this.#build.account(), set })
        if (type === "CNAME") {
          node.alias = { _tag: "Alias", account: this.#build.account(), set, target: domainName(first.content)! }
        }
      }
    }
  }

  /** Beside the names that are served, and those that are aliases. */
  *placeExplained(
    served: ReadonlyArray<DomainName>,
    byName: GroupsByName,
    delegations: Delegations
  ): Slices<void> {
    const texts = served.map(({ text }) => text)
    for (const key of byName.keys()) {
      if (this.#build.isSliceOver()) yield
      if (this.nodes.get(key)?.alias !== undefined && !isWildcard(key)) texts.push(nameText(key))
    }
    for (const text of texts) {
      if (this.#build.isSliceOver()) yield
      const name = domainName(`explain.${text}`)
      if (name === undefined || delegations.of(name.key) !== undefined) continue
      const { alias, found } = this.#nodeAt(name.key)
      // What is written counts.
      if (alias === undefined && !found.has(RecordType.TXT)) {
        found.set(RecordType.TXT, { _tag: "Explained", account: this.#build.account(), name: text })
      }
    }
  }

  *placeReferrals(delegations: Delegations): Slices<void> {
    for (const [key, node] of this.nodes) {
      if (this.#build.isSliceOver()) yield
      node.referral = delegations.of(key)
      if (node.zone.apex.key === key) {
        const parent = parentKey(key)
        node.above = delegations.of(parent) ?? enclosing(this.#zones, parent)?.noData
      }
      if (node.referral?._tag === "Referral" && node.steered?._tag === "Steered") {
        this.#build.report(node.steered.name, "A", "services have URLs on this name, but it is delegated")
      }
    }
  }

  #nodeAt(key: NameKey): ZoneNode {
    const there = this.nodes.get(key)
    if (there !== undefined) return there
    const node: ZoneNode = {
      zone: enclosing(this.#zones, key)!,
      found: new Map(),
      alias: undefined,
      steered: undefined,
      referral: undefined,
      isCut: false,
      above: undefined
    }
    this.nodes.set(key, node)
    // The names above exist too, if only as empty ones, up to the outermost zone of ours.
    const parent = parentKey(key)
    if (enclosing(this.#zones, parent) !== undefined) this.#nodeAt(parent)
    return node
  }

  #aliasProblem(key: NameKey, node: ZoneNode, groups: Groups): string | undefined {
    if (this.#zones.has(key)) return "a zone's own name cannot be an alias (RFC 1912, 2.4)"
    if (groups.size > 1) return "an alias cannot have other records beside it (RFC 1034, 3.6.2)"
    if (node.steered !== undefined) return "services have URLs on this name: it cannot be an alias"
    return undefined
  }
}

const delegatedProblem = (type: string, isCut: boolean): string | undefined =>
  type === "A" || type === "AAAA" || (type === "NS" && isCut)
    ? undefined
    : "the name is delegated: it is never asked for here"
