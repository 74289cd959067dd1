import type { Outage } from "../../src/domain/Outage.ts"
import type { Target } from "../../src/domain/Target.ts"

/** 2026-03-01T00:00:00Z */
export const march = Date.parse("2026-03-01T00:00:00.000Z")
export const minute = 60_000

export const outage = (id: string, over: Partial<Outage> = {}, target: Partial<Target> = {}): Outage => ({
  id,
  target: {
    checkType: "endpoint",
    check: id,
    member: "Potomac Works",
    domain: "rpc.example",
    endpoint: "wss://rpc.example/kusama",
    ipv6: false,
    ...target
  },
  start: march,
  end: undefined,
  error: "connection refused",
  data: null,
  votes: { m1: true, m2: true },
  blip: false,
  ...over
})

export const ended = (it: Outage, end = it.start + minute): Outage => ({ ...it, end, blip: end - it.start < 900_000 })
