import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Probes } from "../../../src/monitor/Probes.ts"
import { runProgram } from "../../../src/monitor/probes/childProcess.ts"
import { lookAt, targetAt } from "./looks.ts"

let folder = ""
const path = process.env["PATH"]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "geodns-ping-"))
  process.env["PATH"] = `${folder}:${path}`
})
afterEach(() => {
  process.env["PATH"] = path
  rmSync(folder, { recursive: true, force: true })
})

/** From now on this is the `ping` of the system; it notes what it is called with. */
const install = (script: string, version = "ping from iputils 20221126"): void => {
  const file = join(folder, "ping")
  writeFileSync(
    file,
    `#!/bin/sh\n[ "$1" = -V ] && { echo "${version}"; exit 0; }\nprintf '%s\\n' "$*" >> ${folder}/calls\n${script}\n`
  )
  chmodSync(file, 0o755)
}
const calls = (): ReadonlyArray<string> => readFileSync(join(folder, "calls"), "utf8").trim().split("\n")
const replies = (count: number) =>
  Array.from({ length: count }, (_, i) => `echo "36 bytes from x: icmp_seq=${i + 1} ttl=64 time=${i + 1}.5 ms"`)
    .join("\n")
const member = { address: "192.0.2.1", port: 443 }
const look = (options: Readonly<Record<string, unknown>> = {}, timeout = 5_000) =>
  lookAt(member, { probe: "ping", options, timeout })

/** Whether a process is there still. */
const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
const until = (isTrue: () => boolean) =>
  Effect.gen(function*() {
    for (let i = 0; i < 500 && !isTrue(); i++) yield* Effect.sleep(10)
    assert.isTrue(isTrue())
  })

describe("ping", () => {
  it.live("asks the ping of the system with the options of v2, or their defaults", () =>
    Effect.gen(function*() {
      install(`${replies(3)}\necho "3 packets transmitted, 3 received"`)
      const seen = yield* look()
      assert.deepStrictEqual(seen, {
        up: true,
        error: "",
        data: { PacketLoss: 0, MinRtt: 1.5, AvgRtt: 2.5, MaxRtt: 3.5, StdDevRtt: 0.816 }
      })
      const v2 = { PingCount: 15, PingInterval: 100, PingTimeout: 1600, PingTTL: 254, PingSize: 28 }
      yield* look({ ...v2, MaxPacketLoss: 25, MaxLatency: 800 }, 30_000)
      yield* lookAt({ address: "2001:db8::1", port: 443 }, { probe: "ping" })
      assert.deepStrictEqual(calls(), [
        "-n -4 -c 3 -s 32 -t 64 -i 0.1 -W 1 -w 3 192.0.2.1",
        "-n -4 -c 15 -s 28 -t 254 -i 0.1 -W 1.6 -w 24 192.0.2.1",
        "-n -6 -c 3 -s 32 -t 64 -i 0.1 -W 1 -w 3 2001:db8::1"
      ])
    }).pipe(Effect.provide(Probes.layer)))

  it.live("speaks to the one of BusyBox in its way, and to any other with what all have", () =>
    Effect.gen(function*() {
      install(`${replies(3)}`, "BusyBox v1.35.0 multi-call binary.")
      yield* look({ PingTimeout: 1_600 })
      assert.deepStrictEqual(calls(), ["-4 -c 3 -s 32 -t 64 -i 0.1 -W 2 -w 5 192.0.2.1"])
      rmSync(join(folder, "calls"))
      install(replies(3), "ping (GNU inetutils) 2.4")
      yield* Effect.provide(look(), Probes.layer, { local: true })
      assert.deepStrictEqual(calls(), ["-c 3 -s 32 192.0.2.1"])
    }).pipe(Effect.provide(Probes.layer)))

  it.live("is judged by loss and average", () =>
    Effect.gen(function*() {
      install(`${replies(2)}\necho "3 packets transmitted, 2 received"`)
      assert.deepInclude(yield* look(), { up: false, error: "more than 5 % of the packets were lost" })
      assert.deepInclude(yield* look({ MaxPacketLoss: 34 }), { up: true })
      assert.deepInclude(yield* look({ MaxPacketLoss: 34, MaxLatency: 1 }), {
        up: false,
        error: "the average round trip takes longer than 1 ms"
      })
      install(`echo "3 packets transmitted, 0 received"; exit 1`)
      const dead = yield* look()
      assert.deepInclude(dead, { up: false, error: "no answer to ping" })
      assert.include(dead.data, { PacketLoss: 100, AvgRtt: null })
      install(`echo "ping: connect: Network is unreachable" >&2; exit 2`)
      assert.deepInclude(yield* look(), { up: false, error: "no route to the member" })
    }).pipe(Effect.provide(Probes.layer)))

  it.live("says nothing about members when this machine may not ping", () =>
    Effect.gen(function*() {
      install(`echo "ping: socket: Operation not permitted" >&2; exit 2`)
      const seen = yield* look()
      assert.isUndefined(seen.up)
      assert.match(seen.error, /may not send pings: ping needs CAP_NET_RAW/)
    }).pipe(Effect.provide(Probes.layer)))

  it.live("ends with its deadline, and reads what was printed until then", () =>
    Effect.gen(function*() {
      install(
        `trap 'echo "3 packets transmitted, 2 received"; exit 1' INT\n${replies(2)}\nwhile :; do sleep 0.01; done`
      )
      const seen = yield* look({ PingTimeout: 10_000, MaxPacketLoss: 50 }, 4_000)
      assert.deepInclude(seen, { up: true })
      assert.include(seen.data, { MinRtt: 1.5, MaxRtt: 2.5 })
      install(`trap '' INT TERM\necho $$ > ${folder}/pid\nwhile :; do sleep 0.01; done`)
      assert.deepInclude(yield* look({ PingTimeout: 10_000 }, 1_000), { up: false })
      const pid = Number(readFileSync(join(folder, "pid"), "utf8"))
      yield* until(() => !isAlive(pid))
    }).pipe(Effect.provide(Probes.layer)))

  it.live("a program that does not heed its interruption is killed: a little after its time, or at once when it is given up", () =>
    Effect.gen(function*() {
      const pid = () => existsSync(join(folder, "pid")) ? Number(readFileSync(join(folder, "pid"), "utf8")) : 0
      // It writes nothing: no broken pipe ends it
      const deaf = ["-c", `trap '' INT TERM HUP\necho $$ > ${folder}/pid\nwhile :; do sleep 0.01; done`]
      // It ends by itself, or never
      const ended = yield* runProgram("/bin/sh", deaf, 500).pipe(Effect.timeoutOption("30 seconds"))
      assert.isTrue(Option.isSome(ended))
      yield* until(() => !isAlive(pid()))
      rmSync(join(folder, "pid"))
      const running = yield* Effect.forkChild(runProgram("/bin/sh", deaf, 60_000))
      yield* until(() => pid() > 0)
      const given = pid()
      yield* Fiber.interrupt(running)
      yield* until(() => !isAlive(given))
    }))

  it.live("is killed when it is given up, and a flood of output is not kept", () =>
    Effect.gen(function*() {
      install(`trap '' INT\necho $$ > ${folder}/pid\nexec yes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`)
      const planned = yield* targetAt(member, { probe: "ping", options: { PingTimeout: 20_000 }, timeout: 60_000 })
      const running = yield* Effect.forkChild(planned.check.run(planned))
      yield* until(() => existsSync(join(folder, "pid")) && readFileSync(join(folder, "pid"), "utf8") !== "")
      const pid = Number(readFileSync(join(folder, "pid"), "utf8"))
      yield* Effect.sleep(50)
      yield* Fiber.interrupt(running)
      yield* until(() => !isAlive(pid))
    }).pipe(Effect.provide(Probes.layer)))

  it.live("a machine without ping says what to do, and the check is left out", () =>
    Effect.gen(function*() {
      const probe = (yield* Probes).get("ping")!
      install("")
      assert.isUndefined(probe.unusable?.())
      process.env["PATH"] = `${folder}/nowhere`
      assert.match(probe.unusable?.() ?? "", /no ping command: install iputils-ping/)
      const seen = yield* look()
      assert.isUndefined(seen.up)
      assert.match(seen.error, /does not run: this machine has no ping command/)
    }).pipe(Effect.provide(Probes.layer)))
})
