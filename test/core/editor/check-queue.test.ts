import assert from 'node:assert/strict';
import { CheckQueue } from '../../../src/vscode/findings/check-queue.ts';

describe('The queue of checks', () => {
  const errors: string[] = [];
  const queue = new CheckQueue({ onError: (what) => errors.push(what) });
  after(() => queue.dispose());

  it('runs the newest of a document and cancels the one before', async () => {
    const log: string[] = [];
    const job = (name: string) => (signal: AbortSignal) => {
      log.push(signal.aborted ? `${name} cancelled` : name);
      return Promise.resolve();
    };
    queue.later('check', 'a', 5, job('a1'));
    queue.later('check', 'a', 5, job('a2'));
    queue.later('check', 'b', 5, job('b1'));
    queue.later('other', 'a', 5, job('other of a'));
    assert.equal(queue.size, 3);
    await queue.idle();
    assert.deepEqual(log.sort(), ['a2', 'b1', 'other of a']);
  });
  it('cancels one that runs when a newer comes, and tells nobody', async () => {
    const ended: string[] = [];
    let begun: () => void = () => undefined;
    const running = new Promise<void>((resolve) => (begun = resolve));
    queue.later('check', 'a', 0, (signal) => new Promise((_, reject) => {
      begun();
      signal.addEventListener('abort', () => {
        ended.push('first');
        reject(signal.reason as Error);
      });
    }));
    await running;
    queue.later('check', 'a', 0, () => Promise.resolve(void ended.push('second')));
    await queue.idle();
    assert.deepEqual([ended, errors], [['first', 'second'], []]);
  });
  it('runs one at a time', async () => {
    let now = 0;
    let most = 0;
    for (const uri of ['a', 'b', 'c', 'd']) queue.later('check', uri, 0, async () => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 3));
      now--;
    });
    await queue.idle();
    assert.equal(most, 1);
  });
  it('goes on after one that failed', async () => {
    queue.later('bad', 'a', 0, () => Promise.reject(new Error('no')));
    queue.later('good', 'a', 0, () => Promise.resolve());
    await queue.idle();
    assert.deepEqual([errors, queue.size], [['bad'], 0]);
  });
  it('forgets what is planned for a document that is closed', async () => {
    queue.later('check', 'a', 1_000, () => Promise.reject(new Error('no')));
    queue.cancel('a');
    assert.equal(queue.size, 0);
    await queue.idle();
  });
});
