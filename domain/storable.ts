/** What can be kept and told again as it came, checked before any contract: walking it must not be what breaks. */

const LEVELS_MOST = 20

interface Unstorable {
  /** Where: the keys that lead there. */
  path: string[]
  expected: string
}

interface Step {
  key: string
  from: Step | undefined
  depth: number
}

/**
 * The first place in a JSON value that a store could not keep: NUL or half a character in a text (PostgreSQL holds neither), a
 * key '__proto__' (JavaScript drops it), nesting too deep to walk. Undefined where all of it can be kept.
 */
export function unstorable(value: unknown): Unstorable | undefined {
  const left: { value: unknown; at: Step | undefined }[] = [{ value, at: undefined }]
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    const { value: inner, at } = next
    if (typeof inner === 'string' && !isText(inner)) return { path: pathOf(at), expected: TEXT }
    if (inner === null || typeof inner !== 'object') continue
    if ((at?.depth ?? 0) >= LEVELS_MOST) return { path: pathOf(at), expected: `expected at most ${LEVELS_MOST} levels` }
    // Backwards, as the last one pushed is the first one looked at.
    for (const [key, one] of Object.entries(inner).reverse()) {
      if (!isText(key)) return { path: pathOf(at), expected: TEXT.replace('text', 'keys') }
      if (key === '__proto__') return { path: pathOf(at), expected: "expected no key '__proto__'" }
      left.push({ value: one, at: { key, from: at, depth: (at?.depth ?? 0) + 1 } })
    }
  }
  return undefined
}

const TEXT = 'expected text without NUL and without half characters (lone surrogates)'

const isText = (text: string): boolean => !/\u0000|\p{Surrogate}/u.test(text)

function pathOf(step: Step | undefined): string[] {
  const path: string[] = []
  for (let at = step; at; at = at.from) path.unshift(at.key)
  return path
}
