/**
 * HTTP servers on loopback addresses of their own, all on one port, that answer every request well. Writes the port as one
 * line, and ends with its standard input.
 */
import { type AddressInfo, createServer, type Server } from "node:net"

const [count = "16"] = process.argv.slice(2)
const answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

const listen = (address: string, port: number): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true }, (socket) => {
      socket.on("error", () => undefined).once("data", () => socket.end(answer))
    })
    server.once("error", reject).listen({ host: address, port, backlog: 4_096 }, () => resolve(server))
  })

const first = await listen("127.0.2.1", 0)
const { port } = first.address() as AddressInfo
for (let i = 2; i <= Number(count); i++) await listen(`127.0.2.${i}`, port)
console.log(port)
process.stdin.on("end", () => process.exit(0)).resume()
