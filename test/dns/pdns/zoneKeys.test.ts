import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { readZoneKeys } from "../../../src/dns/pdns/zoneKeys.ts"

const secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I="
const key = `Private-key-format: v1.2\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: ${secret}\n`

const read = (text: string) =>
  Result.map(readZoneKeys(text), (keys) => keys.map(({ content, flags }) => [flags, Redacted.value(content)]))

describe("readZoneKeys", () => {
  it("reads what pdnsutil and dnssec-keygen write", () => {
    assert.deepStrictEqual(read(`Flags: 256\n${key}\n`), Result.succeed([[256, key]]))
    assert.deepStrictEqual(
      read(`; a comment\r\n${key}Created: 20260101000000\nPublish: 20260101000000\nActivate: 20260101000000\n`),
      Result.succeed([[257, key]])
    )
  })

  it("reads several keys, each with its flags", () => {
    assert.deepStrictEqual(
      read(`Flags: 257\n${key}Flags: 256\n${key}${key}`),
      Result.succeed([[257, key], [256, key], [257, key]])
    )
  })

  it("says what is wrong, and nothing of the key", () => {
    for (
      const text of [
        "",
        "nonsense",
        `PrivateKey: ${secret}`,
        `Flags: 7\n${key}`,
        key.replace("PrivateKey", "Key"),
        key.replace(/Algorithm.*\n/, "")
      ]
    ) {
      const result = readZoneKeys(text)
      assert.isTrue(Result.isFailure(result), text)
      assert.notInclude(JSON.stringify(result), secret.slice(0, 8))
    }
    assert.notInclude(JSON.stringify(readZoneKeys(key)), secret.slice(0, 8))
  })
})
