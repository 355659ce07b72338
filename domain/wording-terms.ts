/**
 * Words that advertising may not say, may say only with proof, or that a person has to look at. Written by us; no list with a
 * licence is kept up by anybody. `basis` names where a rule comes from: AdLaw is the Advertising Law of the PRC (2021), Guide the
 * guide on absolute terms (SAMR notice 2023 no. 6), Consumer the Consumer Rights Law and its rules of 2024, Price the rules on
 * fraud in prices (SAMR order 56), UCPD the EU directive on unfair practices, FTC the US guides, Spam what mail providers count.
 * Chinese terms are in simplified characters without blanks, English ones in small letters.
 */

export type Severity =
  /** Never goes out. */
  | 'block'
  /** Goes out once a person has said yes to these words. */
  | 'review'
  /** Goes out where the plan names the proof. */
  | 'evidence'

export type WordingCategory =
  | 'superlative'
  | 'ranking'
  | 'health'
  | 'finance'
  | 'promise'
  | 'price'
  | 'terms'
  | 'state'
  | 'pressure'
  | 'lottery'
  | 'referral'
  | 'spam'

export interface Term {
  term: string
  category: WordingCategory
  severity: Severity
  basis: string
  suggestion: string
  /** Longer words in which it is harmless. */
  except?: readonly string[]
}

type Row = readonly [term: string, ...except: string[]]

const group = (
  category: WordingCategory,
  severity: Severity,
  basis: string,
  suggestion: string,
  rows: readonly (Row | string)[],
): Term[] =>
  rows.map((row) => {
    const [term, ...except] = typeof row === 'string' ? ([row] as const) : row
    return { term, category, severity, basis, suggestion, ...(except.length > 0 && { except }) }
  })

const SAY_WHAT = 'say what it does instead of where it stands'
const NAME_PROOF = 'name the source, the time and the field, or leave it out'

export const TERMS: readonly Term[] = [
  ...group('superlative', 'block', 'AdLaw 9(3)', SAY_WHAT, [
    '国家级',
    '世界级',
    '宇宙级',
    '最高级',
    '最佳',
    '最好',
    '最优秀',
    '最先进',
    '最顶级',
    '最高端',
    '最权威',
    '最专业',
    '最安全',
    '最有效',
    '最完美',
    '最便宜',
    '最受欢迎',
    ['最新科技', '更新为最新科技'],
    '极致',
    '顶级',
    '顶尖',
    '终极',
    '至尊',
    '绝无仅有',
    '史无前例',
    '前所未有',
    '无与伦比',
    '独一无二',
    '万能',
    '完美无缺',
    '百分之百满意',
    '王牌',
  ]),
  ...group('superlative', 'review', 'Guide 3', SAY_WHAT, [
    ['最大', '最大限度', '最大程度', '最大可用', '最大优惠额'],
    ['最强', '最强音'],
    ['最低价', '最低价保护', '最低价格保护'],
    ['最优惠', '最优惠券'],
    ['首选', '首选项', '首选地址', '首选语言'],
    ['唯一', '唯一码', '唯一编号'],
    ['极品', '极品飞车'],
    '巅峰',
    '遥遥领先',
    '行业领先',
  ]),
  ...group('ranking', 'evidence', 'AdLaw 11', NAME_PROOF, [
    [
      '第一',
      '第一时间',
      '第一次',
      '第一步',
      '第一单',
      '第一笔',
      '第一天',
      '第一件',
      '第一条',
      '第一期',
      '第一批',
      '第一季',
      '第一章',
      '第一位顾客',
    ],
    '销量冠军',
    '全网销量',
    '排名第',
    '全国领先',
    '全球领先',
    '领导品牌',
    '驰名商标',
    '专利技术',
    '获奖产品',
    '百分之九十九的用户',
    ['冠军', '冠军杯', '冠军联赛'],
  ]),
  ...group('state', 'block', 'AdLaw 9(1), 9(2)', 'leave the state and its organs out', [
    '国家领导人',
    '国家机关推荐',
    '国家机关专供',
    '中南海',
    '国宴',
    '特供',
    '专供',
    '军队专用',
    '央视推荐',
    '人民大会堂',
  ]),
  ...group('state', 'review', 'AdLaw 9(2), 24', 'prove the right to say it', [
    '国家认证',
    '政府认可',
    '质检免检',
    '免检产品',
  ]),
  ...group('health', 'block', 'AdLaw 16, 17, 18', 'only medicine may speak of illness, and only as approved', [
    '治愈',
    '根治',
    '包治',
    '药到病除',
    '无副作用',
    '无毒副作用',
    '抗癌',
    '防癌',
    '降血压',
    '降血糖',
    '永不复发',
    '祖传秘方',
    '立竿见影',
    '快速减肥',
    '增高',
  ]),
  ...group('health', 'review', 'AdLaw 17', 'ask whether the product is approved for it', [
    '疗效',
    '消炎',
    '排毒',
    '提高免疫力',
    '延缓衰老',
    '医生推荐',
    ['治疗', '治疗费用说明'],
  ]),
  ...group('finance', 'block', 'AdLaw 25', 'state the risk, promise nothing', [
    '保本',
    '稳赚',
    '零风险',
    '无风险',
    '保收益',
    '高额回报',
    '躺赚',
    '一夜暴富',
  ]),
  ...group('promise', 'review', 'AdLaw 28', 'promise what the shop can keep, with its terms', [
    '永久免费',
    '终身保修',
    '假一赔万',
    '百分百',
    '绝对',
    '保证有效',
    '无条件退款',
  ]),
  ...group(
    'price',
    'evidence',
    'Price 7, 9; basis is the lowest deal of the 7 days before',
    'name the price it is compared with',
    ['原价', '全网最低', '史上最低', '历史最低', '跳楼价', '清仓价', '出厂价', '成本价', '亏本'],
  ),
  ...group('terms', 'block', 'Consumer 26', 'state the rule; nobody may reserve its reading', [
    '最终解释权',
    '解释权归',
    '概不退换',
    '一经售出',
    '不予退款',
    '后果自负',
  ]),
  ...group('pressure', 'review', 'Guide 8; UCPD annex I 7', 'say until when it is open, and keep to it', [
    '错过再无',
    '仅此一次',
    '最后机会',
    '再不抢就没了',
    '疯抢',
    '秒杀全网',
    '万人疯抢',
    '随时涨价',
  ]),
  ...group('lottery', 'review', 'SAMR order 32', 'make the prize terms public first; at most 50,000 yuan', [
    '百分百中奖',
    '人人有奖',
    '抽大奖',
    '免费领奖',
    '中奖率',
  ]),
  ...group(
    'referral',
    'block',
    'rules of WeChat on external links; ban on pyramid selling',
    'reward the paid order of a friend, not the sharing',
    ['分享得红包', '转发得', '分享后领取', '集赞', '帮我砍', '拉人头', '下线返利', '多级返佣'],
  ),
  ...group('superlative', 'review', 'UCPD 6; FTC on objective claims', SAY_WHAT, [
    'world class leader',
    'best in the world',
    "world's best",
    'number one',
    'unbeatable',
    'unrivalled',
    'second to none',
    'the only one',
    'cheapest',
    'lowest price ever',
    'market leader',
  ]),
  ...group(
    'health',
    'block',
    'UCPD annex I 17; FTC on health claims',
    'only medicine may speak of illness, and only as approved',
    ['cures', 'miracle cure', 'no side effects', 'clinically proven', 'lose weight fast', 'anti cancer'],
  ),
  ...group('finance', 'block', 'FTC on earnings claims', 'state the risk, promise nothing', [
    'risk free',
    'guaranteed profit',
    'guaranteed income',
    'get rich quick',
    'double your money',
  ]),
  ...group('promise', 'review', 'FTC 16 CFR 239', 'promise what the shop can keep, with its terms', [
    'lifetime guarantee',
    '100 guaranteed',
    'no questions asked',
    'satisfaction guaranteed',
  ]),
  ...group('price', 'evidence', 'UCPD 6a price; Omnibus directive art. 2', 'name the price it is compared with', [
    'was price',
    'original price',
    'wholesale price',
    'below cost',
  ]),
  ...group('pressure', 'review', 'UCPD annex I 7', 'say until when it is open, and keep to it', [
    'last chance',
    'act now',
    'only today',
    'once in a lifetime',
    'while supplies last',
  ]),
  ...group('spam', 'block', 'Spam', 'write as one would to a person one knows', [
    'you have been selected',
    'you are a winner',
    'claim your prize',
    'click here now',
    'free money',
    'no obligation',
    'this is not spam',
  ]),
]
