import * as Command from "effect/cli/Command"
import { agent } from "./commands/agent.ts"
import { alerts } from "./commands/alerts.ts"
import { collator } from "./commands/collator.ts"
import { config } from "./commands/configCheck.ts"
import { demo } from "./commands/demo.ts"
import { dig } from "./commands/dig.ts"
import { dns } from "./commands/dns.ts"
import { explain } from "./commands/explain.ts"
import { geoip } from "./commands/geoip.ts"
import { keys } from "./commands/keys.ts"
import { log } from "./commands/log.ts"
import { monitor } from "./commands/monitor.ts"
import { natsPermissions } from "./commands/natsPermissions.ts"
import { nodes } from "./commands/nodes.ts"
import { outages } from "./commands/outages.ts"
import { maintenance, override } from "./commands/override.ts"
import { probe } from "./commands/probe.ts"
import { roster } from "./commands/roster.ts"
import { standalone } from "./commands/standalone.ts"
import { status } from "./commands/status.ts"
import { store } from "./commands/store.ts"
import { usage } from "./commands/usage.ts"
import { verify } from "./commands/verify.ts"
import { zone } from "./commands/zone.ts"

/** The command with all that it can do. */
export const geodns = Command.make("geodns").pipe(
  Command.withDescription(
    "An open GeoDNS control plane: many operators serve one domain, the nodes decide together who is up, and DNS answers with the nearest. Exit codes: 0 done, or stopped by a signal after tidying up; 1 not done; 2 the command line is not one; 130 or 143 ended by a signal."
  ),
  Command.withSubcommands([
    demo,
    standalone,
    monitor,
    dns,
    collator,
    agent,
    config,
    status,
    nodes,
    log,
    override,
    maintenance,
    explain,
    dig,
    probe,
    geoip,
    outages,
    alerts,
    usage,
    store,
    zone,
    keys,
    natsPermissions,
    roster,
    verify
  ])
)
