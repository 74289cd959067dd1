import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync, writeFileSync } from "node:fs"
import { createServer as createTlsServer } from "node:https"
import { createServer as createTcpServer } from "node:net"
import type { AddressInfo } from "node:net"
import { join, resolve } from "node:path"
import { StatusDocument } from "../../src/http/StatusDocument.ts"
import { fakeNode } from "./fakeNode.ts"
import { lines, run, start, temporaryFolder } from "./geodns.ts"
import { command } from "./inProcess.ts"
import { operatorFolder } from "./operator.ts"
import { decided, endpoint, proposed, statusDocument, voted } from "./samples.ts"

const readStatus = Schema.decodeUnknownSync(Schema.fromJsonString(StatusDocument))

const write = Effect.fnUntraced(function*(name: string, text: string) {
  const file = join(yield* temporaryFolder, name)
  writeFileSync(file, text)
  return file
})

describe("geodns status and geodns nodes", () => {
  it.live("show the whole, one member, or the document itself", () =>
    Effect.gen(function*() {
      const node = yield* fakeNode()
      node.status = statusDocument([endpoint("Fuji Hosting", false, "status 503"), endpoint("Rhine", true)])
      const at = ["--node", node.url]
      const whole = yield* command(["status", ...at])
      assert.isTrue(whole.ok, whole.stderr)
      assert.match(whole.stdout, /^Rhine +up/m)
      assert.include(whole.stdout, "yes mon-1, mon-2; no mon-3")
      const one = yield* command(["status", "--member", "rhine", ...at])
      assert.include(one.stdout, "  up  Rhine  wss")
      assert.notInclude(one.stdout, "Fuji")
      const json = yield* command(["status", "--json", ...at])
      assert.deepStrictEqual(readStatus(json.stdout), node.status)
      const nobody = yield* command(["status", "--member", "Rihne", ...at])
      assert.isFalse(nobody.ok)
      assert.include(nobody.stderr, 'knows no member "Rihne"; did you mean "Rhine"?')

      const nodes = yield* command(["nodes", ...at])
      assert.match(nodes.stdout, /^mon-1 +IBPMonitor +192\.0\.2\.1 +.* yes +yes$/m)
      assert.match(nodes.stdout, /^old +IBPMonitor \(guessed\) .* no$/m)
      assert.include(nodes.stdout, "2 of 3 active; 3 may vote now")
      assert.match(nodes.stdout, /^dns-1 \(this\) +IBPDns .* yes$/m)
      assert.notInclude(nodes.stdout, "broker")
      const list = JSON.parse((yield* command(["nodes", "--json", ...at])).stdout)
      assert.deepStrictEqual([list.electorate, list.nodes, list.conditions], [3, node.status.nodes, []])

      const condition = {
        name: "bus",
        detail: "the bus is not connected (refused): this node hears no other",
        since: "2026-04-21T08:00:00.000Z"
      }
      const other = { name: "store", detail: "The disk is full", since: condition.since }
      node.status = { ...node.status, conditions: { total: 2, items: [other, condition] } }
      const isolated = yield* command(["nodes", ...at])
      assert.match(
        isolated.stdout,
        /^Degraded since 2026-04-21 08:00:00Z \(.*\): the bus is not connected \(refused\): this node hears no other$/m
      )
      assert.notInclude(isolated.stdout, "disk")
      assert.deepStrictEqual(JSON.parse((yield* command(["nodes", "--json", ...at])).stdout).conditions, [condition])

      const [self] = node.status.nodes.items
      node.status = { ...statusDocument([]), electorate: 1, nodes: { total: 1, items: [self!] } }
      const alone = (yield* command(["nodes", ...at])).stdout
      assert.match(alone, /^dns-1 \(this\) /m)
      assert.include(alone, "No other node is known; 1 may vote now")
    }).pipe(Effect.scoped))

  it.live(
    "show the whole again and again with --watch, whatever the node says, until a signal",
    () =>
      Effect.gen(function*() {
        let isAway = false
        const node = yield* fakeNode({
          refuse: (_, response) => {
            if (isAway) response.writeHead(503, { "content-type": "application/json" }).end(`{"error":"not just now"}`)
            return isAway
          }
        })
        node.status = statusDocument([endpoint("Rhine", true)])
        const watching = yield* start(["status", "--watch", "--node", node.url])
        yield* watching.says(/^Rhine +up/m)
        node.status = statusDocument([endpoint("Rhine", false, "status 503")])
        yield* watching.says(/^Rhine +down/m)
        isAway = true
        yield* watching.logs(/not just now[^]*not just now/)
        isAway = false
        node.status = statusDocument([endpoint("Fuji Hosting", true)])
        yield* watching.says(/^Fuji Hosting +up/m)
        yield* watching.kill("SIGINT")
        const { code, stderr, stdout } = yield* watching.ended
        assert.strictEqual(code, 0, stderr)
        // Nobody looks at a terminal: nothing to clear, and no colours.
        assert.notInclude(stdout, "\u001b")

        const json = yield* start(["status", "--watch", "--json", "--member", "fuji hosting", "--node", node.url])
        yield* json.says(/\n.*\n/)
        yield* json.kill("SIGTERM")
        for (const line of lines((yield* json.ended).stdout)) assert.strictEqual(readStatus(line).members.total, 1)
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "exit with 4 when a target is down and 3 when the node is degraded, if asked to",
    () =>
      Effect.gen(function*() {
        const node = yield* fakeNode()
        const condition = { name: "bus", detail: "away", since: "2026-04-21T08:00:00Z" }
        const degraded = { conditions: { total: 1, items: [condition] } }
        const seen: Array<number | null> = []
        for (
          const document of [
            statusDocument([endpoint("Rhine", true)]),
            statusDocument([endpoint("Rhine", true)], degraded),
            statusDocument([endpoint("Rhine", false, "x")], degraded)
          ]
        ) {
          node.status = document
          seen.push((yield* run("status", "--node", node.url, "--exit-code")).code)
        }
        seen.push((yield* run("status", "--node", node.url)).code)
        assert.deepStrictEqual(seen, [0, 3, 4, 0])
      }).pipe(Effect.scoped),
    120_000
  )
})

describe("who is asked, and with which key", () => {
  it.live("comes from flags, the local document, the environment, in this order", () =>
    Effect.gen(function*() {
      const [first, second, third] = [yield* fakeNode(), yield* fakeNode(), yield* fakeNode()]
      const folder = yield* operatorFolder((local) => {
        local.DnsApi = { ListenAddress: "0.0.0.0", ListenPort: String(second.port), AuthKeys: { reader: "read-key" } }
        local.MgmtApi = { AuthKeys: { ops: "manage-key" } }
      })
      const config = ["--config", join(folder, "local.json")]
      const env = { GEODNS_NODE: third.url, GEODNS_KEY: "env-key" }
      const keyFile = yield* write("key", "file-key\n")
      assert.isTrue((yield* command(["nodes", "--node", first.url, ...config, "--key-file", keyFile], env)).ok)
      assert.deepStrictEqual(first.asked.map(({ key }) => key), ["file-key"])
      assert.isTrue((yield* command(["nodes", ...config])).ok)
      assert.isTrue((yield* command(["nodes", ...config], env)).ok)
      assert.deepStrictEqual(second.asked.map(({ key }) => key), ["manage-key", "env-key"])
      assert.isTrue((yield* command(["nodes"], env)).ok)
      assert.deepStrictEqual(third.asked.map(({ key }) => key), ["env-key"])
    }).pipe(Effect.scoped))

  it.live("says what to do when the node wants a key, does not know it, or lets it not do that", () =>
    Effect.gen(function*() {
      const node = yield* fakeNode({ keys: { reader: "read", ops: "write" } })
      const add = (env: Readonly<Record<string, string>>) =>
        command(["override", "add", "Rhine", "--reason", "x", "--node", node.url], env)
      const none = yield* add({})
      assert.match(
        none.stderr,
        /wants a key: set GEODNS_KEY, or give --key-file FILE, or --config FILE.*MgmtApi\.AuthKeys/
      )
      const unknown = yield* add({ GEODNS_KEY: "planted-key" })
      assert.match(unknown.stderr, /does not know this key.*MgmtApi\.AuthKeys/)
      const reads = yield* add({ GEODNS_KEY: "reader" })
      assert.match(reads.stderr, /does not allow that: This key only reads/)
      assert.isTrue((yield* add({ GEODNS_KEY: "ops" })).ok)
      for (const { ok, stderr, stdout } of [none, unknown, reads]) {
        assert.isFalse(ok)
        assert.strictEqual(stdout, "")
        assert.notInclude(stderr, "planted-key")
      }
    }).pipe(Effect.scoped))

  it.live("refuses what cannot be a key or a node, and never shows the key", () =>
    Effect.gen(function*() {
      const two = yield* write("keys", "planted-one\nplanted-two\n")
      const many = yield* command(["nodes", "--key-file", two])
      assert.include(many.stderr, `${two} holds no key: a key is one word`)
      assert.notInclude(many.stderr, "planted")
      assert.include(
        (yield* command(["nodes", "--key-file", "/nowhere/key"])).stderr,
        "cannot be read from /nowhere/key"
      )
      assert.include(
        (yield* command(["nodes"], { GEODNS_NODE: "dns-1:6100" })).stderr,
        'GEODNS_NODE is "dns-1:6100": it must be the URL of a node'
      )
      assert.include((yield* command(["nodes", "--config", "/nowhere/local.json"])).stderr, "/nowhere/local.json")
    }).pipe(Effect.scoped))

  it.live("says why a node is not reached", () =>
    Effect.gen(function*() {
      const nobody = yield* command(["status", "--node", "http://127.0.0.1:1"])
      assert.include(nobody.stderr, "no node answers at http://127.0.0.1:1: is one running there?")
      const other = yield* fakeNode({
        refuse: (_, response) => {
          response.writeHead(404, { "content-type": "text/html" }).end("<p>nginx</p>")
          return true
        }
      })
      assert.include(
        (yield* command(["status", "--node", other.url])).stderr,
        "is no node of ours, or an older one (404)"
      )
      const noDocument = yield* fakeNode({
        refuse: (_, response) => {
          response.writeHead(200, { "content-type": "application/json" }).end('{"hello":1}')
          return true
        }
      })
      assert.include(
        (yield* command(["status", "--node", noDocument.url])).stderr,
        "did not answer as a node of this version does"
      )
    }).pipe(Effect.scoped))

  it.live("knows nodes with a certificate of a private authority when NODE_EXTRA_CA_CERTS names it", () =>
    Effect.gen(function*() {
      const tls = resolve(import.meta.dirname, "../fixtures/tls")
      const port = yield* Effect.acquireRelease(
        Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
          const server = createTlsServer({
            cert: readFileSync(join(tls, "valid.pem")),
            key: readFileSync(join(tls, "valid.key"))
          }, (_, response) => {
            response.writeHead(200, { "content-type": "application/json" })
              .end(JSON.stringify(statusDocument([endpoint("Rhine", true)])))
          })
          server.listen(
            0,
            "127.0.0.1",
            () => resume(Effect.succeed({ port: (server.address() as AddressInfo).port, close: () => server.close() }))
          )
        }),
        ({ close }) => Effect.sync(close)
      )
      const { stderr } = yield* command(["status", "--node", `https://127.0.0.1:${port.port}`])
      const unencrypted = yield* command(["status", "--node", `http://127.0.0.1:${port.port}`])
      assert.include(unencrypted.stderr, "A node with TLS wants https://")
      assert.match(stderr, /NODE_EXTRA_CA_CERTS|certificate is for another name/)
      const tcp = yield* Effect.acquireRelease(
        Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
          const server = createTcpServer((socket) => socket.on("error", () => undefined).end("not TLS\r\n"))
          server.listen(
            0,
            "127.0.0.1",
            () => resume(Effect.succeed({ port: (server.address() as AddressInfo).port, close: () => server.close() }))
          )
        }),
        ({ close }) => Effect.sync(close)
      )
      const plain = yield* command(["status", "--node", `https://127.0.0.1:${tcp.port}`])
      assert.include(plain.stderr, "it does not speak TLS: write http://")
    }).pipe(Effect.scoped))
})

describe("geodns override and geodns maintenance", () => {
  it.live("give, list and end, and say what follows", () =>
    Effect.gen(function*() {
      const node = yield* fakeNode()
      const ask = (...args: ReadonlyArray<string>) => command([...args, "--node", node.url], { USER: "ada" })
      const given = yield* ask("override", "add", "Fuji Hosting", "--reason", "switch replaced", "--until", "2h")
      assert.isTrue(given.ok, given.stderr)
      assert.match(
        given.stdout,
        /^Fuji Hosting is out of service from now on, until 20\d\d-.*Z\.\n {2}switch replaced \(ada at dns-1\)$/m
      )
      assert.include(
        given.stdout,
        "DNS answers leave it out from now on. It is not checked meanwhile.\nThe other nodes are told at once"
      )
      assert.notInclude((yield* command(["override", "add", "--help"])).stdout, "checks go on")
      assert.include(given.stdout, 'geodns override end "Fuji Hosting"')
      const { from, until } = node.overrides[0]!
      assert.closeTo(Date.parse(until!) - Date.parse(from), 2 * 3600_000, 5_000)

      const planned = yield* ask(
        ...["maintenance", "add", "Rhine", "--reason", "new disks", "--author", "Eve"],
        ...["--from", "2095-05-01 22:00", "--until", "3h"]
      )
      assert.include(planned.stdout, "Rhine will be out of service from 2095-05-01 22:00:00Z (in")
      assert.include(planned.stdout, "until 2095-05-02 01:00:00Z.\n  new disks (Eve at dns-1)")

      const listed = yield* ask("override", "list")
      assert.match(listed.stdout, /^Fuji Hosting +active +since .*ada at dns-1 +switch replaced$/m)
      assert.notInclude(listed.stdout, "Rhine")
      assert.match((yield* ask("maintenance", "list")).stdout, /^Rhine +planned +from 2095-05-01 22:00:00Z \(in /m)

      const ended = yield* ask("override", "end", "Fuji Hosting", "--reason", "done")
      assert.include(
        ended.stdout,
        "Ended: override of Fuji Hosting: switch replaced\nDNS answers have Fuji Hosting again"
      )
      assert.strictEqual((yield* ask("override", "list")).stdout, "No member is taken out by hand.")
      assert.match((yield* ask("override", "list", "--all")).stdout, /^Fuji Hosting +over +ended .* by ops/m)
      const json = JSON.parse((yield* ask("override", "list", "--all", "--json")).stdout)
      assert.deepStrictEqual(json.overrides.map((one: { readonly reason: string }) => one.reason), ["switch replaced"])
      assert.isTrue((yield* ask("maintenance", "end", "Rhine")).ok)

      const again = yield* ask("override", "end", "Fuji Hosting")
      assert.isFalse(again.ok)
      assert.include(again.stderr, "nothing is in force or planned for Fuji Hosting")
      const nobody = yield* ask("override", "add", "Nobody", "--reason", "x")
      assert.include(nobody.stderr, 'did you mean "Fuji Hosting"?')
    }).pipe(Effect.scoped))

  it.live("say what did not follow: no other member, no broker, out already", () =>
    Effect.gen(function*() {
      const node = yield* fakeNode()
      node.follows = {
        emptied: { total: 1, items: [{ name: "rpc.geodns.example" }] },
        connected: false,
        alreadySince: "2026-04-21T08:00:00.000Z"
      }
      const ask = (...args: ReadonlyArray<string>) => command([...args, "--node", node.url], { USER: "ada" })
      const { stdout } = yield* ask("override", "add", "Fuji Hosting", "--reason", "again")
      assert.include(stdout, "Fuji Hosting is already out since 2026-04-21 08:00:00Z")
      assert.include(stdout, "but rpc.geodns.example has no other member: the override does not hold there")
      assert.include(stdout, "This node has no broker now: the others learn of it when it is back.")
      assert.notInclude(stdout, "told")
      const json = JSON.parse((yield* ask("override", "add", "Rhine", "--reason", "x", "--json")).stdout)
      assert.deepInclude(json, node.follows)
    }).pipe(Effect.scoped))

  it.live("refuse slips of the hand before a node is asked", () =>
    Effect.gen(function*() {
      const node = yield* fakeNode()
      const fails = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
        const { code, stderr } = yield* command([...args, "--node", node.url])
        assert.strictEqual(code, 2, args.join(" "))
        return stderr
      })
      const add = ["maintenance", "add", "Rhine", "--reason", "x"]
      assert.include(yield* fails(...add, "--from", "now", "--until", "2020-01-01"), "is not after --from")
      assert.include(
        yield* fails(...add, "--from", "2020-01-01", "--until", "2020-01-02"),
        "--until 2020-01-02T00:00:00.000Z has passed already"
      )
      assert.include(
        yield* fails("override", "add", "Rhine", "--reason", "x", "--until", "2020-01-01"),
        "is not after now"
      )
      assert.include(yield* fails("override", "add", "Rhine", "--reason", "x", "--until", "soon"), "Expected: a time: ")
      assert.include(yield* fails("override", "add", "Rhine", "--reason", " "), "a reason that says something")
      assert.include(yield* fails("override", "add", "Rhine"), "Missing required flag: --reason")
      assert.include(yield* fails(...add, "--until", "2h"), "Missing required flag: --from")
      assert.deepStrictEqual(node.asked, [])
    }).pipe(Effect.scoped))
})

describe("geodns log", () => {
  it.live("shows outcomes, votes and everything, since when and how many", () =>
    Effect.gen(function*() {
      const node = yield* fakeNode()
      node.events.push(proposed(1), voted(2), decided(3), { ...decided(4, true), at: "2026-04-22T08:09:10.000Z" })
      const kinds = Effect.fnUntraced(function*(...args: ReadonlyArray<string>) {
        const { ok, stderr, stdout } = yield* command(["log", "--json", "--node", node.url, ...args])
        assert.isTrue(ok, stderr)
        return stdout === "" ? [] : stdout.split("\n").map((line) => JSON.parse(line).id)
      })
      assert.deepStrictEqual(yield* kinds(), [3, 4])
      assert.deepStrictEqual(yield* kinds("--votes"), [2, 3, 4])
      assert.deepStrictEqual(yield* kinds("--all"), [1, 2, 3, 4])
      assert.deepStrictEqual(yield* kinds("--all", "-n", "2"), [3, 4])
      assert.deepStrictEqual(yield* kinds("--lines", "0"), [])
      assert.deepStrictEqual(yield* kinds("--since", "2026-04-22"), [4])
      const text = yield* command(["log", "--node", node.url])
      assert.match(
        text.stdout,
        /^2026-04-21 08:09:10Z {2}offline {3}Fuji Hosting .*: status 503 {2}\[yes mon-1, mon-2; by mon-1\]$/m
      )
    }).pipe(Effect.scoped))
})

describe("a command line that is none", () => {
  it.live("is answered in a few lines on standard error, with exit code 2", () =>
    Effect.gen(function*() {
      const wrong = yield* run("status", "--nod", "http://127.0.0.1:1")
      assert.deepStrictEqual([wrong.code, wrong.stdout], [2, ""])
      assert.match(wrong.stderr, /Unrecognized flag: --nod[^]*Did you mean[^]*--node/)
      assert.include(wrong.stderr, "Run 'geodns status --help'")
      assert.isBelow(wrong.stderr.split("\n").length, 12)
      const missing = yield* run("override", "add")
      assert.strictEqual(missing.code, 2)
      const help = yield* run("override", "add", "--help")
      assert.deepStrictEqual([help.code, help.stderr], [0, ""])
      assert.include(help.stdout, "EXAMPLES")
    }), 120_000)
})
