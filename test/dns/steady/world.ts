import type { RawDocuments } from "../../../src/config/memoryConfig.ts"
import { writeClientSubnet } from "../../../src/dns/ClientSubnet.ts"
import type { GeoEntry } from "../../../src/geo/GeoEntry.ts"
import { membersOf, servicesOf } from "../../steering/world.ts"
import { ask, option } from "../packets.ts"

/*
 * A small network whose documents, GeoIP database and health each go from one state to another and back, and what is
 * right to answer in each. Every client is near one place, and the members are so far apart that the nearest is never in
 * doubt, whoever is gone.
 */

interface Place {
  readonly latitude: number
  readonly longitude: number
}

/** Where members are, ever farther apart around the globe; the last one comes and goes. */
const sites: ReadonlyArray<Place> = [-180, -160, -136, -107, -72, -30, 20, 80, 152].map((longitude) => ({
  latitude: 10,
  longitude
}))

/** What the documents say: who is there, and under which address. */
interface Version {
  readonly members: ReadonlyArray<number>
  readonly inactive?: number
  /** Who has moved to another address. */
  readonly moved?: number
  /** Whether the name that comes and goes is there. */
  readonly isLonger: boolean
}

const eight = [0, 1, 2, 3, 4, 5, 6, 7]

/** Versions of the documents: members added, removed, changed and switched off, names added and removed. */
export const versions: ReadonlyArray<Version> = [
  { members: eight, isLonger: false },
  { members: eight.filter((site) => site !== 2), isLonger: true },
  { members: [...eight, 8], isLonger: false },
  { members: eight, moved: 5, isLonger: true },
  { members: eight, inactive: 6, isLonger: false }
]

/** States of the GeoIP database: in each, all networks are somewhere else. */
export const databases = [0, 1, 2]

/** Who is down, for IPv4 alone: none, or one that all versions of the documents have. */
export const healths: ReadonlyArray<number | undefined> = [undefined, 0, 1, 3, 4, 7]

export const memberName = (site: number): string => `Member ${site}`

const addressOf = (version: Version, site: number, ipv6: boolean): string =>
  ipv6 ? `2001:db8::${site + 1}` : `192.0.2.${site + (version.moved === site ? 101 : 1)}`

/** The names that all members serve. */
export const names: ReadonlyArray<string> = ["rpc.steady.example", "api.steady.example", "ws.steady.example"]
const longerName = "more.steady.example"

/** Names that tell which version of the documents is in force: of the tables of steering, and of the zones. */
export const probeName = "probe.steady.example"
export const staticName = "static.steady.example"
export const probeAddress = (version: number): string => `203.0.113.${200 + version}`
export const staticAddress = (version: number): string => `203.0.113.${100 + version}`

export const documents = (index: number): RawDocuments => {
  const version = versions[index]!
  const services = ["A", "B", "C", ...version.isLonger ? ["Longer"] : []]
  const members = version.members.map((site) =>
    [memberName(site), {
      at: [sites[site]!.latitude, sites[site]!.longitude] as const,
      ipv4: addressOf(version, site, false),
      ipv6: addressOf(version, site, true),
      active: version.inactive !== site,
      services
    }] as const
  )
  return {
    members: membersOf({
      ...Object.fromEntries(members),
      Probe: { ipv4: probeAddress(index), ipv6: "", services: ["Probe"] }
    }),
    services: servicesOf({
      ...Object.fromEntries(["A", "B", "C"].map((key, i) => [key, { urls: [`wss://${names[i]}`] }])),
      ...version.isLonger ? { Longer: { urls: [`wss://${longerName}`] } } : {},
      Probe: { urls: [`wss://${probeName}`] }
    }),
    staticDns: [
      { qname: "steady.example", qtype: "NS", content: "ns.steady.example", ttl: 3600 },
      { qname: staticName, qtype: "A", content: staticAddress(index), ttl: 60 }
    ]
  }
}

const networks = 64

const siteOf = (database: number, network: number): number => (network + database * 4) % sites.length

/** Half a degree from a member: it is by far the nearest. */
export const near = (site: number): Place => ({ ...sites[site]!, latitude: sites[site]!.latitude - 0.5 })

/** The networks 20.0.0.0/16 … 20.63.0.0/16. In one database, those with even numbers are in four parts. */
export const entries = (database: number): ReadonlyArray<GeoEntry> =>
  Array.from({ length: networks }, (_, i) => {
    const location = near(siteOf(database, i))
    return bitsOf(database, i) === 16
      ? [{ cidr: `20.${i}.0.0/16`, location }]
      : [0, 64, 128, 192].map((part) => ({ cidr: `20.${i}.${part}.0/18`, location }))
  }).flat()

const bitsOf = (database: number, network: number): number => database === 2 && network % 2 === 0 ? 18 : 16

const radians = (degrees: number): number => degrees / 180 * Math.PI

const kilometres = (a: Place, b: Place): number => {
  const half = Math.sin(radians(b.latitude - a.latitude) / 2) ** 2 +
    Math.cos(radians(a.latitude)) * Math.cos(radians(b.latitude)) *
      Math.sin(radians(b.longitude - a.longitude) / 2) ** 2
  return 2 * 6371 * Math.asin(Math.sqrt(half))
}

/** All that is in force at a moment, by the places in the lists above. */
export interface State {
  readonly version: number
  readonly database: number
  readonly health: number
}

const candidates = ({ health, version }: State, ipv6: boolean): ReadonlyArray<number> => {
  const { inactive, members } = versions[version]!
  return members.filter((site) => site !== inactive && (ipv6 || site !== healths[health]))
}

/** The nearest of all, found by trying them. Near-ties would leave it open: this world must have none. */
const nearest = (sitesLeft: ReadonlyArray<number>, from: number): number => {
  const [first, second] = sitesLeft.map((site) => ({ site, far: kilometres(near(from), sites[site]!) }))
    .sort((a, b) => a.far - b.far)
  if (second!.far < Math.max(first!.far * 1.06, first!.far + 60)) throw new Error(`near-ties at site ${from}`)
  return first!.site
}

/** A question, and the answers that are right in a state, in the form of `essence`. */
export interface SteadyQuestion {
  readonly packet: Buffer
  readonly right: (state: State) => ReadonlyArray<string>
}

const noName = "3 - soa /0"

const steered = (name: string, ipv6: boolean, network: number, host: number): SteadyQuestion => ({
  packet: ask(name, ipv6 ? "AAAA" : "A", { subnet: option(8, writeClientSubnet(`20.${network}.${host}.0/24`)!) }),
  right: (state) => {
    const version = versions[state.version]!
    if (name === longerName && !version.isLonger) return [noName]
    const site = nearest(candidates(state, ipv6), siteOf(state.database, network))
    return [`0 ${addressOf(version, site, ipv6)} 30 /${bitsOf(state.database, network)}`]
  }
})

/** Of clients elsewhere nothing is known: any member that is up will do. 128.0.0.0/3 is the widest network without private addresses. */
const unknown = (host: number): SteadyQuestion => ({
  packet: ask(names[0]!, "A", { subnet: option(8, writeClientSubnet(`150.${host}.0.0/24`)!) }),
  right: (state) =>
    candidates(state, false).map((site) => `0 ${addressOf(versions[state.version]!, site, false)} 30 /3`)
})

const fixed = (name: string, right: (state: State) => string): SteadyQuestion => ({
  packet: ask(name, "A", { subnet: option(8, writeClientSubnet("20.1.2.0/24")!) }),
  right: (state) => [right(state)]
})

/** What is asked, again and again. */
export const questions: ReadonlyArray<SteadyQuestion> = Array.from({ length: 2_000 }, (_, i) => {
  const kind = i % 20
  const network = Math.floor(i / 20) * 7 % networks
  if (kind < 12) return steered(names[i % 3]!, false, network, i % 256)
  if (kind < 15) return steered(names[i % 3]!, true, network, i % 256)
  if (kind < 17) return steered(longerName, false, network, i % 256)
  if (kind === 17) return unknown(i % 256)
  if (kind === 18) return fixed(staticName, ({ version }) => `0 ${staticAddress(version)} 60 /0`)
  return i % 40 < 20
    ? fixed("nobody.steady.example", () => noName)
    : fixed("elsewhere.test", () => "5 - /0")
})

/** A change, as the server tells it. Before `begin` nothing of it was in force, after `end` all of it. Milliseconds. */
export interface Change {
  readonly of: keyof State
  readonly to: number
  readonly begin: number
  readonly end: number
}

/** A clock that is the same in all processes of a machine, in milliseconds. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6

/** What the sender tells. */
export interface Sent {
  readonly questions: number
  /** Answers to nothing that was asked, or a second time. */
  readonly strays: number
  /** Without an answer to the end. */
  readonly lost: number
  readonly seconds: number
  /** The longest time between a question and its answer, in milliseconds. */
  readonly slowest: number
  /** For each answer: the question, the place in `responses`, when it was asked, when it was answered. */
  readonly answers: Float64Array
  /** Different responses, in hex, without their ids. */
  readonly responses: ReadonlyArray<string>
}
