import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { alertmanager, binaryOf, describeWith } from "../servers/Server.ts"

const root = resolve(import.meta.dirname, "../..")
const folder = join(root, "deploy/alertmanager")
const text = (file: string): string => readFileSync(join(folder, file), "utf8")

describe("the files for Alertmanager, Karma and Grafana", () => {
  it("name only metrics that there are", () => {
    const known = readFileSync(join(root, "docs/metrics.md"), "utf8")
    for (const file of ["grafana.json", "rules.yml"]) {
      const names = [...new Set(text(file).match(/geodns_[a-z_]+/g))]
      assert.isNotEmpty(names)
      for (const name of names) assert.include(known, `| \`${name}\` |`, file)
    }
    assert.lengthOf(JSON.parse(text("grafana.json")).panels, 10)
  })
})

describeWith(alertmanager, "the configuration of Alertmanager", () => {
  const amtool = (...args: ReadonlyArray<string>) => execFileSync(binaryOf("amtool"), args, { encoding: "utf8" })
  const file = join(folder, "alertmanager.yml")

  it("is one, and leads the alerts where they belong", () => {
    assert.include(amtool("check-config", file), "SUCCESS")
    const route = (...labels: ReadonlyArray<string>) =>
      amtool("config", "routes", "test", `--config.file=${file}`, ...labels).trim()
    assert.strictEqual(route("alertname=DeadMansSwitch", "source=geodns"), "dead-mans-switch")
    assert.strictEqual(route("alertname=GeoDNSOutage", "member=A", "ip_version=4"), "operators")
  })
})
