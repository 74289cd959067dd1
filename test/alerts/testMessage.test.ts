import { assert, describe, it } from "@effect/vitest"
import { alertOf, alertText, labelsOf, messageOf } from "../../src/alerts/index.ts"
import { ended, march, outage } from "./samples.ts"

describe("a test of the alerts", () => {
  const it1 = outage("o1")

  it("says so in the log, and when it is over", () => {
    const opened = messageOf([{ outage: it1, state: "open", delivered: {} }], "opened", { isTest: true })
    assert.strictEqual(alertText(opened), "TEST, nothing is down: Potomac Works")
    const over = messageOf([{ outage: ended(it1), state: "resolved", delivered: {} }], "resolved", { isTest: true })
    assert.strictEqual(alertText(over), "TEST is over: Potomac Works")
  })

  it("says so in Alertmanager, and is no alert that a real outage could be taken for", () => {
    const standing = { outage: it1, state: "open", severity: "warning" } as const
    const test = alertOf({ ...standing, isTest: true }, march, "")
    assert.strictEqual(test.annotations["summary"], "TEST, nothing is down: Potomac Works")
    assert.deepStrictEqual(test.labels, { ...labelsOf(it1), test: "true" })
    const real = alertOf(standing, march, "")
    assert.strictEqual(real.annotations["summary"], "Potomac Works: o1 is down")
    assert.notProperty(real.labels, "test")
  })
})
