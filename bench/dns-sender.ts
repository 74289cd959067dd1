import { createSocket } from "node:dgram"
import { readFileSync } from "node:fs"

/*
 * The load when there is no dnsperf: `node dns-sender.ts PORT FILE RUNS SECONDS` sends the messages of the file (each
 * with its length before it) again and again, 100 of them under way at once, and prints the answers per second.
 */

const [port = 0, , runs = 0, seconds = 0] = process.argv.slice(2).map(Number)
const bytes = readFileSync(process.argv[3]!)
const messages: Array<Buffer> = []
for (let at = 0; at < bytes.length; at += 2 + bytes.readUInt16BE(at)) {
  messages.push(Buffer.from(bytes.subarray(at + 2, at + 2 + bytes.readUInt16BE(at))))
}

const socket = createSocket({ type: "udp4", recvBufferSize: 4 * 1024 * 1024 })
let sent = 0
let answered = 0
let last = performance.now()
const start = last
const send = (): void => {
  const message = messages[sent % messages.length]!
  message.writeUInt16BE(sent++ & 0xffff)
  socket.send(message)
}
const isOver = (): boolean => runs > 0 ? answered >= runs * messages.length : performance.now() - start > seconds * 1000
const stop = (): void => {
  console.log(answered / (performance.now() - start) * 1000)
  process.exit()
}
socket.on("message", () => {
  answered++
  last = performance.now()
  if (isOver()) stop()
  send()
})
// What got lost is made up for, else there would be ever less under way.
setInterval(() => {
  if (performance.now() - start > 30_000) stop()
  if (performance.now() - last > 50) { for (let i = 0; i < 100; i++) send() }
}, 50)
socket.connect(port, "127.0.0.1", () => {
  for (let i = 0; i < 100; i++) send()
})
