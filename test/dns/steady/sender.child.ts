import { createSocket } from "node:dgram"
import { now, questions, type Sent } from "./world.ts"

/*
 * `node sender.child.ts PORT PER_SECOND SECONDS` asks at a steady rate and tells its parent all that was answered. There
 * are never more questions under way than fit into the buffers of the sockets: the system drops none, so that one without
 * an answer was lost by the server. A server that is slow therefore lowers the rate.
 */

const [port = 0, perSecond = 0, seconds = 0] = process.argv.slice(2).map(Number)

/** What the system counts for a small packet, generously. */
const packetBytes = 2_560

/** Milliseconds after which an answer does not come any more. */
const patience = 15_000

const packets = questions.map(({ packet }) => Buffer.from(packet))
const askedAt = new Float64Array(65_536)
const asked = new Int32Array(65_536).fill(-1)
const responses = new Map<string, number>()
const answers: Array<number> = []
let sent = 0
let open = 0
let lost = 0
let strays = 0
let slowest = 0

const socket = createSocket({
  type: "udp4",
  recvBufferSize: 4 * 1024 * 1024,
  lookup: (host, _options, done) => done(null, host, 4)
})

socket.on("message", (message) => {
  const at = now()
  const id = message.readUInt16BE(0)
  const question = asked[id]!
  if (question < 0) {
    strays++
    return
  }
  asked[id] = -1
  open--
  slowest = Math.max(slowest, at - askedAt[id]!)
  const text = message.toString("latin1", 2)
  const known = responses.get(text) ?? responses.size
  responses.set(text, known)
  answers.push(question, known, askedAt[id]!, at)
})

const forgetLost = (at: number): void => {
  for (let id = 0; id < asked.length; id++) {
    if (asked[id]! < 0 || at - askedAt[id]! < patience) continue
    asked[id] = -1
    open--
    lost++
  }
}

socket.bind(0, "127.0.0.1", () => {
  // The server asks for as much as we do.
  const window = Math.min(2_000, Math.floor(socket.getRecvBufferSize() / packetBytes))
  const start = now()
  let lookedAt = start

  const tick = (): void => {
    const at = now()
    const isOver = at - start > seconds * 1_000
    const due = isOver ? sent : (at - start) / 1_000 * perSecond
    while (sent < due && open < window) {
      const id = sent & 0xffff
      // Still open from the last round of ids: it waits its time.
      if (asked[id]! >= 0) break
      const question = sent % packets.length
      const packet = Buffer.from(packets[question]!)
      packet.writeUInt16BE(id)
      asked[id] = question
      askedAt[id] = now()
      open++
      sent++
      socket.send(packet, port, "127.0.0.1")
    }
    if (at - lookedAt > 1_000) {
      forgetLost(at)
      lookedAt = at
    }
    if (isOver && open === 0) report((at - start) / 1_000)
    else setTimeout(tick, 1)
  }

  const report = (took: number): void => {
    const told: Sent = {
      questions: sent,
      strays,
      lost,
      seconds: took,
      slowest,
      answers: Float64Array.from(answers),
      responses: [...responses.keys()].map((text) => Buffer.from(text, "latin1").toString("hex"))
    }
    process.send!(told, () => process.exit())
  }
  tick()
})
