import { expect, test } from 'vitest'
import { describeSchema } from '../../store/schema.ts'
import { freshStore } from '../world.ts'

const { db } = await freshStore()

test('store/schema.sql says what the migrations come to; `npm run schema` writes it anew', async () => {
  await expect(await describeSchema(db)).toMatchFileSnapshot('../../store/schema.sql')
})
