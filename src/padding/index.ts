/** When a lane's records leave and what goes into them. @module */

export type { Delay, Estimate, FileLoad, SyncCounts, TextLoad } from './estimate.ts'
export { estimateBulk, estimateLive, estimateText, fileSlotsPerDay } from './estimate.ts'
export type { ProfileFigures } from './figures.ts'
export { LANE_BYTES_PER_DAY, profileFigures } from './figures.ts'
export type { LaneQueue, LaneQueueFacts } from './lane-queue.ts'
export {
  ackFields,
  applyAck,
  chooseForSlot,
  createLaneQueue,
  enqueue,
  noteLeft,
  noteReceived,
  removeAcknowledged,
  restartLink,
} from './lane-queue.ts'
export type { LaneSchedule, SlotDecision } from './lane-schedule.ts'
export { nextReconnectDelayMs, nextSlotDelayMs, prepareLeadMs, startSchedule, takeSlot } from './lane-schedule.ts'
export {
  COURIER_COUNT,
  EPOCH_MS,
  EXPONENTIAL_CUT,
  LANE_CATCH_UP_SLOTS,
  LANE_MEAN_SLOT_MS,
  LANE_SLOT_SPREAD,
  LANE_WINDOW_COUNT,
  LOOP_BESIDE_TALK_SLOTS,
  RECONNECT_FIRST_MS,
  RECONNECT_MAX_MS,
  RESEND_AFTER_SLOTS,
  SLOT_LATE_MAX_MS,
} from './options.ts'
export type { BulkPlan, IntervalLaw, Profile, ProfileName, ReadSlotKind, Rhythm } from './profile.ts'
export {
  bulkSlotKind,
  DEFAULT_PROFILE,
  PROFILE_NAMES,
  profileByNumber,
  profileNumber,
  profileOf,
  readSlotKind,
} from './profile.ts'
export type { LaneTraffic, TrafficLane, TrafficMeter, TrafficReport } from './traffic.ts'
export { createTrafficMeter, TRAFFIC_LANES } from './traffic.ts'
