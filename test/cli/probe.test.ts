import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { command } from "./inProcess.ts"
import { fixture, operatorFolder } from "./operator.ts"

/** A folder whose first members are at this loopback address, checked by `http` at this port. */
const folderAt = (address: string, port: number) =>
  Effect.map(
    operatorFolder((local) => {
      local.Checks = [
        {
          Name: "web",
          Enabled: 1,
          CheckType: "site",
          Timeout: 5,
          minimumInterval: 60,
          ExtraOptions: { Port: port, Scheme: "http" }
        },
        { Name: "ssl", Enabled: 1, CheckType: "domain", Timeout: 5, minimumInterval: 60 }
      ]
      local.GeoDNS = { ...local.GeoDNS, Checks: { web: { Probe: "http" } } }
    }),
    (folder) => {
      const members = fixture("members_professional.json")
      for (const member of Object.values<any>(members)) member.Service.ServiceIPv4 = address
      writeFileSync(join(folder, "members_professional.json"), JSON.stringify(members))
      const names = Object.values<any>(members).filter(({ Override, Service }) => Service.Active && !Override)
      return { file: join(folder, "local.json"), member: names[0].Details.Name as string }
    }
  )

const webServer = (status: number) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<Server>((resume) => {
        const server = createServer((_, response) => void response.writeHead(status).end("x"))
        server.listen(0, "127.0.1.9", () => resume(Effect.succeed(server)))
      }),
      (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
    ),
    (server) => (server.address() as AddressInfo).port
  )

describe("geodns probe", () => {
  it.live("probes one target and shows each step and its time", () =>
    Effect.gen(function*() {
      const port = yield* webServer(200)
      const { file, member } = yield* folderAt("127.0.1.9", port)
      const text = yield* command(["probe", member, "web", "ipv4", "--config", file])
      assert.isTrue(text.ok, text.stderr)
      assert.match(text.stdout, new RegExp(`^.*site web ${member} \\(IPv4\\)`))
      assert.match(text.stdout, /127\.0\.1\.9:\d+, at most 5 s/)
      assert.match(text.stdout, / connect\b[^]* request\b[^]*up after \d+ ms[^]*StatusCode 200/)
      const json = yield* command(["probe", member, "web", "ipv4", "--config", file, "--json"])
      const document = JSON.parse(json.stdout)
      assert.deepInclude(document, { check: "web", member, up: true, error: "", timeout: 5_000, port })
      assert.deepStrictEqual(document.steps.map(({ name }: { name: string }) => name), ["connect", "request"])
    }).pipe(Effect.scoped))

  it.live("what is down is an exit code of 1, with the reason", () =>
    Effect.gen(function*() {
      const port = yield* webServer(503)
      const { file, member } = yield* folderAt("127.0.1.9", port)
      const seen = yield* command(["probe", member, "web", "ipv4", "--config", file])
      assert.isFalse(seen.ok)
      assert.match(seen.stdout, /down after \d+ ms.*: status 503/)
    }).pipe(Effect.scoped))

  it.live("the check wss is reached by its name, though another covers the same URL", () =>
    Effect.gen(function*() {
      const file = yield* operatorFolder((local) => {
        local.Checks = ["wss", "http"].map((Name) => ({ Name, Enabled: 1, CheckType: "endpoint", Timeout: 1 }))
      })
      const members = fixture("members_professional.json")
      for (const member of Object.values<any>(members)) member.Service.ServiceIPv4 = "127.0.1.98"
      writeFileSync(join(file, "members_professional.json"), JSON.stringify(members))
      const [first] = Object.values<any>(members).filter(({ Override, Service }) => Service.Active && !Override)
      const words = [first.Details.Name, "wss", "ipv4", "wss://rpc.dotters.example/kusama"]
      const seen = yield* command(["probe", ...words, "--config", join(file, "local.json")])
      assert.match(seen.stdout, /endpoint wss .* wss:\/\/rpc\.dotters\.example\/kusama \(IPv4\)/)
    }).pipe(Effect.scoped))

  it.live("heartbeat and ping show no port, and heartbeat says where to look instead", () =>
    Effect.gen(function*() {
      const folder = yield* operatorFolder((local) => {
        local.Checks = [{ Name: "heartbeat", Enabled: 1, CheckType: "site", Timeout: 1 }]
      })
      const members = fixture("members_professional.json")
      const [first] = Object.values<any>(members).filter(({ Override, Service }) => Service.Active && !Override)
      const seen = yield* command(["probe", first.Details.Name, "ipv4", "--config", join(folder, "local.json")])
      assert.isFalse(seen.ok)
      assert.match(seen.stdout, new RegExp(`\\b${first.Service.ServiceIPv4.replaceAll(".", "\\.")}, at most 1 s`))
      assert.include(
        seen.stdout,
        "not tried: a single run hears no agents: ask a running monitor, /results?source=local"
      )
    }).pipe(Effect.scoped))

  it.live("words about no target, or about several, say what to choose from", () =>
    Effect.gen(function*() {
      const { file, member } = yield* folderAt("127.0.1.9", 9)
      const none = yield* command(["probe", "nobody", "--config", file])
      assert.isFalse(none.ok)
      assert.match(none.stderr, /no target has nobody: name a member/)
      const many = yield* command(["probe", member, "--config", file])
      assert.isFalse(many.ok)
      assert.match(many.stderr, /\d+ targets have .*say which, by a check \(web, ssl\), or a type/)
      // Each line is what finds that target
      const [, line] = /\n +(web .*)/.exec(many.stderr)!
      const words = [...line!.matchAll(/"([^"]+)"|(\S+)/g)].map(([, quoted, word]) => quoted ?? word!)
      const one = yield* command(["probe", ...words, "--config", file])
      assert.match(one.stdout, new RegExp(`^.*site web ${member} \\(IPv4\\)`))
    }).pipe(Effect.scoped))
})
