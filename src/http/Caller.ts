import * as Context from "effect/Context"

/** Whose key a request showed, where one was needed; undefined where none was. Set for every request by the guard. */
export const Caller = Context.Reference<string | undefined>("effect-geodns/http/Caller", {
  defaultValue: () => undefined
})
