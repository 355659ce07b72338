/** Perennial as a library: open it with a configuration, or over parts of your own. */
export { type AudienceDesk, type AudienceParts, audienceDesk } from './audiences.ts'
export { type BudgetOperator, type BudgetParts, budgetOperator } from './budgets.ts'
export { type Catalogue, type CatalogueEntry, readCatalogue } from './catalogue.ts'
export { type CouponAnswer, type CouponCall, type CouponParts, askCoupon } from './coupons.ts'
export type { Explanation, WhyLine } from './explain.ts'
export { type PointCall, type PointParts, type PointsOf, askPoints, ledgerFor, pointsOf } from './point-checkout.ts'
export type {
  JourneyLine,
  PausedJourney,
  ResumeRequest,
  ResumedJourney,
  StartRequest,
  StartedRun,
  StopRequest,
  StoppedJourney,
  StoppedRun,
} from './journeys.ts'
export type { MigrateRequest, Migrated } from './migrate.ts'
export {
  type CheckAnswer,
  type Operator,
  type OperatorParts,
  type Perennial,
  openPerennial,
  operatorOf,
} from './operator.ts'
export type { BalanceReport, LedgerReport, ResolveRequest, ResolvedPoints } from './points.ts'
export { type ReferralParts, answerReview, askClaim, listReferrals, listReviews, referralReport } from './referrals.ts'
export type { JourneyReport, MeasuredLift, MessageLine, RunReport } from './report.ts'
export type { Backlog, Retried, RunsAnswer, SteeringDesk, StuckRun } from './steering.ts'
export { type TaskAnswer, type TaskDone, type TaskLine, type TaskParts, answerTask, listTasks } from './tasks.ts'
export { type Temporal, type Whereabouts, connectTemporal, isTemporalDown } from './temporal.ts'
export { type PlanInWords, planInWords } from './plan-in-words.ts'
export { type ConnectionConfig, readConnection } from '../domain/contracts/config.ts'
export {
  ERRORS,
  type ErrorCode,
  PerennialError,
  type Problem,
  REFUSALS,
  type Refusal,
  problemOf,
} from '../domain/errors.ts'
