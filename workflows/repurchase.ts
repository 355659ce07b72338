import { journey } from './kit/index.ts'

/** The months of age from which on a size or stage fits. */
const SIZES: Record<string, Record<string, number>> = {
  'baby-diapers': { NB: 0, S: 1, M: 3, L: 6, XL: 12 },
  'baby-formula': { '1': 0, '2': 6, '3': 12, '4': 36 },
}
/** How much of a cycle goes by before each message: a fifth early, on the day, a fifth late. */
const SHARE = { soon: 0.82, due: 0.18, late: 0.2 }
const monthOf = (day: string): number => Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7))

function sizeOn(today: string, category = '', born?: unknown): string | undefined {
  if (typeof born !== 'string') return undefined
  const age = monthOf(today) - monthOf(born) - (today.slice(8) < born.slice(8) ? 1 : 0)
  return Object.entries(SIZES[category] ?? {}).findLast(([, from]) => from <= age)?.[0]
}

export default journey(
  {
    title: 'Repurchase',
    begins: { on: 'order.delivered' },
    occasion: 'order',
    goal: { on: 'order.paid', within: '90 days', shares: 'lines.category' },
    exit: ['order.refunded', 'order.returned'].map((on) => ({ on, sameOccasion: true })),
    holdout: 10,
    priority: 10,
    tags: ['repurchase'],
    copy: {
      soon: {
        en: `Running low?\n\n{% render 'header' %}\n\n{% if item %}{{ item }}{% else %}what you ordered{% endif %} lasts you about {{ days }} days. If you order now, the next one comes before it ends.{% if size %}\n\nFor your baby’s age today the size or stage is {{ size }}.{% endif %}`,
        'zh-CN': `快用完了吗？\n\n{% render 'header' %}\n\n{% if item %}{{ item }}{% else %}上次买的东西{% endif %}您大约 {{ days }} 天用完。现在下单，用完之前就能送到。{% if size %}\n\n按宝宝现在的月龄，适合的规格是 {{ size }}。{% endif %}`,
      },
      due: {
        en: `Time for the next one\n\n{% render 'header' %}\n\nit is {{ days }} days since {% if item %}{{ item }}{% else %}your order{% endif %} came, which is when you usually order again.{% if size %}\n\nThe size or stage that fits now: {{ size }}.{% endif %}`,
        'zh-CN': `该补货了\n\n{% render 'header' %}\n\n{% if item %}{{ item }}{% else %}上次的订单{% endif %}送到已有 {{ days }} 天，您通常在这时再次购买。{% if size %}\n\n现在适合的规格：{{ size }}。{% endif %}`,
      },
      late: {
        en: `Still all right?\n\n{% render 'header' %}\n\nyou have gone longer than {{ days }} days without {% if item %}{{ item }}{% else %}what you usually order{% endif %}. If you found something better, tell us: we would like to know.{% if size %}\n\nIn case you need it, the size or stage today is {{ size }}.{% endif %}`,
        'zh-CN': `还够用吗？\n\n{% render 'header' %}\n\n离您上次买{% if item %}{{ item }}{% else %}常买的东西{% endif %}已超过 {{ days }} 天。若是找到了更合适的，也请告诉我们。{% if size %}\n\n需要的话，现在的规格是 {{ size }}。{% endif %}`,
      },
    },
  },
  async ({ beginning, customer, wait, send }) => {
    const lines = ((await beginning()).lines ?? []) as { category?: string; title?: string }[]
    const { standing } = await customer()
    const cycleOf = ({ category = '' }: { category?: string }): number => standing?.cycles[category] ?? Infinity
    const [line = {}] = lines.toSorted((one, other) => cycleOf(one) - cycleOf(other))
    const days = Number.isFinite(cycleOf(line)) ? cycleOf(line) : standing?.gapDays
    // Nobody knows when, or too often for letters.
    if (!days || days < 7) return
    for (const message of ['soon', 'due', 'late'] as const) {
      await wait(`${SHARE[message] * days} days`)
      const { tags, traits, today } = await customer()
      if (tags.includes('subscriber')) return
      const size = sizeOn(today, line.category, traits.babyBorn)
      await send(message, { item: line.title, days: Math.round(days), size }, { within: '3 days' })
    }
  },
)
