import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isExpected } from '../../../src/core/errors.ts';
import { AnswerFile } from '../../../src/node/evaluation/answer-file.ts';
import { LineFile } from '../../../src/node/evaluation/line-file.ts';

describe("files of an evaluation's run", () => {
  let root: string;
  beforeEach(() => (root = mkdtempSync(path.join(tmpdir(), 'safenote-lines-'))));
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('outlive a kill: a torn line is none, and the next is whole', () => {
    const file = path.join(root, 'a.jsonl');
    new LineFile(file, 'It').add({ n: 1 });
    appendFileSync(file, '{"n": 2, "te');
    const again = new LineFile(file, 'It');
    again.add({ n: 3 });
    assert.deepEqual(again.read(), [{ n: 1 }, { n: 3 }]);
    again.close();
  });

  it('lose nothing to a full disk: what could not be written is written as soon as it can be', async function () {
    if (!existsSync('/dev/full')) return this.skip();
    const file = path.join(root, 'answers.jsonl');
    const answers = new AnswerFile(file);
    symlinkSync('/dev/full', file);
    const reply = { text: 'x', model: 'm', tokens: { prompt: 1, completion: 1 } };
    await assert.rejects(answers.keep('one', { reply }, { purpose: 'completion', sample: 0 }), (error: unknown) => isExpected(error) && error.code === 'disk-full');
    assert.throws(() => answers.ensureWritable(), /disk is full/);
    assert.deepEqual(answers.get('one'), { reply }, 'it is not lost');
    // Space is there again.
    rmSync(file);
    answers.ensureWritable();
    await answers.keep('two', { error: { code: 'model-empty', message: 'm', hint: 'h' }, passing: false }, { purpose: 'retry', sample: 1 });
    answers.close();
    const read = new AnswerFile(file);
    assert.deepEqual([read.size, read.get('one'), read.get('two')], [2, { reply }, { error: { code: 'model-empty', message: 'm', hint: 'h' }, passing: false }]);
    read.close();
    return undefined;
  });
});
