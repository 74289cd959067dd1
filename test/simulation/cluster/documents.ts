import type { RawDocuments } from "../../../src/config/memoryConfig.ts"
import type { Plan } from "../plan/Plan.ts"

/** The documents of a simulated cluster: its members, each with one target, and how they are checked. */
export const documentsOf = (plan: Plan): RawDocuments => ({
  local: {
    System: { ConfigReloadTime: 3_600 },
    Checks: [{
      Name: "ping",
      Enabled: 1,
      CheckType: "site",
      Timeout: plan.deadline / 1_000,
      minimumInterval: plan.interval / 1_000
    }],
    GeoDNS: {
      Checks: {
        ping: {
          FailAfter: plan.failAfter,
          RecoverAfter: plan.recoverAfter,
          MinimumStateTime: plan.minimumStateTime / 1_000
        }
      }
    }
  },
  members: Object.fromEntries(
    plan.targets.map(({ ipv6, member }, i) => [member, {
      Details: { Name: member },
      Membership: { MemberLevel: 5 },
      Service: {
        Active: 1,
        ServiceIPv4: ipv6 ? "" : `192.0.2.${i + 1}`,
        ServiceIPv6: ipv6 ? `2001:db8::${i + 1}` : ""
      },
      ServiceAssignments: {},
      Location: { Latitude: 0, Longitude: 0 },
      Override: false
    }])
  )
})
