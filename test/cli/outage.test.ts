import { assert, describe, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import type { Scope } from "effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { ask } from "../../src/dns/DnsClient.ts"
import { eventually, type Geodns, start, temporaryFolder } from "./geodns.ts"
import { ownAddress } from "./operator.ts"

const name = "rpc.members.example"

/** A member that really listens. It answers well until told otherwise. */
interface Member {
  readonly key: string
  readonly name: string
  readonly address: string
  readonly port: number
  answer: (response: ServerResponse) => void
}

const well = (response: ServerResponse): void => void response.writeHead(200).end("ok\n")

/** Members listen on one port, each on an address of its own: what is dialled is the member's address. */
const member = (key: string, port: number): Effect.Effect<Member, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly member: Member; readonly close: Effect.Effect<void> }>((resume) => {
        const address = ownAddress()
        const server = createServer((request, response) => {
          request.resume()
          member.answer(response)
        })
        let member: Member
        server.listen(port, address, () => {
          const { port } = server.address() as AddressInfo
          member = { key, name: `${key} Hosting`, address, port, answer: well }
          const close = Effect.callback<void>((resume) => {
            server.close(() => resume(Effect.void))
            server.closeAllConnections()
          })
          resume(Effect.succeed({ member, close }))
        })
      }),
      ({ close }) => close
    ),
    ({ member }) => member
  )

/** The documents of a network of these members, in a folder of its own. Gives the local document. */
const writeDocuments = Effect.fnUntraced(function*(members: ReadonlyArray<Member>, api: string) {
  const folder = yield* temporaryFolder
  const write = (file: string, document: unknown) => writeFileSync(join(folder, file), JSON.stringify(document))
  write(
    "members.json",
    Object.fromEntries(members.map(({ address, key, name }) => [key, {
      Details: { Name: name },
      Membership: { MemberLevel: 1 },
      Service: { Active: 1, ServiceIPv4: address },
      ServiceAssignments: { all: ["Rpc"] },
      Location: { Latitude: 0, Longitude: 0 }
    }]))
  )
  write("services.json", {
    Rpc: {
      Configuration: { Name: "Rpc", ServiceType: "RPC", Active: 1, LevelRequired: 1 },
      Resources: { nodes: 1, cores: 1, memory: 1, disk: 1, bandwidth: 1 },
      Providers: { one: { RpcUrls: [`ws://${name}:${members[0]!.port}/rpc`] } }
    }
  })
  write("local.json", {
    System: { ConfigUrls: { MembersConfig: "members.json", ServicesConfig: "services.json" } },
    Nats: { NodeID: "alone" },
    DnsApi: { ListenAddress: api, ListenPort: "6100" },
    Checks: [{ Name: "http", Enabled: 1, CheckType: "endpoint", Timeout: 2, minimumInterval: 0.5 }],
    GeoDNS: { Dns: { Listen: `${api}:0` } }
  })
  return { folder, file: join(folder, "local.json") }
})

const dnsOf = Effect.fnUntraced(function*(geodns: Geodns) {
  const [, server, port] = yield* geodns.says(/DNS +([\d.]+):(\d+)[^]*checks +2 targets\n.*http.*\n/)
  return ask({ server: server!, port: Number(port), name, type: "A", timeout: "10 seconds" }).pipe(
    Effect.map(({ answers }) => answers.map(({ data }) => data))
  )
})

/** The official status of the members by their names, as the node tells it over HTTP. */
const resultsOf = (api: string) =>
  Effect.promise(async () => {
    const response = await fetch(`http://${api}:6100/results`, { signal: AbortSignal.timeout(10_000) })
    const { EndpointResults = [] } = await response.json() as any
    return Object.fromEntries(
      EndpointResults.flatMap(({ Results }: any) => Results).map((it: any) => [it.MemberName, it.Status])
    )
  })

/** The outages as they are on the disk. */
const outagesIn = (folder: string) => {
  const database = new DatabaseSync(join(folder, "work/geodns.sqlite"), { readOnly: true })
  try {
    return database.prepare("SELECT * FROM member_events ORDER BY id").all()
  } finally {
    database.close()
  }
}

const isUp = (check: boolean): Option.Option<true> => check ? Option.some(true) : Option.none()

/** The alerts that a process has told, by the first word. */
const alerts = (log: string): ReadonlyArray<string> =>
  [...log.matchAll(/"message":"(DOWN|UP) /g)].map(([, word]) => word!)

describe.concurrent("geodns standalone, alone with its members", () => {
  it.live(
    "decides, answers with another member, stores and tells each outage once, across a restart",
    () =>
      Effect.gen(function*() {
        const first = yield* member("First", 0)
        const members = [first, yield* member("Second", first.port)]
        const api = ownAddress()
        const { file, folder } = yield* writeDocuments(members, api)
        const geodns = yield* start(["standalone", "--config", file])
        const answer = yield* dnsOf(geodns)
        const results = resultsOf(api)
        const outages = Effect.sync(() => outagesIn(folder))

        // All well: nothing is decided against anybody.
        yield* eventually(
          "both members are officially up",
          Effect.map(results, (all) => isUp(members.every(({ name }) => all[name] === true)))
        )
        const [served] = yield* answer
        const failing = members.find(({ address }) => address === served)!
        const other = members.find(({ address }) => address !== served)!
        assert.lengthOf(yield* outages, 0)

        // It fails.
        failing.answer = (response) => void response.writeHead(503).end()
        yield* eventually(
          "the answer is the other member",
          Effect.map(answer, (addresses) => isUp(addresses[0] === other.address))
        )
        assert.deepStrictEqual(yield* results, { [failing.name]: false, [other.name]: true })
        const opened = yield* eventually(
          "the outage is stored",
          Effect.map(outages, ([row]) => Option.fromUndefinedOr(row))
        )
        assert.deepInclude(opened, {
          member_name: failing.name,
          check_type: "endpoint",
          check_name: "http",
          domain_name: name,
          endpoint: `ws://${name}:${first.port}/rpc`,
          status: 0,
          end_time: null,
          is_ipv6: 0,
          error: "status 503"
        })
        assert.deepStrictEqual(JSON.parse(String(opened["vote_data"])), { alone: true })
        yield* geodns.logs(/"message":"DOWN .*status 503"/)

        // It recovers.
        failing.answer = well
        const closed = yield* eventually(
          "the outage is closed",
          Effect.map(outages, ([row]) => Option.fromUndefinedOr(row?.["end_time"] === null ? undefined : row))
        )
        assert.isAbove(Date.parse(String(closed["end_time"])), Date.parse(String(closed["start_time"])))
        assert.deepStrictEqual(
          { ...closed, end_time: null, closed_by: null, blip: 0, open_key: null },
          { ...opened, end_time: null, closed_by: null, blip: 0, open_key: null },
          "closing changes nothing else"
        )
        assert.strictEqual(closed["blip"], 1)
        yield* geodns.logs(/"message":"UP /)
        yield* eventually(
          "the answer is the member again",
          Effect.map(answer, (addresses) => isUp(addresses[0] === failing.address))
        )

        // It fails again, in another way. That is another outage, and stays one when the node starts again.
        failing.answer = (response) => response.destroy()
        yield* eventually("a second outage is stored", Effect.map(outages, (rows) => isUp(rows.length === 2)))
        yield* geodns.logs(/"message":"UP [^]*"message":"DOWN /)
        yield* geodns.kill("SIGTERM")
        const ended = yield* geodns.ended
        assert.strictEqual(ended.code, 0)
        assert.deepStrictEqual(alerts(ended.stderr), ["DOWN", "UP", "DOWN"])

        const again = yield* start(["standalone", "--config", file])
        const answerAgain = yield* dnsOf(again)
        assert.deepStrictEqual(yield* answerAgain, [other.address], "what was decided is known at once")
        assert.deepStrictEqual((yield* outages).map((row) => row["end_time"] === null), [false, true])
        failing.answer = well
        yield* again.logs(/"message":"UP /)
        assert.deepStrictEqual((yield* outages).map((row) => row["end_time"] === null), [false, false])
        yield* again.kill("SIGTERM")
        const endedAgain = yield* again.ended
        assert.strictEqual(endedAgain.code, 0)
        assert.deepStrictEqual(alerts(endedAgain.stderr), ["UP"], "an alert is not repeated")
      }).pipe(Effect.scoped),
    120_000
  )

  it.live("keeps an outage open that was stored right before kill -9", () =>
    Effect.gen(function*() {
      const first = yield* member("First", 0)
      const members = [first, yield* member("Second", first.port)]
      const api = ownAddress()
      const { file, folder } = yield* writeDocuments(members, api)
      const geodns = yield* start(["standalone", "--config", file])
      const answer = yield* dnsOf(geodns)
      yield* eventually(
        "both members are officially up",
        Effect.map(resultsOf(api), (all) => isUp(members.every(({ name }) => all[name] === true)))
      )
      // The file of the official status is written a second after a change: what comes next is not in it.
      const statusFile = join(folder, "work/official.json")
      yield* eventually(
        "that is on the disk",
        Effect.sync(() =>
          isUp(existsSync(statusFile) && members.every(({ name }) => readFileSync(statusFile, "utf8").includes(name)))
        )
      )
      const [served] = yield* answer
      const failing = members.find(({ address }) => address === served)!
      const other = members.find(({ address }) => address !== served)!
      failing.answer = (response) => void response.writeHead(503).end()
      yield* geodns.logs(/"message":"DOWN /)
      yield* geodns.kill("SIGKILL")
      yield* geodns.ended
      const [opened] = outagesIn(folder)

      const again = yield* start(["standalone", "--config", file])
      const answerAgain = yield* dnsOf(again)
      yield* eventually(
        "what was decided is known",
        Effect.map(answerAgain, (addresses) => isUp(addresses[0] === other.address))
      )
      assert.deepStrictEqual(outagesIn(folder), [opened])
      failing.answer = well
      yield* again.logs(/"message":"UP /)
      const outages = outagesIn(folder)
      assert.deepStrictEqual(outages.map((row) => row["outage_id"]), [opened!["outage_id"]])
      assert.isNotNull(outages[0]!["end_time"])
    }).pipe(Effect.scoped), 120_000)
})
