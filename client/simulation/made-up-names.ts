/** What made-up customers are called, like and buy. */
import type { Dice } from './dice.ts'

export const GOODS: readonly [[string, string], ...[string, string][]] = [
  ['baby-diapers', 'Diapers, size M'],
  ['baby-formula', 'Formula, stage 2'],
  ['beauty', 'Day cream'],
  ['home', 'Storage boxes'],
  ['tea', 'Green tea'],
  ['kitchen', 'A cast iron pan'],
]
export const INTERESTS = ['baby', 'beauty', 'home'] as const
export const FAMILY: readonly [string, ...string[]] = [
  '王',
  '李',
  '张',
  '刘',
  '陈',
  '杨',
  '赵',
  '黄',
  '周',
  '吴',
  '徐',
  '孙',
  '胡',
  '朱',
  '高',
  '林',
]
export const GIVEN: readonly [string, ...string[]] = [
  '伟',
  '芳',
  '娜',
  '敏',
  '静',
  '丽',
  '强',
  '磊',
  '洋',
  '艳',
  '勇',
  '军',
  '杰',
  '娟',
  '涛',
  '明',
  '超',
  '秀兰',
]
export const FIRST: readonly [string, ...string[]] = [
  'Ada',
  'Ben',
  'Cleo',
  'Dan',
  'Eve',
  'Finn',
  'Grace',
  'Hugo',
  'Iris',
  'Jon',
  'Kate',
  'Leo',
  'Mia',
  'Noah',
]
export const LAST: readonly [string, ...string[]] = [
  'Adams',
  'Brown',
  'Clark',
  'Davis',
  'Evans',
  'Ford',
  'Green',
  'Hill',
  'Irwin',
  'Jones',
  'King',
  'Lewis',
]

/** One of them, each as likely as the others. */
export const pickOf = <T>(dice: Dice, from: readonly [T, ...T[]]): T => from[dice.below(from.length)] ?? from[0]
