import { connect, createServer, type Socket } from "node:net"

/** A stretch of network between a client and a server on this machine that can be cut or go dead. */
export interface TcpProxy {
  readonly port: number
  /** Ends all connections, and refuses new ones. */
  readonly cut: () => void
  /** Connections stay open, and nothing comes through. */
  readonly freeze: () => void
  /** Undoes both; what was frozen goes on. */
  readonly restore: () => void
  readonly dispose: () => Promise<void>
}

export const startProxy = (target: number): Promise<TcpProxy> =>
  new Promise((done, fail) => {
    let state: "open" | "cut" | "frozen" = "open"
    const sockets = new Set<Socket>()
    const server = createServer((near) => {
      if (state === "cut") return void near.destroy()
      const far = connect(target, "127.0.0.1")
      for (const [from, to] of [[near, far], [far, near]] as const) {
        sockets.add(from)
        from.on("data", (data) => void to.write(data))
        from.on("error", () => {})
        from.on("close", () => {
          sockets.delete(from)
          to.destroy()
        })
        if (state === "frozen") from.pause()
      }
    })
    const cut = () => {
      state = "cut"
      for (const socket of sockets) socket.destroy()
    }
    server.once("error", fail).listen(0, "127.0.0.1", () => {
      const address = server.address()
      done({
        port: typeof address === "object" && address !== null ? address.port : 0,
        cut,
        freeze: () => {
          state = "frozen"
          for (const socket of sockets) socket.pause()
        },
        restore: () => {
          state = "open"
          for (const socket of sockets) socket.resume()
        },
        dispose: () =>
          new Promise((closed) => {
            cut()
            server.close(() => closed())
          })
      })
    })
  })
