import type { Target } from "../../src/domain/Target.ts"
import type { Decision } from "../../src/status/Decision.ts"

export const target: Target = {
  checkType: "endpoint",
  check: "wss",
  member: "Lagoon",
  domain: "rpc.example",
  endpoint: "wss://rpc.example/polkadot",
  ipv6: false
}

export const targetNamed = (member: string): Target => ({ ...target, member })

/** A decision of a target that is down, unless it says otherwise. */
export const decision = (options: Partial<Decision> = {}): Decision => ({
  id: "p1",
  target,
  up: false,
  error: "connection refused",
  data: null,
  decidedAt: 1_000,
  decidedBy: "monitor-1",
  votes: { "monitor-1": true, "monitor-2": true },
  ...options
})
