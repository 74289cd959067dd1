import type { DecisionProof } from "../../src/domain/DecisionProof.ts"
import type { Outage } from "../../src/domain/Outage.ts"
import type { Target } from "../../src/domain/Target.ts"
import type { UsageRow } from "../../src/store/index.ts"

/** 2026-03-01T00:00:00Z */
export const march = Date.parse("2026-03-01T00:00:00.000Z")
export const minute = 60_000

/** Texts that have broken databases. NUL and half a surrogate pair are no text, and come back as U+FFFD. */
export const awkward = [
  `it's "quoted" \`twice\` \\ ''; DROP TABLE member_events; --`,
  "🛰️ satellite 日本 ñ",
  "%_*?[]{}",
  "line\nbreak\ttab",
  " spaces around "
]

export const target = (over: Partial<Target> = {}): Target => ({
  checkType: "endpoint",
  check: "wss",
  member: "Potomac Works",
  domain: "rpc.example",
  endpoint: "wss://rpc.example/kusama",
  ipv6: false,
  ...over
})

export const outage = (id: string, over: Partial<Outage> = {}): Outage => ({
  id,
  target: target(),
  start: march,
  end: undefined,
  error: "connection refused",
  data: { attempts: 3 },
  votes: { m1: true, m2: true, m3: false },
  blip: false,
  ...over
})

/** The proof of a step by so many voters, whose signatures say nothing. */
export const proof = (seq: number, over: Partial<DecisionProof> = {}, voters = 3): DecisionProof => ({
  seq,
  late: false,
  certificate: {
    cluster: "test",
    epoch: 1,
    T: target(),
    seq,
    votes: Array.from({ length: voters }, (_, i) => ({
      voter: `monitor-${i}`,
      observedAt: "2026-03-01T00:00:00.123456789Z",
      sig: `ed25519:${"A".repeat(86)}`
    }))
  },
  ...over
})

export const usage = (hits: number, over: Partial<UsageRow> = {}): UsageRow => ({
  day: "2026-03-01",
  node: "dns-1",
  writer: "w1",
  domain: "rpc.example",
  member: "Potomac Works",
  asn: "AS64500",
  network: "Example Net",
  country: "DE",
  countryName: "Germany",
  ipv6: false,
  hits,
  ...over
})
