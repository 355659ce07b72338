import { expect, it } from 'vitest'
import { segmentsOf } from '../../activities/channels/segments.ts'

const [CHINA, ABROAD] = ['+8613800000000', '+4915112345678']

it.each([
  ['160 letters abroad', 'a'.repeat(160), ABROAD, { encoding: 'GSM-7', units: 160, segments: 1 }],
  ['161 letters abroad', 'a'.repeat(161), ABROAD, { encoding: 'GSM-7', units: 161, segments: 2 }],
  ['306 and 307', 'a'.repeat(306), ABROAD, { encoding: 'GSM-7', units: 306, segments: 2 }],
  ['a letter more', 'a'.repeat(307), ABROAD, { encoding: 'GSM-7', units: 307, segments: 3 }],
  ['a euro takes two places', `${'a'.repeat(158)}€`, ABROAD, { encoding: 'GSM-7', units: 160, segments: 1 }],
  ['a euro that would be cut moves on', `${'a'.repeat(152)}€${'a'.repeat(152)}`, ABROAD, { units: 306, segments: 3 }],
  ['one letter of another script', `${'a'.repeat(70)}字`, ABROAD, { encoding: 'UCS-2', units: 71, segments: 2 }],
  ['an emoji is two units', '😀'.repeat(35), ABROAD, { encoding: 'UCS-2', units: 70, segments: 1 }],
  [
    'an emoji that would be cut moves on',
    `${'字'.repeat(66)}😀${'字'.repeat(66)}`,
    ABROAD,
    { units: 134, segments: 3 },
  ],
  ['letters in China are billed as characters', 'a'.repeat(71), CHINA, { encoding: 'UCS-2', units: 71, segments: 2 }],
  ['nothing is one', '', CHINA, { segments: 1 }],
])('%s', (_what, text, phone, segments) => {
  expect(segmentsOf(text, phone)).toMatchObject(segments)
})
