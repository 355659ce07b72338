/**
 * Words that advertising may not say, may say only with proof, or that a person has to look at. Written by us; no list with a
 * licence is kept up by anybody. Blocked is what no context makes right; what normal shops say of themselves too is for review. `basis` names where a rule comes from: AdLaw is the Advertising Law of the PRC (2021), Guide the
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

/** 第一 before these is a count and no claim: 第一次, 第一杯. */
const COUNTS = [
  ...'次步单笔天件条期批季章杯口周课份款页部届站节层代台段声秒分轮波版集场局回眼印时现手间个年月号晚餐项顿瓶包盒箱双张本程句关封',
]
/** 第一 after these is an attitude, which the guide does not count as a claim about goods. */
const ATTITUDES = ['顾客', '客户', '用户', '质量', '品质', '安全', '服务', '健康', '信誉', '友谊'].map(
  (what) => `${what}第一`,
)

export const TERMS: readonly Term[] = [
  ...group('superlative', 'block', 'AdLaw 9(3)', SAY_WHAT, [
    '国家级',
    '宇宙级',
    ['最高级', '最高级别'],
    ['最佳', '最佳赏味', '最佳食用', '最佳使用', '最佳状态', '最佳饮用', '最佳观看', '最佳搭档', '最佳拍档'],
    '最优秀',
    '最先进',
    '最顶级',
    '最顶尖',
    '最高端',
    '最权威',
    '最专业',
    ['最有效', '最有效率'],
    '最完美',
    '最便宜',
    '最正宗',
    '最优质',
    '全球顶级',
    '全国顶级',
    '绝无仅有',
    '史无前例',
    '无与伦比',
    '完美无缺',
    '百分之百满意',
  ]),
  ...group('superlative', 'review', 'Guide 3', SAY_WHAT, [
    ['世界级', '世界级球星', '世界级非遗'],
    ['最好', '最好在', '最好先', '最好不要', '最好别', '最好提前', '最好是', '最好的自己', '最好的朋友', '最好的安排'],
    ['最安全', '最安全的做法'],
    ['最受欢迎', '本店最受欢迎', '店内最受欢迎'],
    ['顶级', '顶级会员', '顶级域名'],
    '顶尖',
    '极致',
    ['终极', '终极版', '终极一战'],
    ['至尊', '至尊会员', '至尊卡'],
    ['前所未有', '前所未有的挑战'],
    ['独一无二', '独一无二的编号', '独一无二的你'],
    ['万能', '万能钥匙', '万能胶', '万能插座', '万能遥控'],
    ['王牌', '王牌对王牌'],
    ['最大', '最大限度', '最大程度', '最大可用', '最大优惠额', '最大值', '最大承重', '最大容量', '最大功率', '最大码'],
    ['最强', '最强音', '最强大脑'],
    ['最低价', '最低价保护', '最低价格保护'],
    ['最优惠', '最优惠券'],
    ['首选', '首选项', '首选地址', '首选语言', '首选渠道', '首选联系', '首选支付', '首选门店'],
    ['唯一', '唯一码', '唯一编号', '唯一标识', '唯一账号', '唯一的你'],
    ['极品', '极品飞车'],
    '巅峰',
    '遥遥领先',
    '行业领先',
  ]),
  ...group('ranking', 'evidence', 'AdLaw 11', NAME_PROOF, [
    [
      '第一',
      ...COUNTS.map((what) => `第一${what}`),
      ...['名顾客', '位顾客', '名客户', '位客户', '位会员', '名会员', '人称', '财经'].map((what) => `第一${what}`),
      ...ATTITUDES,
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
    ['冠军', '冠军杯', '冠军联赛', '世界冠军代言'],
  ]),
  ...group('state', 'block', 'AdLaw 9(1), 9(2)', 'leave the state and its organs out', [
    '国家领导人',
    '国家机关推荐',
    '国家机关专供',
    '国家机关特供',
    '党政机关专供',
    '党政机关特供',
    '军队专供',
    '军队特供',
    '军队专用',
    '中央特供',
    '人民大会堂专供',
    '人民大会堂特供',
    '央视推荐',
  ]),
  ...group('state', 'review', 'AdLaw 9(2), 24; notice of 2013 on special supplies', 'prove the right to say it', [
    '特供',
    '中南海',
    '国宴',
    '人民大会堂',
    '国家认证',
    '政府认可',
    '质检免检',
    '免检产品',
  ]),
  ...group('health', 'block', 'AdLaw 16, 17, 18', 'only medicine may speak of illness, and only as approved', [
    '治愈率',
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
    '快速减肥',
  ]),
  ...group('health', 'review', 'AdLaw 17', 'ask whether the product is approved for it', [
    ['治愈', '治愈系', '治愈风', '治愈时光'],
    ['增高', '增高鞋', '内增高', '增高垫'],
    '立竿见影',
    '疗效',
    '消炎',
    ['排毒', '排毒柜'],
    '提高免疫力',
    '增强免疫力',
    '延缓衰老',
    '医生推荐',
    ['治疗', '治疗费用说明'],
  ]),
  ...group('finance', 'block', 'AdLaw 25', 'state the risk, promise nothing', [
    '保本保息',
    '稳赚',
    '保收益',
    '高额回报',
    '躺赚',
    '一夜暴富',
  ]),
  ...group('finance', 'review', 'AdLaw 25', 'state the risk, promise nothing', ['保本', '零风险', '无风险']),
  ...group('promise', 'review', 'AdLaw 28', 'promise what the shop can keep, with its terms', [
    '永久免费',
    '终身保修',
    '假一赔万',
    ['百分百', '百分百纯棉', '百分百棉', '百分百羊毛', '百分百果汁'],
    ['绝对', '绝对值', '绝对不会', '绝对不要'],
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
    '不退不换',
  ]),
  ...group('terms', 'review', 'Consumer 26', 'say which law or rule allows it', ['一经售出', '不予退款', '后果自负']),
  ...group('pressure', 'review', 'Guide 8; UCPD annex I 7', 'say until when it is open, and keep to it', [
    '错过再无',
    '仅此一次',
    '最后机会',
    '再不抢就没了',
    '疯抢',
    '秒杀全网',
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
    'no 1 brand',
    'no 1 choice',
    'unbeatable',
    'unrivalled',
    'unrivaled',
    'second to none',
    'the only one',
    'cheapest',
    'lowest price ever',
    'lowest prices guaranteed',
    'market leader',
  ]),
  ...group(
    'health',
    'block',
    'UCPD annex I 17; FTC on health claims',
    'only medicine may speak of illness, and only as approved',
    [
      'miracle cure',
      'cures cancer',
      'cures diabetes',
      'cures all',
      'lose weight fast',
      'anti cancer',
      'prevents cancer',
    ],
  ),
  ...group('health', 'review', 'UCPD annex I 17; FTC on health claims', 'ask whether the product is approved for it', [
    ['cures', 'dry cures', 'slow cures'],
    'no side effects',
    'doctor recommended',
    'boosts immunity',
    'anti ageing miracle',
  ]),
  ...group('health', 'evidence', 'FTC on substantiation', NAME_PROOF, ['clinically proven', 'scientifically proven']),
  ...group('finance', 'block', 'FTC on earnings claims', 'state the risk, promise nothing', [
    'guaranteed profit',
    'guaranteed income',
    'get rich quick',
    'double your money',
  ]),
  ...group('finance', 'review', 'FTC on earnings claims', 'state the risk, promise nothing', [
    ['risk free', 'risk free returns', 'risk free trial'],
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
    'before it is too late',
    'final notice',
  ]),
  ...group('spam', 'block', 'Spam', 'write as one would to a person one knows', [
    'you have been selected',
    'you are a winner',
    'claim your prize',
    'free money',
    'this is not spam',
    'make money fast',
  ]),
  ...group('spam', 'review', 'Spam', 'write as one would to a person one knows', [
    'click here now',
    'no obligation',
    'act immediately',
    '100 free',
  ]),
]
