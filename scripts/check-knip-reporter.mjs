/**
 * A knip reporter that says how many files were looked at, so that the gate can tell "nothing unused" from "nothing seen".
 * Never prints findings: the ordinary reporter beside it does.
 * @module
 */
export default function countFiles({ counters }) {
  process.stdout.write(`knip looked at ${counters.total} files\n`)
}
