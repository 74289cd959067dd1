import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { heightOf, isNetwork, judgeEthereum } from "../../../src/monitor/probes/ethereum.ts"
import { Heights } from "../../../src/monitor/probes/Heights.ts"
import { readMessage, requestText, type RpcAnswer } from "../../../src/monitor/probes/JsonRpc.ts"
import { judgePings, measured, readPings } from "../../../src/monitor/probes/pingOutput.ts"
import { hashIn, judgeSubstrate, type SubstrateAnswers } from "../../../src/monitor/probes/substrate.ts"
import { bestHash, firstHash, genesisHash, stateRoot, stored } from "./peers.ts"

const value = (value: unknown): RpcAnswer => ({ _tag: "Value", value })
const anyAnswer: fc.Arbitrary<RpcAnswer> = fc.oneof(
  fc.anything().map(value),
  fc.jsonValue().map(value),
  fc.integer().map((code): RpcAnswer => ({ _tag: "Refused", code })),
  fc.constant<RpcAnswer>({ _tag: "Silent" }),
  fc.constant<RpcAnswer>({ _tag: "Lost", trouble: { up: false, error: "connection refused" } })
)
const now = Date.parse("2030-01-01T00:00:00Z")
const demands = {
  networks: [{ name: "Kusama", stateRoot }],
  minimumPeers: 5,
  maxBlockAge: 600,
  archive: true
}
const good: SubstrateAnswers = {
  best: value(bestHash),
  genesis: value(genesisHash),
  first: value(firstHash),
  chain: value("KUSAMA"),
  health: value({ peers: 5, isSyncing: false }),
  genesisHeader: value({ stateRoot: stateRoot.toUpperCase().replace("0X", "0x") }),
  time: value(stored(now - 600_000)),
  archive: value(null)
}

describe("JSON-RPC messages", () => {
  it("are read without ever throwing, and give back the number that was sent", () => {
    fc.assert(fc.property(fc.string(), (text) => void readMessage(text)))
    fc.assert(fc.property(fc.json(), (text) => void readMessage(text)))
    fc.assert(fc.property(fc.nat(), fc.jsonValue().filter((v) => v !== undefined), (id, result) => {
      const message = readMessage(JSON.stringify({ jsonrpc: "2.0", id, result }))
      assert.deepStrictEqual(message, { id, answer: { _tag: "Value", value: JSON.parse(JSON.stringify(result)) } })
      assert.strictEqual(JSON.parse(requestText(id, "m", [])).id, id)
    }))
  })

  it("errors, notifications and what is neither", () => {
    const read = (message: unknown) => readMessage(JSON.stringify(message))
    assert.deepStrictEqual(read({ id: 1, error: { code: -32601, message: "x" }, result: null }), {
      id: 1,
      answer: { _tag: "Refused", code: -32601 }
    })
    assert.deepStrictEqual(read({ id: 1, error: "no" }), { id: 1, answer: { _tag: "Refused", code: 0 } })
    assert.deepStrictEqual(read({ id: 1, result: null, error: null }), { id: 1, answer: value(null) })
    assert.strictEqual(read({ method: "chain_newHead", params: [] }), "other")
    assert.strictEqual(read({ id: "1", result: 1 }), "other")
    for (const none of [{}, [], null, 7, { id: 1 }]) assert.isUndefined(read(none), JSON.stringify(none))
  })
})

describe("a Substrate node", () => {
  it("is up when everything is as demanded", () => {
    const { data, trouble } = judgeSubstrate(good, demands, now)
    assert.isUndefined(trouble)
    assert.deepStrictEqual(data, {
      Syncing: false,
      Peers: true,
      PeerCount: 5,
      Network: true,
      Chain: "KUSAMA",
      Archive: true,
      BlockAge: 600
    })
    assert.strictEqual(judgeSubstrate(good, demands, now + 1_000).trouble?.error, "the best block is older than 600 s")
  })

  it("has a best block with a sensible time, or is of a chain without times, which has blocks", () => {
    const error = (over: Partial<SubstrateAnswers>, more: Partial<typeof demands> = {}) =>
      judgeSubstrate({ ...good, ...over }, { ...demands, ...more }, now).trouble?.error
    const none = value(null)
    assert.isUndefined(error({ time: none }))
    assert.strictEqual(error({ time: none, best: value(genesisHash) }), "the best block is the genesis block")
    assert.isUndefined(error({ time: none, best: value(genesisHash) }, { maxBlockAge: 0 }))
    for (const bad of ["0x", "0xzz", "", "0xffffffffffffff7f", 7, {}, false]) {
      const name = JSON.stringify(bad)
      assert.strictEqual(error({ time: value(bad) }), "the answer to state_getStorage makes no sense", name)
      assert.isUndefined(error({ time: value(bad) }, { maxBlockAge: 0 }), name)
    }
    assert.isUndefined(error({ time: value(stored(now + 600_000)) }))
    assert.strictEqual(
      error({ time: value(stored(now + 601_000)) }),
      "the best block is in the future by more than 600 s"
    )
    assert.strictEqual(judgeSubstrate({ ...good, time: value(stored(now + 9_000)) }, demands, now).data.BlockAge, 0)
  })

  it("one bad answer takes it down, with a text that names no figure of the answer", () => {
    const demanded = ["best", "genesis", "chain", "health", "genesisHeader", "time"] as const
    fc.assert(fc.property(
      fc.constantFrom(...demanded),
      fc.constantFrom<RpcAnswer>({ _tag: "Silent" }, { _tag: "Refused", code: -1 }, {
        _tag: "Lost",
        trouble: { up: false, error: "connection refused" }
      }),
      (name, answer) => {
        const { trouble } = judgeSubstrate({ ...good, [name]: answer }, demands, now)
        assert.match(
          trouble?.error ?? "",
          /^(no answer to \w+ in time|\w+ was refused with error -1|connection refused)$/
        )
      }
    ))
  })

  it("whatever comes is judged, and what is judged up has what was demanded", () => {
    const record = fc.record({
      best: fc.oneof(fc.constant(good.best), anyAnswer),
      genesis: fc.oneof(fc.constant(good.genesis), anyAnswer),
      first: fc.oneof(fc.constant(good.first), anyAnswer),
      chain: fc.oneof(fc.constant(good.chain), anyAnswer),
      health: fc.oneof(
        fc.record({ peers: fc.integer({ min: -1, max: 10 }), isSyncing: fc.boolean() }).map(value),
        anyAnswer
      ),
      genesisHeader: fc.oneof(fc.constant(good.genesisHeader), anyAnswer),
      time: fc.oneof(fc.integer({ min: now - 1_200_000, max: now + 1_000 }).map((at) => value(stored(at))), anyAnswer),
      archive: fc.oneof(fc.constant(good.archive), anyAnswer)
    })
    fc.assert(
      fc.property(record, (answers) => {
        const { data, trouble } = judgeSubstrate(answers, demands, now)
        if (trouble === undefined) {
          assert.deepInclude(data, { Syncing: false, Peers: true, Network: true, Archive: true })
          assert.isAtMost(data.BlockAge ?? 0, 600)
        } else assert.match(trouble.error, /^.{3,200}$/)
        assert.match(hashIn(answers.best) ?? bestHash, /^0x[0-9a-f]{64}$/i)
        assert.isString(JSON.stringify(data))
      }),
      { numRuns: 1_000 }
    )
  })
})

describe("an Ethereum node", () => {
  it("whatever comes is judged, and what is judged up has what was demanded", () => {
    const record = fc.record({
      eth_chainId: fc.oneof(fc.constant(value("0x7b")), anyAnswer),
      eth_blockNumber: fc.oneof(fc.constant(value("0x10")), anyAnswer),
      net_version: fc.oneof(fc.constant(value("123")), anyAnswer),
      eth_syncing: fc.oneof(fc.boolean().map(value), anyAnswer)
    })
    fc.assert(
      fc.property(record, fc.boolean(), (answers, hasRisen) => {
        const networks = [{ name: "123", stateRoot: "" }]
        const { data, trouble } = judgeEthereum(answers, networks, 600, hasRisen)
        if (trouble === undefined) {
          assert.isTrue(hasRisen)
          assert.isFalse(data.syncing)
          assert.isTrue(isNetwork("123", data.chainId!, data.netVersion!))
          assert.isDefined(heightOf(answers))
        } else assert.match(trouble.error, /^.{3,200}$/)
        assert.isString(JSON.stringify(data))
      }),
      { numRuns: 1_000 }
    )
  })

  it("its height stands still exactly as long as no higher number comes, and falls only with a new chain", () => {
    const steps = fc.array(fc.tuple(fc.bigInt({ min: 0n, max: 900n }), fc.nat(100)), { maxLength: 50 })
    fc.assert(fc.property(steps, (steps) => {
      const heights = new Heights()
      let [highest, since, at] = [-1n, 0, 0]
      for (const [height, pause] of steps) {
        at += pause
        if (height > highest) [highest, since] = [height, at]
        assert.strictEqual(heights.stillFor("a", height, at), at - since)
        assert.strictEqual(heights.stillFor(`b${at}`, height, at), 0)
      }
    }))
    const heights = new Heights()
    heights.stillFor("a", 5_000n, 0)
    assert.strictEqual(heights.stillFor("a", 4_000n, 10), 10)
    assert.strictEqual(heights.stillFor("a", 3n, 20), 0)
    assert.strictEqual(heights.stillFor("a", 3n, 30), 10)
  })

  it("of too many targets the ones that were not seen for longest are forgotten", () => {
    const heights = new Heights()
    for (let i = 0; i < 65_536; i++) heights.stillFor(`${i}`, 1n, 0)
    assert.strictEqual(heights.stillFor("0", 1n, 10), 10)
    heights.stillFor("one more", 1n, 10)
    assert.strictEqual(heights.stillFor("0", 1n, 20), 20)
    assert.strictEqual(heights.stillFor("1", 1n, 20), 0)
    assert.strictEqual(heights.stillFor("3", 1n, 20), 20)
  })
})

describe("what ping prints", () => {
  const iputils = `PING 127.0.0.1 (127.0.0.1) 28(56) bytes of data.
36 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.100 ms
36 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=0.110 ms (DUP!)
36 bytes from 127.0.0.1: icmp_seq=3 ttl=64 time=0.300 ms

--- 127.0.0.1 ping statistics ---
4 packets transmitted, 2 received, +1 duplicates, 50% packet loss, time 205ms
rtt min/avg/max/mdev = 0.100/0.200/0.300/0.006 ms
`
  const busybox = `PING ::1 (::1): 56 data bytes
64 bytes from ::1: seq=0 ttl=64 time=12.044 ms
64 bytes from ::1: seq=1 ttl=64 time=14.044 ms

--- ::1 ping statistics ---
2 packets transmitted, 2 packets received, 0% packet loss
round-trip min/avg/max = 12.044/13.049/14.054 ms
`

  it("is read in both dialects; an answer that comes twice counts once", () => {
    assert.deepStrictEqual(readPings(iputils, 4), { sent: 4, times: [0.1, 0.3] })
    assert.deepStrictEqual(measured(readPings(iputils, 4)), {
      PacketLoss: 50,
      MinRtt: 0.1,
      AvgRtt: 0.2,
      MaxRtt: 0.3,
      StdDevRtt: 0.1
    })
    assert.deepStrictEqual(readPings(busybox, 2), { sent: 2, times: [12.044, 14.044] })
    assert.deepStrictEqual(readPings("64 bytes from x: icmp_seq=9 ttl=1 time<1 ms", 3), { sent: 3, times: [1] })
    assert.deepStrictEqual(readPings("", 3), { sent: 3, times: [] })
  })

  it("whatever it is, loss stays between 0 and 100 and nothing is thrown", () => {
    const line = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(20), fc.double({ min: 0, max: 5_000, noNaN: true })).map(([seq, ms]) =>
        `64 bytes from 192.0.2.1: icmp_seq=${seq} ttl=64 time=${ms.toFixed(3)} ms`
      ),
      fc.nat().map((n) => `${n} packets transmitted, ${n} received`)
    )
    fc.assert(fc.property(fc.array(line), fc.integer({ min: 1, max: 100 }), (lines, count) => {
      const text = lines.join("\n")
      for (const cut of [text, text.slice(0, text.length / 2)]) {
        const data = measured(readPings(cut, count))
        assert.isTrue(data.PacketLoss >= 0 && data.PacketLoss <= 100)
        assert.isTrue(data.AvgRtt === null || (data.AvgRtt >= data.MinRtt! && data.AvgRtt <= data.MaxRtt!))
        const error = judgePings(data, { maxPacketLoss: 5, maxLatency: 800 })
        if (error === "") assert.isTrue(data.PacketLoss <= 5 && data.AvgRtt! <= 800)
      }
    }))
  })

  it("is judged by loss and average", () => {
    const bounds = { maxPacketLoss: 25, maxLatency: 100 }
    const judge = (sent: number, ...times: ReadonlyArray<number>) => judgePings(measured({ sent, times }), bounds)
    assert.strictEqual(judge(4, 1, 1, 1), "")
    assert.strictEqual(judge(3, 1, 1), "more than 25 % of the packets were lost")
    assert.strictEqual(judge(2, 50, 151), "the average round trip takes longer than 100 ms")
    assert.strictEqual(judge(2, 50, 150), "")
    assert.strictEqual(judge(3), "no answer to ping")
  })
})
