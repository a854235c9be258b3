/** When a lane's records leave and what goes into them. @module */

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
export { nextReconnectDelayMs, nextSlotDelayMs, startSchedule, takeSlot } from './lane-schedule.ts'
export {
  LANE_CATCH_UP_SLOTS,
  LANE_MEAN_SLOT_MS,
  LANE_SLOT_SPREAD,
  LANE_WINDOW_COUNT,
  RECONNECT_FIRST_MS,
  RECONNECT_MAX_MS,
  RESEND_AFTER_SLOTS,
} from './options.ts'
