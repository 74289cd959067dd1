import { readFileSync } from "node:fs"

/** What the systemd unit of monitors tells Node: the figures are of a monitor as it is deployed. */
export const unitFlags = (): ReadonlyArray<string> => {
  const unit = readFileSync(new URL("../deploy/systemd/geodns-monitor.service", import.meta.url), "utf8")
  return /^ExecStart=\S+ node (.*) \S+\/main\.js monitor/m.exec(unit)?.[1]?.split(" ") ?? []
}
