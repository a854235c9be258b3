/**
 * The numbers of files that are sent and received, each with its reason.
 * Never tuned by what the user does. Spec 10-messenger §8.
 * @module
 */
import { BOX_LIFETIME_MS } from '../../mailbox/index.ts'

const MIB = 1_048_576

/**
 * How long a file may take after its announcement, on either side. Its first boxes are gone from the hosts by then, so what
 * is missing would have to be written again from the beginning.
 */
export const ATTACHMENT_LIFETIME_MS = BOX_LIFETIME_MS

/** Files that wait to leave at a time, and what they take on disk: about what the write slots of profile Balanced carry in 14 days. */
export const OUTGOING_MAX_COUNT = 32
export const OUTGOING_MAX_BYTES = 64 * MIB

/** Fetched without being asked for; what is longer waits for the user. A photograph of a telephone, about. Guessed. */
export const AUTO_DOWNLOAD_MAX_BYTES = MIB

/**
 * What files that come may take on disk: those under way, and those that came without being asked for. Beyond it they wait.
 * All that other people can make a small machine keep. Guessed.
 */
export const INCOMING_MAX_BYTES = 256 * MIB
/** The same for one contact: four have to agree to fill it. */
export const INCOMING_CONTACT_MAX_BYTES = 64 * MIB
/** Files of one contact, and of all, that are fetched at a time: slots are shared, and more would only all be late. Guessed. */
export const INCOMING_CONTACT_MAX_COUNT = 8
export const INCOMING_MAX_COUNT = 32
/** Announcements of one contact that may wait; what comes beyond them has failed. Bounds memory. Guessed. */
export const OFFERS_MAX_COUNT = 256

/**
 * Rows of one batch, about 56 KiB, while a file is cut up or its rows are deleted: bounds memory and how long other steps wait.
 */
export const ROWS_PER_STEP_COUNT = 32

/**
 * Chunks in a row that were not there, after which the search goes on elsewhere: by turns at the first that is missing, since
 * they are written in order, and where the search through all of them had come to.
 */
export const FETCH_MISSES_MAX_COUNT = 8

/** Events of one transfer beside its changes of state. */
export const PROGRESS_EVENTS_MAX_COUNT = 10
