import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  clusterFamilies,
  configFamilies,
  exposition,
  geoFamilies,
  officialFamilies
} from "../../src/http/StateMetrics.ts"
import { member, minutes, node, now, official, site, snapshotOf, target } from "./fakes.ts"

const textOf = (families: Parameters<typeof exposition>[0]): string => [...exposition(families)].join("")

describe("exposition", () => {
  it("writes the text format of Prometheus", () => {
    assert.strictEqual(
      textOf(officialFamilies([
        official(site("Amber"), { decidedAt: 1_700_000_000_500 }),
        official(target({ member: "Birch", ipv6: true }), { up: false, decidedAt: 1_700_000_000_000 })
      ])),
      `# HELP geodns_official_up The official status of a target: 1 up, 0 down
# TYPE geodns_official_up gauge
geodns_official_up{check_type="site",check="ping",member="Amber",domain="",endpoint="",ip="4"} 1
geodns_official_up{check_type="endpoint",check="wss",member="Birch",domain="rpc.demo.example",endpoint="wss://rpc.demo.example/demo",ip="6"} 0
# HELP geodns_official_changed_timestamp_seconds When the official status of a target was decided
# TYPE geodns_official_changed_timestamp_seconds gauge
geodns_official_changed_timestamp_seconds{check_type="site",check="ping",member="Amber",domain="",endpoint="",ip="4"} 1700000000.5
geodns_official_changed_timestamp_seconds{check_type="endpoint",check="wss",member="Birch",domain="rpc.demo.example",endpoint="wss://rpc.demo.example/demo",ip="6"} 1700000000
`
    )
  })

  it("leaves a family without samples out", () => {
    assert.strictEqual(textOf(officialFamilies([])), "")
  })

  it("keeps a label inside its quotes, whatever it holds", () => {
    fc.assert(fc.property(fc.string({ unit: fc.constantFrom("\\", '"', "\n", "}", "n", "é") }), (name) => {
      const line = textOf([{ name: "m", help: "h", samples: [[{ name }, 1]] }]).split("\n")[2]!
      const quoted = /^m\{name="((?:[^"\\\n]|\\["\\n])*)"\} 1$/.exec(line)
      assert.isNotNull(quoted, line)
      assert.strictEqual(
        quoted![1]!.replaceAll(/\\(.)/g, (_, c: string) => c === "n" ? "\n" : c),
        name
      )
    }))
  })

  it("comes in pieces of bounded length", () => {
    const pieces = [...exposition(officialFamilies(Array.from({ length: 5000 }, (_, i) => official(site(`m${i}`)))))]
    assert.isAbove(pieces.length, 10)
    for (const piece of pieces) assert.isBelow(piece.length, 70_000)
  })
})

describe("families", () => {
  it("count nodes by role, the unknown ones together", () => {
    const text = textOf(clusterFamilies(
      [
        node("mon-1", "IBPMonitor"),
        node("mon-2", "IBPMonitor", { active: false }),
        node("x", "Whatever it calls itself"),
        node("y", '{}"')
      ],
      1
    ))
    for (
      const line of [
        'geodns_nodes{role="IBPMonitor",active="true"} 1',
        'geodns_nodes{role="IBPMonitor",active="false"} 1',
        'geodns_nodes{role="IBPDns",active="true"} 0',
        'geodns_nodes{role="other",active="true"} 2',
        "geodns_electorate 1"
      ]
    ) assert.include(text, line)
  })

  it("tell how far the clocks of others are from ours, as far as that is known", () => {
    const text = textOf(clusterFamilies(
      [
        node("mon-1", "IBPMonitor", { skew: -7_250 }),
        node("dns-1", "IBPDns", { skew: 0 }),
        node("mon-2", "IBPMonitor")
      ],
      1
    ))
    const lines = text.split("\n").filter((line) => line.startsWith("geodns_clock_skew_seconds"))
    assert.deepStrictEqual(lines, [
      'geodns_clock_skew_seconds{node="mon-1"} -7.25',
      'geodns_clock_skew_seconds{node="dns-1"} 0'
    ])
    assert.notInclude(textOf(clusterFamilies([node("mon-2", "IBPMonitor")], 1)), "skew")
  })

  it("tell the age of each document", () => {
    const text = textOf(configFamilies(snapshotOf({ amber: member("Amber") }), now))
    assert.include(text, 'geodns_config_document_age_seconds{document="MembersConfig"} 180')
    assert.notInclude(text, "geheim")
  })

  it("tell the age of the GeoIP databases", () => {
    assert.include(
      textOf(geoFamilies([{ file: "/x/City.mmdb", kind: "City", builtAt: now - minutes(2) }], now)),
      'geodns_geoip_age_seconds{kind="City"} 120'
    )
  })
})
