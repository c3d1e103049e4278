/** A child process of the tests: writes events until it is done or killed, and names each on stdout once it is stored. */
import { writeSync } from 'node:fs';
import { FileActivityJournal } from '../../../src/node/activity/file-journal.ts';

const [, , file = '', prefix = '', count = '0', eventBytes = '1000000'] = process.argv;

async function main(): Promise<void> {
  const journal = new FileActivityJournal({ file, log: { debug() {}, info() {}, warn: (m, d) => writeSync(2, `${m} ${String(d)}\n`), error() {} }, eventBytes: Number(eventBytes), keptEvents: 20 });
  for (let i = 0; i < Number(count); i++) {
    await journal.append({ type: 'wrong', at: new Date().toISOString(), note: `${prefix}-${i}` });
    writeSync(1, `${prefix}-${i}\n`);
  }
}

main().catch((error: unknown) => {
  writeSync(2, `${String(error)}\n`);
  process.exit(1);
});
