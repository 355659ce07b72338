/** When a campaign comes round, as plans say it. */
import { z } from 'zod'
import type { Timetable } from '../timetable.ts'

export const timetableContract = z.custom<Timetable>((one) => typeof one === 'object' && one !== null)
