import type { NatsConnection, Subscription } from "@nats-io/transport-node"
import type { Inbox } from "./Inbox.ts"
import { maxMessageBytes } from "./MessageSize.ts"

/** How much may be on its way to the broker without its word that it came: more waits. */
export const windowLimits = { messages: 65_536, bytes: 8 * 1024 * 1024 }

/** After so much the broker is asked for its word without waiting for {@link confirmAfter}. */
const confirmEvery = { messages: windowLimits.messages / 4, bytes: windowLimits.bytes / 4 }

/** Milliseconds from a message to asking the broker for its word. */
const confirmAfter = 50

/** How a message was taken: `full` when too much is on its way already, `lost` when the connection is gone. */
export type Taken = "sent" | "full" | "lost"

/** One connection to one server, until it is lost. */
export interface NatsLink {
  /** The longest message that the server takes, in bytes. */
  readonly maxPayload: number
  readonly isOpen: () => boolean
  readonly publish: (subject: string, data: Uint8Array, reply: string | undefined) => Taken
  /** Called once when there is room again, or when the connection is lost. */
  readonly onRoom: (listener: () => void) => () => void
  /** Listens until the returned function is called. */
  readonly listen: (subject: string, inbox: Inbox) => () => void
  /** Resolves with true once the broker has taken up all that was sent before, with false when the link is lost. */
  readonly confirm: () => Promise<boolean>
  /** Bytes of the messages that came so far. */
  readonly received: () => number
  /** Resolves when the connection is lost, with the reason if there is one. */
  readonly lost: Promise<unknown>
  /** Messages that were sent and of which the broker has not said that they came. */
  readonly unconfirmed: () => number
  /** Drops the connection, whatever is on its way. */
  readonly close: (reason?: Error) => void
}

/** Something that the broker does not let us do. */
export interface Violation {
  readonly operation: string
  readonly subject: string
}

/** Wraps a connection. `onViolation` hears what the broker does not let us do. */
export const makeNatsLink = (connection: NatsConnection, onViolation: (violation: Violation) => void): NatsLink => {
  let open = true
  let lastError: Error | undefined
  let sent = { messages: 0, bytes: 0 }
  let asked = sent
  let confirmed = sent
  let timer: NodeJS.Timeout | undefined
  const waiting = new Set<() => void>()
  const loss = Promise.withResolvers<unknown>()

  const wake = () => {
    const listeners = [...waiting]
    waiting.clear()
    for (const listener of listeners) listener()
  }
  const lose = (reason: unknown) => {
    if (!open) return
    open = false
    clearTimeout(timer)
    loss.resolve(reason)
    wake()
  }

  const confirm = async (): Promise<boolean> => {
    if (!open) return false
    clearTimeout(timer)
    timer = undefined
    const upTo = asked = sent
    // The client leaves the answer open for ever when the connection is lost.
    const answered = await Promise.race([
      connection.flush().then(() => true, () => false),
      loss.promise.then(() => false)
    ])
    if (answered && upTo.messages > confirmed.messages) {
      confirmed = upTo
      wake()
    }
    return answered
  }

  const isFull = (length: number): boolean => {
    const messages = sent.messages - confirmed.messages
    return messages >= windowLimits.messages
      || (messages > 0 && sent.bytes - confirmed.bytes + length > windowLimits.bytes)
  }

  const watch = async () => {
    try {
      for await (const status of connection.status()) {
        if (status.type === "error") {
          const { error } = status
          if ("operation" in error && "subject" in error) {
            onViolation({ operation: String(error.operation), subject: String(error.subject) })
          } else lastError = error
        } // Heard of earlier than that the client is closed.
        else if (status.type === "disconnect" || status.type === "close") lose(lastError)
      }
    } catch (cause) {
      lose(cause)
    }
  }
  void watch()
  void connection.closed().then((reason) => lose(reason), lose)

  return {
    maxPayload: Math.min(maxMessageBytes, connection.info?.max_payload ?? maxMessageBytes),
    isOpen: () => open && !connection.isClosed(),
    publish: (subject, data, reply) => {
      if (!open || connection.isClosed()) return "lost"
      if (isFull(data.length)) return "full"
      try {
        connection.publish(subject, data, reply === undefined ? undefined : { reply })
      } catch {
        // The subject and the length were looked at before: what is left is a connection that was just closed.
        return "lost"
      }
      sent = { messages: sent.messages + 1, bytes: sent.bytes + data.length }
      if (
        sent.messages - asked.messages >= confirmEvery.messages || sent.bytes - asked.bytes >= confirmEvery.bytes
      ) void confirm()
      else timer ??= setTimeout(confirm, confirmAfter)
      return "sent"
    },
    onRoom: (listener) => {
      if (open) waiting.add(listener)
      else listener()
      return () => waiting.delete(listener)
    },
    listen: (subject, inbox) => {
      if (!open) return () => {}
      const exact = /[*>]/.test(subject) ? undefined : subject
      const subscription: Subscription = connection.subscribe(subject, {
        callback: (error, message) => {
          if (error !== null) return
          // The broker's own word that nobody listens is no message of anybody.
          if (message.data.length === 0 && message.headers?.code === 503) return
          inbox.offer({ subject: exact ?? message.subject, data: message.string(), reply: message.reply || undefined })
        }
      })
      return () => {
        if (!subscription.isClosed()) subscription.unsubscribe()
      }
    },
    confirm,
    received: () => connection.stats().inBytes,
    lost: loss.promise,
    unconfirmed: () => sent.messages - confirmed.messages,
    close: (reason) => {
      lose(reason)
      void connection.close().catch(() => {})
    }
  }
}
