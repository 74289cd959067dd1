import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as IpNetwork from "effect/net/IpNetwork"
import { createHash } from "node:crypto"
import { exchange } from "../config/exchange.ts"
import type { Outage } from "../domain/Outage.ts"
import type { Board, Standing } from "./AlertChannel.ts"
import { AlertError } from "./AlertError.ts"
import { type AlertTarget, alertTarget, refused, unanswered } from "./AlertTarget.ts"
import { oneLine, testText, votesText, whyOf } from "./AlertText.ts"

/** How to reach an Alertmanager. */
export interface AlertmanagerOptions {
  /** Under which it is remembered what it was shown. */
  readonly name: string
  /** Its base URL, as http://127.0.0.1:9093. */
  readonly url: string
  /** Seconds between two times that all alerts are sent. */
  readonly interval: number
  /** Where people see more; none when empty, or no web address: it would take no alert then. */
  readonly dashboard: string
  readonly allowed: ReadonlyArray<IpNetwork.IpNetwork>
}

/** An open alert ends by itself when it is not sent again, in milliseconds; at least five minutes. */
const aliveFor = 5 * 60_000
/** Alerts in one request: below the bounds of common proxies. */
const batch = 500

/** One alert of the v2 API. */
export interface PostableAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL?: string
}

const time = (millis: number): string => new Date(millis).toISOString()

/**
 * What identifies an alert, the same from the first to the last time: the target, and no text that could change. Labels
 * without a value are left out, as Alertmanager does.
 */
export const labelsOf = ({ target }: Outage): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries({
      alertname: "GeoDNSOutage",
      member: target.member,
      check: target.check,
      check_type: target.checkType,
      domain: target.domain,
      endpoint: target.endpoint,
      ip_version: target.ipv6 ? "6" : "4"
    }).filter(([, value]) => value !== "")
  )

/** An outage as it is sent. `now` in milliseconds since the epoch. */
export const alertOf = (
  { isTest = false, outage, severity, state }: Standing,
  now: number,
  dashboard: string
): PostableAlert => ({
  labels: { ...labelsOf(outage), ...isTest && { test: "true" } },
  annotations: {
    summary: isTest
      ? testText({ kind: "opened", outages: [outage] })
      : `${oneLine(outage.target.member)}: ${oneLine(outage.target.check)} is down`,
    error: whyOf(outage),
    severity,
    since: time(outage.start),
    votes: votesText(outage),
    outage: outage.id
  },
  startsAt: time(outage.start),
  endsAt: state === "open"
    ? time(Math.max(now, outage.start) + aliveFor + 60_000)
    : time(Math.max(outage.end ?? now, outage.start)),
  ...dashboard !== "" && { generatorURL: dashboard }
})

/** That alerts get through at all: always there. Whoever misses it knows that something is wrong. */
export const deadMansSwitch = (now: number, dashboard: string): PostableAlert => ({
  labels: { alertname: "DeadMansSwitch", source: "geodns" },
  annotations: { summary: "Alerts of geodns get through. This one is always there", severity: "none" },
  startsAt: time(now),
  endsAt: time(now + aliveFor + 60_000),
  ...dashboard !== "" && { generatorURL: dashboard }
})

/** Of outages of one target only the one that counts: the open one, else the latest. */
const onePerTarget = (alerts: ReadonlyArray<Standing>): ReadonlyArray<Standing> => {
  const found = new Map<string, Standing>()
  for (const one of alerts) {
    const key = JSON.stringify(labelsOf(one.outage))
    const other = found.get(key)
    const isBetter = other === undefined || one.state !== other.state && one.state === "open" ||
      one.state === other.state && one.outage.start > other.outage.start
    if (isBetter) found.set(key, one)
  }
  return [...found.values()]
}

/** All that is sent at once. */
export const alertsOf = (
  standing: ReadonlyArray<Standing>,
  now: number,
  dashboard: string
): ReadonlyArray<PostableAlert> => [
  deadMansSwitch(now, dashboard),
  ...onePerTarget(standing).map((one) => alertOf(one, now, dashboard))
]

/** The endpoint below a base URL, whatever path it has. */
const endpoint = (url: URL): URL => {
  const at = new URL(url)
  at.username = ""
  at.password = ""
  at.search = ""
  at.hash = ""
  at.pathname = `${at.pathname.replace(/\/+$/, "")}/api/v2/alerts`
  return at
}

const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const authorization = ({ password, username }: URL): Readonly<Record<string, string>> =>
  username === "" && password === ""
    ? {}
    : {
      authorization: `Basic ${Buffer.from(`${unescaped(username)}:${unescaped(password)}`).toString("base64")}`
    }

/**
 * The names of Alertmanagers, by their URL: of one alone, or of each with its host. One that is away has its own condition, and
 * the others know when they have seen enough of an end.
 */
export const alertmanagerNames = (urls: ReadonlyArray<string>): ReadonlyMap<string, string> => {
  const different = [...new Set(urls)]
  const hosts = different.map((url) => URL.canParse(url) ? new URL(url).host : "?")
  return new Map(different.map((url, i) => {
    if (different.length === 1) return [url, "alertmanager"]
    const isAlone = hosts.indexOf(hosts[i]!) === hosts.lastIndexOf(hosts[i]!)
    const which = isAlone ? "" : `:${createHash("sha256").update(url).digest("hex").slice(0, 8)}`
    return [url, `alertmanager:${hosts[i]}${which}`]
  }))
}

/** An Alertmanager: all alerts that stand, and ends for 15 minutes. What it refuses of them keeps no others from it. */
export const alertmanagerBoard = ({ allowed, dashboard, interval, name, url }: AlertmanagerOptions): Board => {
  const target = alertTarget(name, url, allowed)
  const more = alertTarget(name, dashboard, []) === undefined ? "" : dashboard
  const post = Effect.fnUntraced(function*(target: AlertTarget, alerts: ReadonlyArray<PostableAlert>) {
    const answer = yield* exchange({
      url: endpoint(target.url),
      allowed: target.allowed,
      method: "POST",
      headers: { "content-type": "application/json", ...authorization(target.url) },
      body: JSON.stringify(alerts)
    }).pipe(Effect.mapError(unanswered(target)))
    return answer.status === 200 ? undefined : refused(target, answer)
  })
  return {
    name,
    every: interval * 1_000,
    showEnds: "15 minutes",
    show: Effect.fnUntraced(function*(standing) {
      if (target === undefined) {
        return yield* new AlertError({
          channel: name,
          problem: "a URL of GeoDNS.Alerts.Alertmanager.Urls is no http or https URL",
          isRetryable: true
        })
      }
      const alerts = alertsOf(standing, yield* Clock.currentTimeMillis, more)
      let failure: AlertError | undefined
      for (let i = 0; i < alerts.length; i += batch) {
        failure = (yield* post(target, alerts.slice(i, i + batch))) ?? failure
      }
      if (failure !== undefined) return yield* failure
    })
  }
}
