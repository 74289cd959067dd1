import * as Schema from "effect/Schema"
import { makeCatalog } from "../src/domain/Catalog.ts"
import { SteeringSettings } from "../src/domain/documents/GeoDns.ts"
import { Members } from "../src/domain/documents/Members.ts"
import { Services } from "../src/domain/documents/Services.ts"
import { atOnce } from "../src/domain/Slices.ts"
import type { Client } from "../src/steering/Choice.ts"
import { DownTargets } from "../src/steering/DownTargets.ts"
import { LastHealthy } from "../src/steering/LastHealthy.ts"
import { ServedNames } from "../src/steering/ServedNames.ts"
import { SteeringTables } from "../src/steering/SteeringTables.ts"
import { atLeast, type Benchmark, perSecond } from "./measure.ts"
import { numbers, place } from "./random.ts"

const name = "rpc.bench.example"

const served = (count: number): SteeringTables => {
  const random = numbers(count)
  const members = Object.fromEntries(Array.from({ length: count }, (_, i) => {
    const { latitude, longitude } = place(random)
    return [`member-${i}`, {
      Details: { Name: `Member ${i}` },
      Membership: { MemberLevel: 5 },
      Service: { Active: 1 as const, ServiceIPv4: `198.18.${i >> 8}.${i & 255}`, ServiceIPv6: "" },
      ServiceAssignments: { All: ["Main"] },
      Location: { Latitude: latitude, Longitude: longitude }
    }]
  }))
  const services = {
    Main: {
      Configuration: { Name: "Main", ServiceType: "RPC", Active: 1 as const, LevelRequired: 1 },
      Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
      Providers: { P: { RpcUrls: [`wss://${name}`] } }
    }
  }
  const names = new ServedNames({
    catalog: makeCatalog(Schema.decodeSync(Members)(members), Schema.decodeSync(Services)(services)),
    settings: Schema.decodeSync(SteeringSettings)({}),
    down: new DownTargets(),
    lastHealthy: new LastHealthy()
  })
  return new SteeringTables(names, atOnce(names.build([name], 0, new Set())))
}

/** Of a tenth of the clients it is not known where they are. */
const clients = (count: number): ReadonlyArray<Client> => {
  const random = numbers(1)
  return Array.from({ length: count }, (_, i) => ({
    location: i % 10 === 0 ? undefined : place(random),
    scope: `10.${i >> 8}.${i & 255}.0/24`
  }))
}

/** Choices per second over 10,000 clients everywhere on the globe, without and with their explanation. */
export const run: Benchmark = async ({ smoke }) => {
  const places = clients(10_000)
  const measure = (label: string, unit: string, goal: number, batch: number, ask: (client: Client) => void) => {
    // The best of many short runs: on a busy machine some of them have a core to themselves.
    const rates = Array.from(
      { length: smoke ? 3 : 40 },
      () => perSecond(60, batch, (i) => ask(places[i % places.length]!))
    )
    return atLeast(label, Math.max(...rates), unit, goal)
  }
  const few = served(30)
  const many = served(1_000)
  const choose = (names: SteeringTables) => (client: Client) => void names.choose(name, false, client)
  const explain = (names: SteeringTables) => (client: Client) => void names.explain(name, false, client)
  return [
    measure("steering, 30 members", "choices/s", 1_000_000, 1_000, choose(few)),
    measure("steering, 1000 members", "choices/s", 100_000, 100, choose(many)),
    measure("steering explained, 30 members", "choices/s", 10_000, 100, explain(few)),
    measure("steering explained, 1000 members", "choices/s", 300, 1, explain(many))
  ]
}
