import type { Socket } from "node:net"
import { type Framing, MessageConnection } from "../MessageConnection.ts"
import type { PdnsBounds } from "./bounds.ts"
import { errorReply, type HandlePdns } from "./handler.ts"
import type { PdnsDrop } from "./PdnsTally.ts"

const lineFeed = 10

/** A message a line. */
const lines = (handle: HandlePdns, requestBytes: number, tooLong: () => void): Framing => ({
  endOf: (bytes, from) => {
    const end = bytes.indexOf(lineFeed, from)
    if ((end < 0 ? bytes.length : end) - from > requestBytes) return "none"
    return end < 0 ? "more" : end + 1
  },
  answer: (message, socket) => {
    socket.write(handle(message.toString("utf8", 0, message.length - 1)) + "\n")
    return true
  },
  refuse: (socket) => {
    tooLong()
    socket.write(`${errorReply(`a request is longer than ${requestBytes} bytes`)}\n`)
  }
})

/**
 * One connection over a Unix socket: requests and answers of one line each, in order. A request that has begun, or an answer
 * that is not taken, has its time; between requests a connection may rest as long as it likes, since PowerDNS notices only
 * with a lost question that it was closed.
 */
export class LineConnection extends MessageConnection {
  constructor(socket: Socket, handle: HandlePdns, bounds: PdnsBounds, drop: (reason: PdnsDrop) => void) {
    super(socket, lines(handle, bounds.requestBytes, () => drop("length")), {
      batch: bounds.batch,
      patience: bounds.transfer,
      mayRest: true,
      slow: () => drop("slow")
    })
  }
}
