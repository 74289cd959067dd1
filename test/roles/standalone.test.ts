import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Option, Schedule } from "effect"
import { Config } from "effect-geodns/config"
import { standalone } from "effect-geodns/roles"
import { OfficialStatus, OutageLog } from "effect-geodns/status"
import { Steering } from "effect-geodns/steering"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

const host = "rpc.roles.example"

/** A server that can be told to fail. */
const server = (address: string, port: number) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; isWell: boolean; readonly close: () => void }>((resume) => {
      const http = createServer((request, response) => {
        request.resume()
        response.writeHead(self.isWell ? 200 : 503).end()
      })
      const self = {
        port: 0,
        isWell: true,
        close: () => {
          http.close()
          http.closeAllConnections()
        }
      }
      http.listen(port, address, () => {
        self.port = (http.address() as AddressInfo).port
        resume(Effect.succeed(self))
      })
    }),
    (self) => Effect.sync(self.close)
  )

const freePort = Effect.map(Effect.scoped(server("127.0.0.1", 0)), ({ port }) => port)

/** Looks until it is so. */
const until = <E, R>(what: string, look: Effect.Effect<boolean, E, R>) =>
  look.pipe(
    Effect.repeat({ schedule: Schedule.spaced("20 millis"), until: (isSo) => isSo }),
    Effect.timeoutOption("15 seconds"),
    Effect.map((seen) => assert.isTrue(Option.isSome(seen), what))
  )

describe("standalone", () => {
  it.live("shows what it knows, and lets go of targets that nobody checks any more", () =>
    Effect.gen(function*() {
      const folder = yield* Effect.acquireRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "geodns-roles-"))),
        (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
      )
      const alpha = yield* server("127.0.4.1", 0)
      const bravo = yield* server("127.0.4.2", alpha.port)
      const port = yield* freePort
      const write = (name: string, document: unknown) => writeFileSync(join(folder, name), JSON.stringify(document))
      const writeMembers = (alphaName: string) =>
        write(
          "members.json",
          Object.fromEntries([["Alpha", alphaName, "127.0.4.1"], ["Bravo", "Bravo", "127.0.4.2"]].map(
            ([key, name, address]) => [key!, {
              Details: { Name: name },
              Membership: { MemberLevel: 1 },
              Service: { Active: 1, ServiceIPv4: address },
              ServiceAssignments: { all: ["Rpc"] },
              Location: { Latitude: 0, Longitude: 0 }
            }]
          ))
        )
      const writeLocal = (enabled: 0 | 1) =>
        write("local.json", {
          System: { ConfigUrls: { MembersConfig: "members.json", ServicesConfig: "services.json" } },
          Nats: { NodeID: "alone" },
          DnsApi: { ListenPort: String(port) },
          Checks: [{ Name: "http", Enabled: enabled, CheckType: "endpoint", Timeout: 2, minimumInterval: 0.5 }],
          GeoDNS: { Dns: { Listen: "127.0.0.1:0" } }
        })
      writeMembers("Alpha")
      writeLocal(1)
      write("services.json", {
        Rpc: {
          Configuration: { Name: "Rpc", ServiceType: "RPC", Active: 1, LevelRequired: 1 },
          Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
          Providers: { one: { RpcUrls: [`ws://${host}:${alpha.port}/rpc`] } }
        }
      })

      yield* Effect.gen(function*() {
        const steering = yield* Steering
        const outages = yield* OutageLog
        const official = yield* OfficialStatus
        const reload = Config.use((config) => config.reload)
        const isOut = (member: string) =>
          steering.explain(host, false, { location: undefined, scope: "" })!.candidates
            .some((candidate) => candidate.member === member && candidate.exclusions.length > 0)
        const open = Effect.map(outages.open, (all) => all.map(({ target }) => target.member))
        const isOpen = (...members: ReadonlyArray<string>) => Effect.map(open, (all) => all.join() === members.join())
        const get = (path: string) =>
          Effect.promise(async () => {
            const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(10_000) })
            return { status: response.status, body: await response.json() as any }
          })

        yield* until("both are decided", Effect.map(official.all, ({ size }) => size === 2))
        alpha.isWell = false
        yield* until("Alpha has an outage", isOpen("Alpha"))
        yield* until("Alpha is out", Effect.sync(() => isOut("Alpha")))

        const own = yield* get("/results?source=local")
        assert.strictEqual(own.status, 200)
        assert.sameMembers(
          own.body.EndpointResults[0].Results.map((result: any) => result.MemberName),
          ["Alpha", "Bravo"]
        )
        yield* until(
          "the page has the outage",
          Effect.map(get("/api/status"), ({ body }) => body.outages?.open.items?.[0]?.target.member === "Alpha")
        )

        // Renamed while it is down: nobody will ever decide on the old name.
        writeMembers("Alpha Hosting")
        alpha.isWell = true
        yield* reload
        yield* until("the outage of the old name ends", isOpen())
        yield* until(
          "the old name is forgotten",
          Effect.map(official.all, (all) =>
            [...all.values()].map(({ target }) => target.member).sort().join() === "Alpha Hosting,Bravo")
        )
        assert.isFalse(isOut("Alpha Hosting"))

        // Its check is switched off while it is down: nobody looks any more.
        bravo.isWell = false
        yield* until(
          "Bravo is out",
          Effect.sync(() =>
            isOut("Bravo")
          )
        )
        yield* until("Bravo has an outage", isOpen("Bravo"))
        writeLocal(0)
        yield* reload
        yield* until("the outage ends with the check", isOpen())
        yield* until("Bravo is in again", Effect.sync(() => !isOut("Bravo")))
      }).pipe(Effect.provide(standalone(join(folder, "local.json"))))
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))), 120_000)
})
