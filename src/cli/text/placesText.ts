import type { Place } from "../../geo/GeoIp.ts"
import { describeMiss, type Examined } from "../../geo/Miss.ts"
import type { Paint } from "../explanationText.ts"
import { type Column, table } from "./table.ts"

/** An address that was looked up. */
export interface LookedUp extends Examined {
  readonly address: string
  /** The network that one DNS answer is made and kept for; undefined when DNS answers none to the address. */
  readonly scope: string | undefined
  /** What an answer goes by: the place where the scope begins. */
  readonly answered: Place
}

const columns: ReadonlyArray<Column> = [
  "address",
  "country",
  "coordinates",
  "network",
  "prefix",
  "unknown because"
].map((title) => ({ title }))

const countryText = ({ country, countryName }: Place): string =>
  country === "??" ? "unknown" : `${countryName} (${country})`

const locationText = ({ location }: Place): string =>
  location === undefined ? "unknown" : `${location.latitude}, ${location.longitude}`

const networkText = ({ asn, network }: Place): string => asn === "" ? "unknown" : `${asn} ${network}`.trim()

/** Why something is not known of an address, each reason once; `""` when all is known. */
export const missesText = ({ misses }: Examined): string =>
  [...new Set([misses.location, misses.country, misses.asn].flatMap((miss) => miss ? [describeMiss(miss)] : []))]
    .join(", ")

const cells = (one: LookedUp) =>
  [
    one.address,
    countryText(one.place),
    locationText(one.place),
    networkText(one.place),
    one.leaf === 0 ? "" : `/${one.leaf}`,
    missesText(one)
  ].map((text) => ({ text }))

const unknown = "unknown"

/** What is known of a place; what is not is named as such. */
const placeText = (place: Place): string => {
  const parts = [
    ["country", countryText(place)],
    ["coordinates", locationText(place)],
    ["network", networkText(place)]
  ] as const
  return parts.map(([what, text]) => text === unknown ? `${what} unknown` : `${what} ${text}`).join(", ")
}

/** What surprises whoever knows a smaller network: one answer is for the whole of a larger one, and goes by where it begins. */
const answerText = ({ address, answered, leaf, place, scope }: LookedUp): ReadonlyArray<string> => {
  const [network = "", bits] = scope?.split("/") ?? []
  const elsewhere = placeText(answered) !== placeText(place)
  return scope === undefined || leaf <= Number(bits) ? [] : [
    `${address} is in a /${leaf} of the databases; an answer is made and kept for ${scope}`
    + (elsewhere ? `, by what is known of ${network} (${placeText(answered)})` : "")
  ]
}

/** A table of addresses, and below it what is to be said of answers to them. */
export const placesText = (
  all: ReadonlyArray<LookedUp>,
  options: { readonly room: number | undefined; readonly paint: Paint }
): ReadonlyArray<string> => [
  ...table(columns, all.map(cells), { room: options.room, title: options.paint.bold }),
  ...all.flatMap(answerText)
]
