/**
 * Lifecycle of everything that owns tasks, sockets or files.
 * Never leaves a task behind: when `stop` resolves, all that `start` began has ended.
 * @module
 */

export interface Startable {
  start(): Promise<void>
  /** Idempotent; resolves when every task, socket, timer and file of this object is gone. */
  stop(): Promise<void>
}
