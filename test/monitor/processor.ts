import { vi } from "@effect/vitest"

/** Until the mocks are restored, this process seems to have had the processor all the time. */
export const withProcessor = (): void => {
  vi.spyOn(process, "cpuUsage").mockImplementation(() => ({ user: performance.now() * 1000, system: 0 }))
}

/** Until the mocks are restored, this process seems not to get the processor. */
export const withoutProcessor = (): void => {
  vi.spyOn(process, "cpuUsage").mockImplementation(() => ({ user: 0, system: 0 }))
}
