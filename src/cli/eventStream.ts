import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { LogEvent } from "../http/LogEvent.ts"
import { type Remote, withKey } from "./remote.ts"

/** An event is a line of some hundred bytes. */
const maxEventSize = 256 * 1024

/** Nothing came for so long, not even a sign of life: the connection is dead. */
const patience = "90 seconds"

const decode = Schema.decodeUnknownOption(Schema.fromJsonString(LogEvent))

/**
 * The events that a node has, from the one after `after` on; with `follow` also those to come, until the node ends the
 * stream. Events of a kind that this version does not know are left out.
 */
export const eventStream = (
  node: Remote,
  options: { readonly follow: boolean; readonly after: number | undefined }
): Stream.Stream<LogEvent, HttpClientError.HttpClientError, HttpClient.HttpClient> =>
  Stream.unwrap(Effect.gen(function*() {
    const client = withKey(node)(HttpClient.filterStatusOk(yield* HttpClient.HttpClient))
    const request = HttpClientRequest.get(`${node.url}/api/log`).pipe(
      HttpClientRequest.accept("text/event-stream"),
      HttpClientRequest.setUrlParams({
        ...!options.follow && { follow: "false" },
        ...options.after !== undefined && { after: String(options.after) }
      })
    )
    const response = yield* client.execute(request)
    const found: Array<LogEvent> = []
    // A hint when to come back is no event; who comes back here has a pace of its own.
    const parser = Sse.makeParser((part) => {
      if (part._tag === "Event") found.push(...Option.toArray(decode(part.data)))
    }, { maxEventSize })
    const body = HttpClientResponse.stream(Effect.succeed(response))
    // A connection that breaks ends what is followed: the caller goes on after the last event. What was asked for once is
    // whole, or a failure.
    return (options.follow ? Stream.catch(body, () => Stream.empty) : body).pipe(
      Stream.timeout(patience),
      Stream.decodeText(),
      Stream.map((text) => ({ broken: parser.feed(text) !== undefined, events: found.splice(0) })),
      // What is no event stream ends it.
      Stream.takeUntil(({ broken }) => broken),
      Stream.flatMap(({ events }) => Stream.fromIterable(events))
    )
  }))
