import { clip } from "../domain/clip.ts"
import type { AgentReport, AgentService } from "../domain/wire/Agent.ts"
import type { Report } from "./Heartbeats.ts"

/** Services of one report that are looked at, and characters of their names and errors. */
const limits = { services: 64, name: 100, error: 200 }

/** One service as an agent saw it. */
export interface SeenService {
  readonly name: string
  readonly up: boolean
  /** `""` when up. */
  readonly error: string
  /** Milliseconds. */
  readonly latency: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** What an agent says of its machine. Services that it could not look at are left out. `at` in milliseconds since the epoch. */
export const makeAgentReport = (id: string, services: ReadonlyArray<SeenService>, at: number): AgentReport => ({
  agent_id: id,
  timestamp: at,
  status: "online",
  services: Object.fromEntries(
    services.slice(0, limits.services).map((seen): [string, AgentService] => [
      clip(seen.name, limits.name),
      {
        name: clip(seen.name, limits.name),
        status: seen.up ? "up" : "down",
        latency: Math.round(seen.latency * 1e6),
        last_check: seen.at,
        ...!seen.up && { error: clip(seen.error, limits.error) }
      }
    ])
  )
})

/**
 * What a report says of its member: that it is down when a service is, or when the agent says that it is not online. A service
 * that is `degraded` is up. Of many services the first are looked at.
 */
export const readAgentReport = ({ services, status }: AgentReport): Report => {
  const all = Object.entries(services ?? {}).sort(([a], [b]) => a < b ? -1 : 1).slice(0, limits.services)
  const data = {
    Services: Object.fromEntries(all.map(([name, service]) => [
      clip(name, limits.name),
      { Status: service.status, Latency: Math.round(service.latency / 1e3) / 1e3 }
    ]))
  }
  const [first, ...others] = all.filter(([, service]) => service.status === "down")
  if (status !== "online") return { up: false, error: `it is ${clip(status, 40) || "of no status"}`, data }
  if (first === undefined) return { up: true, error: "", data }
  const [name, { error = "" }] = first
  const said = `${clip(name, limits.name)}: ${clip(error, limits.error) || "down"}`
  return { up: false, error: others.length === 0 ? said : `${said}; and ${others.length} more`, data }
}
