/** Calls that come while others are under way share one transaction: what each costs the store, a page costs once. */

export interface Work<Ask, Answer> {
  /** Answers those of a page that it can, all at once. */
  all: (page: readonly Ask[]) => Promise<ReadonlyMap<Ask, Answer>>
  /** Answers one by itself: whoever was not answered in the page, and everybody where the page failed. */
  alone: (ask: Ask) => Promise<Answer>
  /** Two that must not be decided side by side say the same here: the second waits for the next page. */
  apartBy: (ask: Ask) => string
  /** Asks in a page at most. */
  most?: number
  /** How long the next page lets others come where somebody waits already, ms of the machine; not at all unless said. */
  gatherMs?: number
}

interface Waiting<Ask, Answer> {
  ask: Ask
  answer: (value: Answer | PromiseLike<Answer>) => void
}

const MOST = 50

const turn = (): Promise<void> => new Promise((turned) => setImmediate(turned))
const gathered = (ms: number): Promise<void> => new Promise((over) => setTimeout(over, ms))

/**
 * A function that answers one ask, together with those that wait beside it. Who comes to nobody does not wait: the page is whoever
 * has come by the turn of the loop, and the next one is whoever came since, and while it gathers. An ask that fails fails its own
 * caller alone.
 */
export function together<Ask, Answer>({ all, alone, apartBy, most = MOST, gatherMs = 0 }: Work<Ask, Answer>) {
  let waiting: Waiting<Ask, Answer>[] = []
  let underWay = false

  function nextPage(): Waiting<Ask, Answer>[] {
    const page = new Map<string, Waiting<Ask, Answer>>()
    const later: Waiting<Ask, Answer>[] = []
    for (const one of waiting) {
      const apart = apartBy(one.ask)
      if (page.size === most || page.has(apart)) later.push(one)
      else page.set(apart, one)
    }
    waiting = later
    return [...page.values()]
  }

  async function answerPage(page: readonly Waiting<Ask, Answer>[]): Promise<void> {
    // Why a page failed is told to the one it failed for, who meets it again alone.
    const answers = await all(page.map(({ ask }) => ask)).catch(() => new Map<Ask, Answer>())
    for (const { ask, answer } of page) answer(answers.has(ask) ? (answers.get(ask) as Answer) : alone(ask))
  }

  async function work(): Promise<void> {
    underWay = true
    for (let first = true; waiting.length > 0; first = false) {
      await (first || gatherMs === 0 ? turn() : gathered(gatherMs))
      await answerPage(nextPage())
    }
    underWay = false
  }

  return (ask: Ask): Promise<Answer> =>
    new Promise((answer) => {
      waiting.push({ ask, answer })
      if (!underWay) void work()
    })
}
