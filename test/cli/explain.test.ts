import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { demoNetworks } from "../../src/demo/places.ts"
import { writeDatabase } from "../../src/geo/GeoEntry.ts"
import { ExplainAnswer } from "../../src/http/ExplainAnswer.ts"
import { lines, run } from "./geodns.ts"
import { command } from "./inProcess.ts"
import { operatorFolder, serveFolder } from "./operator.ts"

const decodeAnswer = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.toCodecJson(ExplainAnswer)))

const name = "polkadot.dotters.example"

describe.concurrent("geodns explain", () => {
  it.live(
    "computes from documents alone, says that the health is unknown, and writes nothing",
    () =>
      Effect.gen(function*() {
        const folder = yield* operatorFolder()
        const file = join(folder, "local.json")
        const before = readdirSync(folder)
        const { code, stderr, stdout } = yield* run("explain", name, "--client", "203.0.113.7", "--config", file)
        assert.strictEqual(code, 0, stderr)
        assert.match(stdout, /^polkadot\.dotters\.example A for 203\.0\.113\.0\/24: 192\.0\.2\.\d+ \(TTL 30\)$/m)
        assert.match(stdout, /^ +✗ Retired Member .*not active$/m)
        assert.match(stdout, /^ +✗ Oasis .*no address of this family$/m)
        assert.include(stdout, `From ${file} alone: the health of the members is unknown.`)
        assert.match(stdout, /^GeoIP: no city database, so clients are spread over all members/m)
        assert.notInclude(stdout, "client subnet")
        assert.deepStrictEqual(readdirSync(folder), before)
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("prints JSON for programs: the nearest member where the place is known", () =>
    Effect.gen(function*() {
      const folder = yield* operatorFolder()
      const databases = join(folder, "work/maxmind")
      mkdirSync(databases, { recursive: true })
      for (const kind of ["City", "Country", "ASN"] as const) {
        writeFileSync(
          join(databases, `Test-${kind}.mmdb`),
          Result.getOrThrow(writeDatabase(kind, demoNetworks, Date.UTC(2026, 0, 1)))
        )
      }
      const { code, stderr, stdout } = yield* run(
        "explain",
        name.toUpperCase(),
        "--client",
        "2001:db8:49::/48",
        "--type",
        "AAAA",
        "--json",
        "--config",
        join(folder, "local.json")
      )
      assert.strictEqual(code, 0, stderr)
      const answer = decodeAnswer(stdout)
      assert.strictEqual(answer.countryName, "Germany")
      const { candidates, choice, ipv6, name: steered, rule } = answer.explanation!
      assert.strictEqual(steered, name)
      assert.strictEqual(answer.zone.rule, "members")
      assert.isTrue(ipv6)
      assert.strictEqual(rule, "nearest")
      const free = candidates.filter(({ exclusions }) => exclusions.length === 0)
      const nearest = free.reduce((a, b) => a.distance! <= b.distance! ? a : b)
      assert.deepStrictEqual(choice.members, [nearest.member])
      assert.deepStrictEqual(choice.addresses, [nearest.address])
      assert.isTrue(nearest.chosen)
      assert.isAbove(free.length, 3)
    }).pipe(Effect.scoped), 120_000)

  it.live("says that DNS takes no client subnet that is private or unspecified, and nothing of databases that are there", () =>
    Effect.gen(function*() {
      const folder = yield* operatorFolder()
      const databases = join(folder, "work/maxmind")
      mkdirSync(databases, { recursive: true })
      for (const kind of ["City", "ASN"] as const) {
        writeFileSync(
          join(databases, `Test-${kind}.mmdb`),
          Result.getOrThrow(writeDatabase(kind, demoNetworks, Date.UTC(2026, 0, 1)))
        )
      }
      const config = join(folder, "local.json")
      for (
        const [client, address] of [
          ["10.1.0.0/16", "10.1.0.0"],
          ["203.0.113.0/0", "0.0.0.0"],
          ["::/0", "::"],
          ["fd12::/48", "fd12::"],
          ["2001:db8:49::/48", undefined]
        ] as const
      ) {
        const { ok, stderr, stdout } = yield* command(["explain", name, "--client", client, "--config", config])
        assert.isTrue(ok, stderr)
        const note = /does not use a private or unspecified client subnet: .* a resolver at (\S+) gets/.exec(stdout)
        assert.strictEqual(note?.[1], address, client)
        assert.notInclude(stdout, "GeoIP")
      }
    }).pipe(Effect.scoped))

  it.live(
    "warns of a node that is cut off or has old documents, and of one that does not say",
    () =>
      Effect.gen(function*() {
        const folder = yield* operatorFolder()
        const config = join(folder, "local.json")
        const computed = yield* command(["explain", name, "--client", "203.0.113.7", "--config", config, "--json"])
        const offline = JSON.parse(computed.stdout)
        assert.deepStrictEqual(offline.conditions.map(({ name }: any) => name), ["geoip"])
        let health: unknown
        const asked: Array<string | undefined> = []
        const node = yield* serveFolder(folder, (path, response) => {
          const body = path === "api/explain" ? { ...offline, node: "dns-1", conditions: undefined } : health
          asked.push(response.req.headers.authorization)
          if (body === undefined) return false
          response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(body))
          return true
        })
        const ask = (...flags: ReadonlyArray<string>) =>
          command(["explain", name, "--client", "203.0.113.7", "--node", node.url, ...flags], { GEODNS_KEY: "a-key" })
        const since = new Date(Date.now() - 3 * 3_600_000).toISOString()
        const condition = (name: string, detail: string) => ({ name, detail, since })
        const bus = condition("bus", "the bus is not connected: this node hears no other")
        const members = condition("config:MembersConfig", "no answer. In use: the copy\u001b[31m of yesterday.")
        health = {
          status: "degraded",
          conditions: [members, condition("config:IaasPricingConfig", "x"), condition("store", "x"), bus]
        }
        const degraded = yield* ask()
        assert.isTrue(degraded.ok, degraded.stderr)
        const [first, second, zone, answer] = lines(degraded.stdout)
        assert.match(
          first!,
          /^warning: dns-1 is degraded since \S+ \S+Z \(3 h\), bus: the bus is not connected: this node/
        )
        assert.match(
          second!,
          /^warning: dns-1 .*, config:MembersConfig: no answer\. In use: the copy \[31m of yesterday\.$/
        )
        assert.strictEqual(zone, `${name}: members are chosen for each client (zone dotters.example)`)
        assert.match(answer!, /^polkadot\.dotters\.example A for /)
        assert.deepStrictEqual(new Set(asked), new Set(["Bearer a-key"]))
        assert.deepStrictEqual(JSON.parse((yield* ask("--json")).stdout).conditions, [bus, members])
        health = { status: "degraded", conditions: [condition("store", "x"), condition("geoip:update", "x")] }
        const whole = yield* ask()
        assert.match(whole.stdout, /^polkadot/)
        assert.notInclude(whole.stdout, "warning")
        assert.deepStrictEqual(JSON.parse((yield* ask("--json")).stdout).conditions, [])
        health = undefined
        const silent = yield* ask()
        assert.isTrue(silent.ok)
        assert.match(silent.stdout, /^warning: dns-1 does not say whether it is cut off or degraded \(\/health\)$/m)
        assert.isNull(JSON.parse((yield* ask("--json")).stdout).conditions)
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("refuses what it cannot explain", () =>
    Effect.gen(function*() {
      const folder = yield* operatorFolder()
      const explain = (asked: string, client: string, ...where: ReadonlyArray<string>) =>
        run("explain", asked, "--client", client, ...where)
      const [badClient, noDocument, noNode, noUrl, both] = yield* Effect.all([
        explain(name, "203.0.113.700", "--config", join(folder, "local.json")),
        explain(name, "203.0.113.7", "--config", join(folder, "locl.json")),
        // Nothing listens on port 1.
        explain(name, "203.0.113.7", "--node", "http://127.0.0.1:1"),
        explain(name, "203.0.113.7", "--node", "127.0.0.1:6100"),
        explain(name, "203.0.113.7", "--node", "http://127.0.0.1:1", "--config", join(folder, "local.json"))
      ], { concurrency: 2 })
      assert.strictEqual(badClient.code, 2)
      assert.match(badClient.stderr, /203\.0\.113\.700.*an IP address or a network/)
      assert.strictEqual(noDocument.code, 1)
      assert.include(noDocument.stderr, `${folder}/locl.json, found nothing`)
      assert.strictEqual(noNode.code, 1)
      assert.include(noNode.stderr, "no node answers at http://127.0.0.1:1")
      assert.strictEqual(noUrl.code, 2)
      assert.match(noUrl.stderr, /--node.*127\.0\.0\.1:6100.*write http:\/\/127\.0\.0\.1:6100/)
      assert.strictEqual(both.code, 2)
      assert.include(both.stderr, "either --config or --node, not both")
      for (const { stdout } of [noDocument, noNode]) assert.strictEqual(stdout, "")
    }).pipe(Effect.scoped), 120_000)
})
