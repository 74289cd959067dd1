import type { Catalog, MemberEntry, ServiceEntry } from "../domain/Catalog.ts"
import type { SteeringSettings } from "../domain/documents/GeoDns.ts"
import type { Slices } from "../domain/Slices.ts"
import { type UnitVector, unitVector } from "../geo/distance.ts"
import { hashText } from "./rendezvous.ts"
import { healthyStanding, type Profile } from "./Standing.ts"

/** Who serves a service, in the order of their names, so that it is the same on all nodes. Equal lists are one. */
export type Profiles = ReadonlyMap<ServiceEntry, ReadonlyArray<Profile>>

/** Members that are prepared before others have their turn: about a millisecond. */
const membersInSlice = 500

/** Members times lists, or services times lists, that are looked at before others have their turn: about a millisecond. */
const sliceLength = 10_000

/** Prepares all members for steering, and finds out who serves what. */
export const profilesInSlices = function*(
  { catalog, settings }: { readonly catalog: Catalog; readonly settings: SteeringSettings }
): Slices<Profiles> {
  const weights = new Map(
    Object.entries(settings.Weights).map(([keyOrName, weight]) => [catalog.member(keyOrName), weight])
  )
  const profiles: Array<Profile> = []
  // Members that serve the same mostly have the same list of services: what is done for lists is done once for all of them.
  const lists = new Map<ReadonlyArray<ServiceEntry>, number>()
  const listOf: Array<number> = []
  for (const entry of catalog.members.toSorted((a, b) => a.name < b.name ? -1 : 1)) {
    profiles.push(profileOf(catalog, entry, weights.get(entry) ?? 1))
    const list = lists.get(entry.services) ?? lists.size
    lists.set(entry.services, list)
    listOf.push(list)
    if (profiles.length % membersInSlice === 0) yield
  }
  let work = 0
  const listsWith = new Map<ServiceEntry, Array<number>>(catalog.services.map((service) => [service, []]))
  for (const [services, list] of lists) {
    for (const service of services) listsWith.get(service)?.push(list)
    work += services.length
    if (work > sliceLength) {
      work = 0
      yield
    }
  }
  const profilesOf = new Map<ServiceEntry, ReadonlyArray<Profile>>()
  const known = new Map<string, ReadonlyArray<Profile>>()
  for (const [service, numbers] of listsWith) {
    const key = numbers.join()
    let serving = known.get(key)
    if (serving === undefined) {
      const isServing = new Set(numbers)
      serving = profiles.filter((_, i) => isServing.has(listOf[i]!))
      known.set(key, serving)
      work += profiles.length
    }
    profilesOf.set(service, serving)
    if (work > sliceLength) {
      work = 0
      yield
    }
  }
  return profilesOf
}

/** Where a member is put whose place is none: as near to everybody as a member a quarter of the globe away. */
const nowhere: UnitVector = [0, 0, 0]

const profileOf = (catalog: Catalog, entry: MemberEntry, weight: number): Profile => {
  const { Latitude: latitude, Longitude: longitude } = entry.member.Location
  const [name, key] = [entry.name.toLowerCase(), entry.key.toLowerCase()]
  const healthy: { -readonly [K in keyof Profile["healthy"]]: Profile["healthy"][K] } = {
    ipv4: undefined,
    ipv6: undefined
  }
  const profile: Profile = {
    entry,
    names: key !== name && catalog.member(key) === entry ? [name, key] : [name],
    vector: unitVector({ latitude, longitude }) ?? nowhere,
    hash: hashText(entry.name),
    weight,
    healthy
  }
  healthy.ipv4 = healthyStanding(profile, false)
  healthy.ipv6 = healthyStanding(profile, true)
  return profile
}
