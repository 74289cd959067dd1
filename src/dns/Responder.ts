import type { AddressFamily } from "../geo/address.ts"
import type { Hit } from "../usage/Hit.ts"
import { type AnswerPolicy, noPolicy } from "./AnswerPolicy.ts"
import type { AnswerSources } from "./AnswerSources.ts"
import { fetchedSet } from "./challengeRecords.ts"
import { isWithin, readSender } from "./ClientNetwork.ts"
import { askerOf } from "./ClientSubnet.ts"
import { echoCookie } from "./Cookies.ts"
import { decodeQuery, type Query, type Transport } from "./decodeQuery.ts"
import { encodeResponse, encodeTruncated, type Entry } from "./encodeResponse.ts"
import { followAliases } from "./followAliases.ts"
import { classIn, headerBytes, maxTcpBytes, maxUdpBytes, plainUdpBytes, Rcode, RecordType } from "./protocol.ts"
import type { Verdict } from "./RateLimiter.ts"
import { makeSteer } from "./steer.ts"
import type { Negative } from "./ZoneData.ts"

/** What the responder depends on. */
export interface ResponderDeps extends AnswerSources {
  /** Called once for each response, with the type asked for (0 when the question could not be read). */
  readonly tally: (type: number, rcode: number) => void
  /** Called for each message that is met with silence because it is none for us. */
  readonly ignored?: () => void
  /** Rate limit, cookies and the like of now; none when missing. */
  readonly protection?: Protection
}

/** What protects others from us, and us from others. */
export interface Protection {
  readonly policy: () => AnswerPolicy
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Called for each answer to `remote` that is held back; the truncated ones are counted by `tally`, too. */
  readonly limited: (verdict: "truncate" | "drop", remote: string) => void
}

/** Answers one message that came from `remote` (an address); undefined is silence. Never throws unless a dependency does. */
export type Respond = (packet: Buffer, transport: Transport, remote: string) => Buffer | undefined

/** What a question leads to, as it is found. */
interface Draft {
  rcode: number
  authoritative: boolean
  scope: number
  readonly answers: Array<Entry>
  readonly authority: Array<Entry>
  readonly additional: Array<Entry>
  /** As `Accounted`; 0 when the zones were not asked. */
  account: number
  options: Buffer | undefined
  hit: Hit | undefined
}

/** There is data, but not now. */
const unavailable = (draft: Draft): void => {
  draft.rcode = Rcode.SERVFAIL
  draft.authoritative = false
  draft.answers.length = 0
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
    // The zones of another version stay when they cannot be built: an answer that would be kept must not deny the name.
    if (steered === undefined) return unavailable(draft)
    draft.scope = asker.scope
    draft.hit = steered.hit
    if (steered.set === undefined) return deny(draft, nothing)
    draft.answers.push({ owner, set: steered.set })
  }

  const lookUp = (draft: Draft, query: Query, remote: string): void => {
    const { aliases, end, first } = followAliases(deps.zone(), query.key, query.type)
    if (first._tag !== "Outside") {
      draft.authoritative = first._tag !== "Referral"
      draft.account = first.account
    }
    let owner: Uint8Array | undefined
    for (const { set, target } of aliases) {
      draft.answers.push({ owner, set })
      owner = target.wire
    }
    switch (end?._tag) {
      case undefined:
        return
      case "Answer":
        draft.answers.push({ owner, set: end.set })
        return
      case "Steered":
        return answerSteered(draft, query, remote, owner, end.name, end.nothing)
      case "NoName":
      case "NoData":
        return deny(draft, end)
      case "Referral":
        draft.authority.push({ owner: end.cut, set: end.servers })
        draft.additional.push(...end.glue)
        return
      case "Outside":
        // The end of a chain of aliases may be elsewhere: the asker goes on from there.
        if (owner === undefined) draft.rcode = Rcode.REFUSED
        return
      case "Explained": {
        const asker = askerOf(query.edns?.subnet, remote, deps.locate)
        const set = deps.explain(end.name, asker.client)
        if (set === undefined) return unavailable(draft)
        draft.scope = asker.scope
        draft.answers.push({ owner, set })
        return
      }
      case "Fetched": {
        const set = fetchedSet(end, deps.challenge)
        if (set === undefined) unavailable(draft)
        else if (set.data.length === 0) deny(draft, end.nothing)
        else draft.answers.push({ owner, set })
        return
      }
    }
  }

  const protection = deps.protection ?? noProtection
  // The address of the client at hand.
  const words = new Uint32Array(4)

  /** Answers the client's cookie; whether it is one that we gave to its address. */
  const exchangeCookies = (draft: Draft, query: Query, policy: AnswerPolicy, family: AddressFamily): boolean => {
    const { cookies } = policy
    const cookie = query.edns?.cookie
    const isCookieAlone = draft.rcode === Rcode.NOERROR && query.questionEnd === headerBytes
    if (cookies === undefined || cookie === undefined) {
      if (isCookieAlone) draft.rcode = Rcode.FORMERR
      return false
    }
    const seconds = Math.floor(protection.now() / 1000)
    const state = cookies.check(query.packet, cookie, family, words, seconds)
    draft.options = state === "fresh"
      ? echoCookie(query.packet, cookie)
      : cookies.write(query.packet, cookie, family, words, seconds)
    if (isCookieAlone && state === "invalid") draft.rcode = Rcode.BADCOOKIE
    return state === "valid" || state === "fresh"
  }

  /** What is done with an answer over UDP to a client that may be somebody else. */
  const judge = (draft: Draft, policy: AnswerPolicy, family: AddressFamily): Verdict => {
    // Errors count by their code: whoever asks for nothing of ours has nothing to ask.
    const account = draft.account === 0 ? -1 - draft.rcode : draft.account
    const verdict = policy.limiter?.check(family, words, account, protection.now()) ?? "answer"
    return verdict === "answer" || isWithin(policy.exempt, family, words) ? "answer" : verdict
  }

  const answer = (draft: Draft, query: Query, remote: string): void => {
    if (query.questionEnd === headerBytes) return
    const isTransfer = query.type === RecordType.AXFR || query.type === RecordType.IXFR
    if (query.class !== classIn || isTransfer) draft.rcode = Rcode.REFUSED
    else lookUp(draft, query, remote)
  }

  return (packet, transport, remote) => {
    const decoded = decodeQuery(packet)
    if (decoded === undefined) {
      deps.ignored?.()
      return undefined
    }
    const { query, rcode } = decoded
    const draft: Draft = {
      rcode,
      authoritative: false,
      scope: 0,
      answers: [],
      authority: [],
      additional: [],
      account: 0,
      options: undefined,
      hit: undefined
    }
    if (rcode === Rcode.NOERROR) answer(draft, query, remote)
    const policy = protection.policy()
    const isUdp = transport === "udp"
    const isLimited = isUdp && policy.limiter !== undefined
    const family = isLimited || query.edns?.cookie !== undefined ? readSender(remote, words) : 0
    const isKnown = exchangeCookies(draft, query, policy, family)
    if (query.edns?.wantsNsid === true && policy.nsid !== undefined) {
      draft.options = draft.options === undefined ? policy.nsid : Buffer.concat([draft.options, policy.nsid])
    }
    if (isLimited && !isKnown) {
      const verdict = judge(draft, policy, family)
      if (verdict !== "answer") {
        protection.limited(verdict, remote)
        if (verdict === "drop") return undefined
        deps.tally(query.type, draft.rcode)
        return encodeTruncated(query, draft)
      }
    }
    const limit = isUdp ? Math.min(query.edns?.udpBytes ?? plainUdpBytes, maxUdpBytes) : maxTcpBytes
    const { bytes, truncated } = encodeResponse(query, draft, limit)
    // A truncated answer names no member; the client asks again over TCP.
    if (draft.hit !== undefined && !truncated) deps.record(draft.hit)
    deps.tally(query.type, draft.rcode)
    return bytes
  }
}

const noProtection: Protection = { policy: () => noPolicy, now: () => 0, limited: () => {} }

/** The answer to a message that could not be answered because something of ours failed; undefined is silence. */
export const serverFailure = (packet: Buffer): Buffer | undefined => {
  const query = decodeQuery(packet)?.query
  return query === undefined ? undefined : encodeResponse(
    query,
    {
      rcode: Rcode.SERVFAIL,
      authoritative: false,
      scope: 0,
      answers: [],
      authority: [],
      additional: [],
      options: undefined
    },
    plainUdpBytes
  ).bytes
}
