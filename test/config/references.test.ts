import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { placesOf, readReference, removed, replaceAt } from "../../src/config/references.ts"

describe("readReference", () => {
  it("knows variables anywhere, files at the beginning, and what is written for ${ itself", () => {
    assert.deepStrictEqual(readReference("plain $HOME $x {}"), { kind: "plain", text: "plain $HOME $x {}" })
    assert.deepStrictEqual(readReference("${A}"), { kind: "template", parts: [{ variable: "A" }] })
    assert.deepStrictEqual(readReference("nats://${USER_1}:${_p}@h"), {
      kind: "template",
      parts: ["nats://", { variable: "USER_1" }, ":", { variable: "_p" }, "@h"]
    })
    assert.deepStrictEqual(readReference("$${A} and ${B}"), {
      kind: "template",
      parts: ["${", "A} and ", { variable: "B" }]
    })
    assert.deepStrictEqual(readReference("$${A}"), { kind: "plain", text: "${A}" })
    for (const path of ["file:/run/x", "file:///run/x"]) {
      assert.deepStrictEqual(readReference(path), { kind: "file", path: "/run/x" })
    }
    assert.deepStrictEqual(readReference("file:secrets/x"), { kind: "file", path: "secrets/x" })
  })

  it("a variable that is none is an error, and never the text itself", () => {
    for (const text of ["${}", "${1A}", "${A-B}", "${A", "x${ A}", "${A}${"]) {
      assert.deepStrictEqual(readReference(text), { kind: "malformed" }, text)
    }
  })

  it("any text survives when its ${ are doubled", () => {
    fc.assert(fc.property(fc.string().filter((text) => !text.startsWith("file:")), (text) => {
      const escaped = text.replace(/\$+\{/g, (start) => `$${start}`)
      const read = readReference(escaped)
      if (/\$\$\{/.test(text)) return
      assert.deepStrictEqual(read, { kind: "plain", text })
    }))
  })
})

describe("placesOf and replaceAt", () => {
  it("find every text that refers to something, and leave the locations of documents alone", () => {
    const raw = JSON.parse(
      '{"System": {"ConfigUrls": {"A": "file:///a", "B": "https://h/${T}"}}, "L": ["x", {"k": "file:s"}], "__proto__": "${P}"}'
    )
    assert.deepStrictEqual(placesOf(raw).map(({ path }) => path.join(".")), [
      "System.ConfigUrls.B",
      "L.1.k",
      "__proto__"
    ])
  })

  it("replace, remove and add, without touching the rest or the prototype", () => {
    const raw = JSON.parse('{"a": {"b": 1, "c": 2}, "l": ["x", "y"], "__proto__": {"z": 1}}')
    const made = replaceAt(raw, [
      { path: ["a", "b"], value: removed },
      { path: ["l", 0], value: removed },
      { path: ["n", "m"], value: 5 },
      { path: ["__proto__", "z"], value: 2 },
      { path: ["a", "c", "d"], value: 7 }
    ])
    assert.strictEqual(JSON.stringify(made), '{"a":{"c":2},"l":["y"],"__proto__":{"z":2},"n":{"m":5}}')
    assert.isUndefined(({} as Record<string, unknown>)["z"])
    assert.strictEqual(JSON.stringify(raw), '{"a":{"b":1,"c":2},"l":["x","y"],"__proto__":{"z":1}}')
  })
})
