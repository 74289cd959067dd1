import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as fc from "fast-check"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { AgentReport } from "../../../src/domain/wire/Agent.ts"
import { ClusterMessage } from "../../../src/domain/wire/Cluster.ts"
import { FinalizeMessage, makeProposal, Proposal, proposalTarget, Vote } from "../../../src/domain/wire/Consensus.ts"
import { DowntimeRequest, DowntimeResponse } from "../../../src/domain/wire/Downtime.ts"
import * as Subject from "../../../src/domain/wire/Subject.ts"
import { UsageRequest, UsageResponse } from "../../../src/domain/wire/Usage.ts"
import { noTime, WireTime } from "../../../src/domain/wire/WireTime.ts"

const folder = join(import.meta.dirname, "../../fixtures/wire")
const sample = (name: string): unknown => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"))
const samples = readdirSync(folder).filter((file) => file.endsWith(".json")).map((file) => file.slice(0, -5))

const schemas: Readonly<Record<string, Schema.Codec<any, any>>> = {
  [Subject.Cluster.name]: ClusterMessage,
  [Subject.Propose.name]: Proposal,
  [Subject.Cast.name]: Vote,
  [Subject.Finalize.name]: FinalizeMessage,
  [Subject.GetUsage.name]: UsageRequest,
  [Subject.UsageData.name]: UsageResponse,
  [Subject.GetDowntime.name]: DowntimeRequest,
  "monitor.stats.reply": DowntimeResponse,
  "agent.report": AgentReport
}

const schemaOf = (name: string): Schema.Codec<any, any> =>
  Object.entries(schemas).find(([subject]) => name.startsWith(subject))![1]

/** The keys that a v2 node knows, as the Go structs name them. */
const goKeys = {
  node: ["NodeID", "PublicAddress", "ListenAddress", "ListenPort", "NodeRole", "LastHeard"],
  cluster: ["type", "sender", "members"],
  proposal: [
    "ID",
    "SenderNodeID",
    "CheckType",
    "CheckName",
    "MemberName",
    "DomainName",
    "Endpoint",
    "ProposedStatus",
    "ErrorText",
    "Data",
    "IsIPv6",
    "Timestamp"
  ],
  vote: ["ProposalID", "SenderNodeID", "NodeID", "Agree", "Timestamp"],
  finalize: ["Proposal", "SenderNodeID", "Passed", "DecidedAt"],
  usageRequest: ["startDate", "endDate", "domain", "memberName", "country"],
  usageRecord: [
    "nodeid",
    "date",
    "domain",
    "memberName",
    "countryCode",
    "asn",
    "networkName",
    "countryName",
    "hits",
    "isIPv6"
  ],
  downtimeEvent: [
    "memberName",
    "checkType",
    "checkName",
    "status",
    "startTime",
    "endTime",
    "errorText",
    "data",
    "isIPv6"
  ]
}

const decode = <A>(schema: Schema.Codec<A, any>, input: unknown): A => Schema.decodeUnknownSync(schema)(input)
const encode = <A>(schema: Schema.Codec<A, any>, value: A): any =>
  JSON.parse(JSON.stringify(Schema.encodeSync(schema)(value)))
const keys = (value: object) => Object.keys(value).sort()
const without = (value: unknown, key: string): unknown =>
  Object.fromEntries(Object.entries(value as object).filter(([name]) => name !== key))

const text = fc.string({ unit: "grapheme", maxLength: 20 })
const id = fc.string({ minLength: 1, maxLength: 40 })
const time = fc.oneof(
  fc.constant(noTime),
  fc.integer({ min: Date.parse("0001-01-01T00:00:00Z"), max: Date.parse("9999-12-31T23:59:59.999Z") })
)
const day = time.map((ms) => new Date(ms).toISOString().slice(0, 10))
// JSON has no -0: it comes back as 0.
const data = fc.oneof(fc.constant(null), fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue()))
  .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
const optional = <A, K extends string>(record: fc.Arbitrary<A>, key: K, value: fc.Arbitrary<unknown>) =>
  fc.tuple(record, fc.option(value, { nil: undefined })).map(([rest, extra]) =>
    extra === undefined ? rest : { ...rest, [key]: extra }
  )

const checkType = fc.constantFrom("site", "domain", "endpoint")
const proposal = fc.record({
  ID: id,
  SenderNodeID: text,
  CheckType: checkType,
  CheckName: id,
  MemberName: id,
  DomainName: text,
  Endpoint: text,
  ProposedStatus: fc.boolean(),
  ErrorText: text,
  Data: data,
  IsIPv6: fc.boolean(),
  Timestamp: time
})
const node = optional(
  fc.record({
    NodeID: id,
    PublicAddress: text,
    ListenAddress: text,
    ListenPort: text,
    NodeRole: text,
    LastHeard: time
  }),
  "Boot",
  text
)
const values: ReadonlyArray<readonly [string, fc.Arbitrary<unknown>]> = [
  [Subject.Cluster.name, fc.record({ type: text, sender: node, members: fc.array(node, { maxLength: 3 }) })],
  [Subject.Propose.name, proposal],
  [
    Subject.Cast.name,
    fc.record({ ProposalID: id, SenderNodeID: text, NodeID: id, Agree: fc.boolean(), Timestamp: time })
  ],
  [
    Subject.Finalize.name,
    optional(
      fc.record({ Proposal: proposal, SenderNodeID: text, Passed: fc.boolean(), DecidedAt: time }),
      "Votes",
      fc.dictionary(id, fc.boolean(), { noNullPrototype: true })
    )
  ],
  [
    Subject.GetUsage.name,
    fc.record({ startDate: day, endDate: day, domain: text, memberName: text, country: text })
  ],
  [
    Subject.UsageData.name,
    optional(
      fc.record({
        nodeID: text,
        usageRecords: fc.array(
          fc.record({
            nodeid: text,
            date: day,
            domain: text,
            memberName: text,
            countryCode: text,
            asn: text,
            networkName: text,
            countryName: text,
            hits: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
            isIPv6: fc.boolean()
          }),
          { maxLength: 3 }
        )
      }),
      "error",
      text
    )
  ],
  [Subject.GetDowntime.name, fc.record({ startTime: time, endTime: time, memberName: text })],
  [
    "monitor.stats.reply",
    fc.record({
      nodeID: text,
      events: fc.array(
        fc.record({
          memberName: text,
          checkType,
          checkName: text,
          status: fc.boolean(),
          startTime: time,
          endTime: time,
          errorText: text,
          data,
          isIPv6: fc.boolean()
        }),
        { maxLength: 3 }
      )
    })
  ]
]

describe("messages of a v2 node", () => {
  it.each(samples)("%s is taken, and no known key is lost or added", (name) => {
    const input = sample(name)
    const schema = schemaOf(name)
    const again = encode(schema, decode(schema, input))
    assert.deepStrictEqual(decode(schema, again), decode(schema, input))
    const expected = keys(input as object)
    // v2 leaves this one out when it is empty; ours always has it, which Go takes.
    if (name === "consensus.finalize.rejected-without-sender") expected.push("SenderNodeID")
    assert.deepStrictEqual(keys(again), expected.sort())
  })

  it("says who is there", () => {
    assert.deepStrictEqual(decode(ClusterMessage, sample("consensus.cluster.join")), {
      type: "join",
      sender: {
        NodeID: "MONITOR-EU-1",
        PublicAddress: "",
        ListenAddress: "0.0.0.0",
        ListenPort: "0",
        NodeRole: "IBPMonitor",
        LastHeard: Date.parse("2026-04-21T08:09:10.123Z")
      },
      members: []
    })
  })

  it("proposes a status for a target", () => {
    const decoded = decode(Proposal, sample("consensus.propose.offline"))
    assert.deepStrictEqual(proposalTarget(decoded), {
      checkType: "endpoint",
      check: "wss",
      member: "Potomac Works",
      domain: "rpc.dotters.example",
      endpoint: "wss://rpc.dotters.example/polkadot",
      ipv6: false
    })
    assert.isFalse(decoded.ProposedStatus)
    assert.include(decoded.ErrorText, "=> dial tcp")
    assert.isNull(decoded.Data)
  })

  it("closes a proposal, with and without the sender", () => {
    const passed = decode(FinalizeMessage, sample("consensus.finalize.passed"))
    assert.deepInclude(passed, { Passed: true, SenderNodeID: "MONITOR-US-1" })
    assert.deepStrictEqual(passed.Proposal, decode(Proposal, sample("consensus.propose.offline")))
    const rejected = decode(FinalizeMessage, sample("consensus.finalize.rejected-without-sender"))
    assert.deepInclude(rejected, { Passed: false, SenderNodeID: "" })
    assert.deepInclude(rejected.Proposal.Data, { PacketLoss: 100 })
  })

  it("tells usage, days in both forms and null for an empty list", () => {
    const { usageRecords } = decode(UsageResponse, sample("dns.usage.usageData"))
    assert.deepStrictEqual(usageRecords.map(({ date }) => date), ["2026-04-21", "2026-04-21"])
    assert.deepStrictEqual(decode(UsageResponse, sample("dns.usage.usageData.empty")), {
      nodeID: "DNS-EU-2",
      usageRecords: []
    })
  })

  it("tells outages; an open one has no end", () => {
    const { events } = decode(DowntimeResponse, sample("monitor.stats.reply.open"))
    assert.deepStrictEqual(events.map(({ endTime }) => endTime), [noTime])
  })

  it("reports as an agent; a latency of 0 is left out", () => {
    const report = decode(AgentReport, {
      agent_id: "eu.agent.1",
      timestamp: "2026-04-21T08:09:10Z",
      status: "online",
      services: {
        rpc: { name: "rpc", status: "degraded", last_check: "2026-04-21T08:09:00Z", error: "slow" },
        web: { name: "web", status: "up", latency: 12_000_000, last_check: "2026-04-21T08:09:00Z" }
      }
    })
    assert.deepStrictEqual(report.services?.["rpc"], {
      name: "rpc",
      status: "degraded",
      latency: 0,
      last_check: Date.parse("2026-04-21T08:09:00Z"),
      error: "slow"
    })
    assert.strictEqual(report.services?.["web"]?.latency, 12_000_000)
    assert.isNull(decode(AgentReport, { agent_id: "a", services: null }).services)
  })

  it("may write the check type as a number", () => {
    const types = [1, 2, 3].map((CheckType) =>
      decode(Proposal, { ...sample("consensus.propose.offline") as object, CheckType }).CheckType
    )
    assert.deepStrictEqual(types, ["site", "domain", "endpoint"])
    for (const CheckType of [0, 4, 1.5, "1", "Site", null]) {
      const message = { ...sample("consensus.propose.offline") as object, CheckType }
      assert.isTrue(Result.isFailure(Schema.decodeUnknownResult(Proposal)(message)), String(CheckType))
    }
  })

  it("may leave out or null what is not needed to understand it", () => {
    const tolerated: ReadonlyArray<readonly [string, ReadonlyArray<string>, unknown]> = [
      ["consensus.propose.offline", ["SenderNodeID", "DomainName", "Endpoint", "ErrorText"], ""],
      ["consensus.propose.offline", ["Data"], null],
      ["consensus.vote.agree", ["SenderNodeID"], ""],
      ["consensus.cluster.join", ["members"], []],
      ["consensus.finalize.passed", ["SenderNodeID"], ""],
      ["dns.usage.getUsage", ["domain", "memberName", "country"], ""],
      ["dns.usage.usageData", ["usageRecords"], []],
      ["monitor.stats.getDowntime", ["memberName"], ""]
    ]
    for (const [name, names, value] of tolerated) {
      for (const key of names) {
        for (const message of [without(sample(name), key), { ...sample(name) as object, [key]: null }]) {
          assert.deepStrictEqual(decode(schemaOf(name), message)[key], value, `${name} ${key}`)
        }
      }
    }
    assert.isFalse(decode(Vote, without(sample("consensus.vote.agree"), "Agree")).Agree)
    assert.strictEqual(decode(Vote, without(sample("consensus.vote.agree"), "Timestamp")).Timestamp, noTime)
    assert.isFalse(decode(FinalizeMessage, without(sample("consensus.finalize.passed"), "Passed")).Passed)
  })

  it("must say what it is about", () => {
    for (
      const [name, key] of [
        ["consensus.propose.offline", "ID"],
        ["consensus.propose.offline", "CheckType"],
        ["consensus.propose.offline", "CheckName"],
        ["consensus.propose.offline", "MemberName"],
        ["consensus.vote.agree", "ProposalID"],
        ["consensus.vote.agree", "NodeID"],
        ["consensus.finalize.passed", "Proposal"],
        ["consensus.cluster.join", "sender"]
      ] as const
    ) {
      const decoded = Schema.decodeUnknownResult(schemaOf(name))(without(sample(name), key))
      assert.isTrue(Result.isFailure(decoded), `${name} without ${key}`)
    }
  })

  it("may hold keys that we do not know", () => {
    const message = { ...sample("consensus.vote.agree") as object, Weight: 3, __proto__: { Agree: false } }
    assert.deepStrictEqual(decode(Vote, message), decode(Vote, sample("consensus.vote.agree")))
  })
})

describe("messages of ours", () => {
  it("have exactly the keys that v2 knows", () => {
    const up = makeProposal({
      id: "1",
      sender: "MONITOR-1",
      target: { checkType: "site", check: "ping", member: "Lagoon", domain: "", endpoint: "", ipv6: false },
      up: true,
      error: "",
      data: null,
      at: 0
    })
    assert.deepStrictEqual(encode(Proposal, up), {
      ID: "1",
      SenderNodeID: "MONITOR-1",
      CheckType: "site",
      CheckName: "ping",
      MemberName: "Lagoon",
      DomainName: "",
      Endpoint: "",
      ProposedStatus: true,
      ErrorText: "",
      Data: null,
      IsIPv6: false,
      Timestamp: "1970-01-01T00:00:00.000Z"
    })
  })

  it("have exactly those keys whatever they say", () => {
    const shapes: Readonly<Record<string, (message: any) => ReadonlyArray<readonly [object, ReadonlyArray<string>]>>> =
      {
        [Subject.Cluster.name]: (m) => [[m, goKeys.cluster], [without(m.sender, "Boot") as object, goKeys.node]],
        [Subject.Propose.name]: (m) => [[m, goKeys.proposal]],
        [Subject.Cast.name]: (m) => [[m, goKeys.vote]],
        [Subject.Finalize.name]: (
          m
        ) => [[without(m, "Votes") as object, goKeys.finalize], [m.Proposal, goKeys.proposal]],
        [Subject.GetUsage.name]: (m) => [[m, goKeys.usageRequest]],
        [Subject.UsageData.name]: (m) => m.usageRecords.map((record: object) => [record, goKeys.usageRecord]),
        [Subject.GetDowntime.name]: (m) => [[m, ["startTime", "endTime", "memberName"]]],
        "monitor.stats.reply": (m) => m.events.map((event: object) => [event, goKeys.downtimeEvent])
      }
    for (const [name, arbitrary] of values) {
      fc.assert(fc.property(arbitrary, (value) => {
        for (const [object, expected] of shapes[name]!(encode(schemaOf(name), value))) {
          assert.deepStrictEqual(keys(object), [...expected].sort())
        }
      }))
    }
  })

  it.each(values)("%s comes back as it was sent", (name, arbitrary) => {
    const schema = schemaOf(name)
    fc.assert(fc.property(arbitrary, (value) => {
      assert.deepStrictEqual(decode(schema, encode(schema, value)), value)
    }))
  })
})

describe("whatever is sent", () => {
  it("loses no decision because of what is told as its votes", () => {
    const passed = sample("consensus.finalize.passed") as object
    const votes = (told: unknown) => decode(FinalizeMessage, { ...passed, Votes: told }).Votes
    fc.assert(fc.property(fc.jsonValue(), (told) => {
      assert.isTrue(Object.values(votes(told)!).every((agree) => typeof agree === "boolean"))
    }))
    for (const none of [null, [], ["m1"], [true], "m1", 1, true]) assert.deepStrictEqual(votes(none), {})
    assert.deepStrictEqual(votes({ m1: true, m2: "yes", m3: false, m4: { Agree: true }, m5: null }), {
      m1: true,
      m3: false
    })
  })

  it.each(Object.entries(schemas))("decoding %s never throws", (_name, schema) => {
    const tryDecode = Schema.decodeUnknownResult(schema)
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      assert.isTrue(Result.isResult(tryDecode(value)))
    }))
  })

  it.each(samples)("%s with any value at any key is taken or refused, not thrown at", (name) => {
    const schema = schemaOf(name)
    const input = sample(name) as object
    fc.assert(fc.property(fc.constantFrom(...Object.keys(input)), fc.jsonValue(), (key, value) => {
      const decoded = Schema.decodeUnknownResult(schema)({ ...input, [key]: value })
      // What was taken can be sent on, and says the same.
      if (Result.isSuccess(decoded)) {
        assert.deepStrictEqual(
          decode(schema, encode(schema, decoded.success)),
          JSON.parse(JSON.stringify(decoded.success))
        )
      }
    }))
  })
})

describe("WireTime", () => {
  const millis = (input: string) => decode(WireTime, input)

  it("reads RFC 3339 up to nanoseconds, in any zone", () => {
    assert.strictEqual(millis("2026-04-21T08:09:10.123456789Z"), Date.parse("2026-04-21T08:09:10.123Z"))
    assert.strictEqual(millis("2026-04-21T08:09:10.1Z"), Date.parse("2026-04-21T08:09:10.100Z"))
    assert.strictEqual(millis("2026-04-21T10:09:10+02:00"), Date.parse("2026-04-21T08:09:10Z"))
    assert.strictEqual(millis("0001-01-01T00:00:00Z"), noTime)
  })

  it("refuses what Go does not write", () => {
    for (
      const input of ["", "2026-04-21", "2026-04-21 08:09:10Z", "2026-04-21T08:09:10", "now", "2026-13-01T00:00:00Z"]
    ) {
      assert.isTrue(Result.isFailure(Schema.decodeUnknownResult(WireTime)(input)), input)
    }
  })

  it("is written so that Go reads it, whatever was read", () => {
    const part = (max: number, min = 0) => fc.integer({ min, max }).map((n) => String(n).padStart(2, "0"))
    const rfc3339 = fc.tuple(
      fc.integer({ min: 0, max: 9999 }).map((year) => String(year).padStart(4, "0")),
      part(12, 1),
      part(28, 1),
      part(23),
      part(59),
      part(59),
      fc.oneof(fc.constant(""), fc.stringMatching(/^\.[0-9]{1,9}$/)),
      fc.oneof(
        fc.constant("Z"),
        fc.tuple(fc.constantFrom("+", "-"), part(23), part(59)).map(([s, h, m]) => `${s}${h}:${m}`)
      )
    ).map(([y, mo, d, h, mi, s, f, z]) => `${y}-${mo}-${d}T${h}:${mi}:${s}${f}${z}`)
    const input = fc.oneof(rfc3339, fc.constantFrom("9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00"))
    fc.assert(fc.property(input, (written) => {
      const read = Schema.decodeUnknownResult(WireTime)(written)
      if (Result.isFailure(read)) return
      assert.match(encode(WireTime, read.success), /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/)
    }))
  })
})
