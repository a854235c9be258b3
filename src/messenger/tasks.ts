/**
 * The ownership of tasks under the name it had here.
 * Never more than a pointer: what it names lives in `base`, where the mailboxes see it too. HOUSE §4.2 rule 6.
 * @module
 */
export type { Owner, Stoppable, TaskGroup } from '../base/index.ts'
export { attempt, createOwner, createTaskGroup, isForeseen, whenAborted, withDeadline } from '../base/index.ts'
