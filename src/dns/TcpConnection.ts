import type { Socket } from "node:net"
import { type Framing, MessageConnection } from "./MessageConnection.ts"
import { headerBytes } from "./protocol.ts"

/** What a client can hold of us over TCP. Times in milliseconds. */
export interface TcpBounds {
  /** Open at once; a new one takes the place of the one that has been idle for longest. */
  readonly connections: number
  /** Of them, those of one client (an IPv4 address, an IPv6 /56). */
  readonly perClient: number
  /** How long a connection may go without a whole message from the client, or without taking what we wrote. */
  readonly idle: number
  /** Messages of one connection that are answered in a row before others get a turn. */
  readonly batch: number
  /** How long clients may take to read the last answers when the server closes. */
  readonly drain: number
}

/** The bounds of a server that is told nothing else. */
export const tcpBounds: TcpBounds = { connections: 200, perClient: 20, idle: 10_000, batch: 64, drain: 1_000 }

/** Messages with their length before them (RFC 7766, 8). */
const withLength = (answer: (message: Buffer) => Buffer | undefined): Framing => ({
  endOf: (bytes, from) => {
    if (bytes.length - from < 2) return "more"
    const length = bytes.readUInt16BE(from)
    if (length < headerBytes) return "none"
    const end = from + 2 + length
    return end > bytes.length ? "more" : end
  },
  answer: (message, socket) => {
    const response = answer(message.subarray(2))
    if (response === undefined) return false
    const prefix = Buffer.allocUnsafe(2)
    prefix.writeUInt16BE(response.length)
    socket.write(prefix)
    socket.write(response)
    return true
  }
})

/** One connection of a client over TCP (RFC 7766): any number of questions, answered in order. */
export class TcpConnection extends MessageConnection {
  /** `answer` gives undefined for what is no question: then the connection ends. */
  constructor(socket: Socket, answer: (message: Buffer) => Buffer | undefined, { batch, idle }: TcpBounds) {
    super(socket, withLength(answer), { batch, patience: idle, mayRest: false })
    socket.setNoDelay(true)
  }
}
