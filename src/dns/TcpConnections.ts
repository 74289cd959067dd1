import { readSender } from "./ClientNetwork.ts"

/** A connection that can be let go. */
export interface Open {
  readonly destroy: () => void
}

/** Whose connections count together: an IPv4 address, or an IPv6 /56, of which one client may have all addresses. */
export const clientOf = (remote: string): string => {
  const words = new Uint32Array(4)
  const family = readSender(remote, words)
  return family === 0 ? "" : family === 4 ? `${words[0]}` : `${words[0]} ${words[1]! >>> 8}`
}

/**
 * The connections that are open, a bounded number, and of one client not nearly as many. A new one is never refused: the
 * one that has been without a question for longest gives way, of the same client when it has its share.
 */
export class TcpConnections<C extends Open> {
  readonly #limit: number
  readonly #perClient: number
  /** Both in the order of their last question: the first has been idle for longest. */
  readonly #clientOf = new Map<C, string>()
  readonly #byClient = new Map<string, Set<C>>()

  constructor(limit: number, perClient: number) {
    this.#limit = limit
    this.#perClient = perClient
  }

  get size(): number {
    return this.#clientOf.size
  }

  /** Takes a new connection of a client; gives the one that gave way, which is destroyed. */
  add(connection: C, client: string): C | undefined {
    const own = this.#byClient.get(client)
    const [idlest] = own !== undefined && own.size >= this.#perClient
      ? own
      : this.#clientOf.size >= this.#limit
      ? this.#clientOf.keys()
      : []
    if (idlest !== undefined) {
      this.remove(idlest)
      idlest.destroy()
    }
    this.#put(connection, client)
    return idlest
  }

  /** A question came over it. */
  touch(connection: C): void {
    const client = this.#clientOf.get(connection)
    if (client === undefined) return
    this.#clientOf.delete(connection)
    this.#byClient.get(client)?.delete(connection)
    this.#put(connection, client)
  }

  /** It is closed. Nothing happens when it was not there. */
  remove(connection: C): void {
    const client = this.#clientOf.get(connection)
    if (client === undefined) return
    this.#clientOf.delete(connection)
    const own = this.#byClient.get(client)
    own?.delete(connection)
    if (own?.size === 0) this.#byClient.delete(client)
  }

  [Symbol.iterator](): Iterator<C> {
    return this.#clientOf.keys()
  }

  #put(connection: C, client: string): void {
    this.#clientOf.set(connection, client)
    const own = this.#byClient.get(client)
    if (own === undefined) this.#byClient.set(client, new Set([connection]))
    else own.add(connection)
  }
}
