import { assert, describe, it } from "@effect/vitest"
import { isPrivate } from "../../../src/consensus/sealed/isPrivate.ts"

const credentials = "/run/credentials/geodns-monitor.service"
const inside = `${credentials}/node.key`

describe("isPrivate", () => {
  it("takes what its owner alone may read, whoever that is and wherever it lies", () => {
    for (const mode of [0o100600, 0o100400]) {
      for (const uid of [0, 1_000]) {
        assert.isTrue(isPrivate("/etc/geodns/node.key", { mode, uid }, undefined))
        assert.isTrue(isPrivate(inside, { mode, uid }, credentials))
      }
    }
  })

  it("takes a credential of systemd, whose access list shows as a right of the group", () => {
    for (const mode of [0o100440, 0o100640]) {
      assert.isTrue(isPrivate(inside, { mode, uid: 0 }, credentials))
      assert.isTrue(isPrivate(inside, { mode, uid: 0 }, `${credentials}/`))
    }
  })

  it("takes no right of the group anywhere else, and never one of others or to write", () => {
    const rights = { mode: 0o100440, uid: 0 }
    assert.isFalse(isPrivate(inside, rights, undefined))
    assert.isFalse(isPrivate(inside, rights, ""))
    assert.isFalse(isPrivate("/etc/geodns/node.key", rights, credentials))
    assert.isFalse(isPrivate(`${credentials}/deeper/node.key`, rights, credentials))
    assert.isFalse(isPrivate(`${credentials}/../node.key`, rights, credentials))
    assert.isFalse(isPrivate(inside, { ...rights, uid: 1_000 }, credentials))
    for (const mode of [0o100444, 0o100460, 0o100450, 0o100404, 0o100602]) {
      assert.isFalse(isPrivate(inside, { mode, uid: 0 }, credentials), mode.toString(8))
    }
  })
})
