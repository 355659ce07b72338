import type { Journey } from '../catalogue.ts'

/** The journey, with each way that a split goes told: a host does not hear of splits. `ways` are all there are. */
export function withSplitsTold(
  { plan, story, ...rest }: Journey,
  tell: (split: string, way: string, ways: readonly string[]) => void,
): Journey {
  return {
    ...rest,
    plan,
    story: (kit) =>
      story({
        ...kit,
        split(name, arms, weights) {
          const ways = Object.keys(arms)
          const told = Object.entries(arms).map(([way, go]) => [
            way,
            () => {
              tell(name, way, ways)
              return (go as () => unknown)()
            },
          ])
          return kit.split(name, Object.fromEntries(told) as typeof arms, weights)
        },
      }),
  }
}
