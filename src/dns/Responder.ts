import type { Place } from "../geo/GeoIp.ts"
import type { Choice, Client } from "../steering/Choice.ts"
import type { Hit } from "../usage/Usage.ts"
import { askerOf } from "./ClientSubnet.ts"
import { decodeQuery, encodeResponse, type Entry, type Query, type Transport } from "./codec.ts"
import type { NameKey } from "./DomainName.ts"
import { classIn, maxTcpBytes, maxUdpBytes, plainUdpBytes, Rcode, RecordType } from "./protocol.ts"
import { makeSteer } from "./steer.ts"
import type { Negative, ZoneData } from "./ZoneData.ts"

/** What answers depend on. All of it is synchronous. */
export interface ResponderDeps {
  /** The zone data of now. */
  readonly zone: () => ZoneData
  /** As `Steering.choose`. */
  readonly choose: (name: string, ipv6: boolean, client: Client) => Choice | undefined
  /** As `GeoIp.locate`. */
  readonly locate: (address: string) => Place
  /** As `Usage.record`: called once for each steered answer that is given. */
  readonly record: (hit: Hit) => void
  /** Called once for each response, with the type asked for (0 when the question could not be read). */
  readonly tally: (type: number, rcode: number) => void
}

/** Answers one message that came from `remote` (an address); undefined is silence. Never throws unless a dependency does. */
export type Respond = (packet: Buffer, transport: Transport, remote: string) => Buffer | undefined

/** Aliases that are followed for one question. */
const maxAliases = 8

/** What a question leads to, as it is found. */
interface Draft {
  rcode: number
  authoritative: boolean
  scope: number
  readonly answers: Array<Entry>
  readonly authority: Array<Entry>
  readonly additional: Array<Entry>
  hit: Hit | undefined
}

/**
 * Makes the function that answers messages (RFC 1034, 4.3.2, without recursion). It keeps nothing of a question but
 * the encoded addresses of answers, a bounded number.
 */
export const makeResponder = (deps: ResponderDeps): Respond => {
  const steer = makeSteer(deps)

  const deny = (draft: Draft, negative: Negative): void => {
    draft.rcode = negative._tag === "NoName" ? Rcode.NXDOMAIN : Rcode.NOERROR
    draft.authority.push({ owner: negative.apex, set: negative.soa })
  }

  const answerSteered = (
    draft: Draft,
    query: Query,
    remote: string,
    owner: Uint8Array | undefined,
    name: string,
    nothing: Negative
  ): void => {
    const asker = askerOf(query.edns?.subnet, remote, deps.locate)
    const steered = steer(name, query.type === RecordType.AAAA, asker)
    if (steered === undefined) return deny(draft, nothing)
    draft.scope = asker.scope
    draft.hit = steered.hit
    if (steered.set === undefined) return deny(draft, nothing)
    draft.answers.push({ owner, set: steered.set })
  }

  const lookUp = (draft: Draft, query: Query, remote: string): void => {
    const zone = deps.zone()
    let key: NameKey = query.key
    let owner: Uint8Array | undefined
    for (let aliases = 0; aliases <= maxAliases; aliases++) {
      const found = zone.lookup(key, query.type)
      if (owner === undefined) draft.authoritative = found._tag !== "Outside" && found._tag !== "Referral"
      switch (found._tag) {
        case "Alias":
          if (draft.answers.some(({ set }) => set === found.set)) return
          draft.answers.push({ owner, set: found.set })
          key = found.target.key
          owner = found.target.wire
          continue
        case "Answer":
          draft.answers.push({ owner, set: found.set })
          return
        case "Steered":
          return answerSteered(draft, query, remote, owner, found.name, found.nothing)
        case "NoName":
        case "NoData":
          return deny(draft, found)
        case "Referral":
          draft.authority.push({ owner: found.cut, set: found.servers })
          draft.additional.push(...found.glue)
          return
        case "Outside":
          // The end of a chain of aliases may be elsewhere: the asker goes on from there.
          if (owner === undefined) draft.rcode = Rcode.REFUSED
          return
        case "Unavailable":
          draft.rcode = Rcode.SERVFAIL
          draft.authoritative = false
          draft.answers.length = 0
          return
      }
    }
  }

  const answer = (draft: Draft, query: Query, remote: string): void => {
    const isTransfer = query.type === RecordType.AXFR || query.type === RecordType.IXFR
    if (query.class !== classIn || isTransfer) draft.rcode = Rcode.REFUSED
    else lookUp(draft, query, remote)
  }

  return (packet, transport, remote) => {
    const decoded = decodeQuery(packet)
    if (decoded === undefined) return undefined
    const { query, rcode } = decoded
    const draft: Draft = {
      rcode,
      authoritative: false,
      scope: 0,
      answers: [],
      authority: [],
      additional: [],
      hit: undefined
    }
    if (rcode === Rcode.NOERROR) answer(draft, query, remote)
    const limit = transport === "tcp" ? maxTcpBytes : Math.min(query.edns?.udpBytes ?? plainUdpBytes, maxUdpBytes)
    const { bytes, truncated } = encodeResponse(query, draft, limit)
    // A truncated answer names no member; the client asks again over TCP.
    if (draft.hit !== undefined && !truncated) deps.record(draft.hit)
    deps.tally(query.type, draft.rcode)
    return bytes
  }
}

/** The answer to a message that could not be answered because something of ours failed; undefined is silence. */
export const serverFailure = (packet: Buffer): Buffer | undefined => {
  const query = decodeQuery(packet)?.query
  return query === undefined ? undefined : encodeResponse(
    query,
    { rcode: Rcode.SERVFAIL, authoritative: false, scope: 0, answers: [], authority: [], additional: [] },
    plainUdpBytes
  ).bytes
}
