import assert from 'node:assert/strict';
import { COMMANDS } from '../../../src/vscode/commands.ts';
import { type Circumstances, conditionOf, NEXT_STEP } from '../../../src/vscode/features/next-step.ts';

const READY: Circumstances = { folders: 1, virtualFolders: 0, trusted: true, model: {}, semgrepMissing: false };
const condition = (o: Partial<Circumstances>) => conditionOf({ ...READY, ...o });

describe('What stands between the user and a checked completion', () => {
  it('is nothing where folder, trust, model and Semgrep are there, or nobody has looked yet', () => {
    assert.equal(condition({}), 'ready');
    assert.equal(condition({ model: undefined }), 'ready');
  });

  it('is named, the first thing first', () => {
    assert.equal(condition({ folders: 0, virtualFolders: 1, trusted: false }), 'virtual');
    assert.equal(condition({ folders: 1, virtualFolders: 1 }), 'ready', 'a folder on disk works in full');
    assert.equal(condition({ trusted: false, model: { missing: true, problem: 'x' } }), 'untrusted');
    assert.equal(condition({ model: { missing: true, problem: 'none' }, semgrepMissing: true }), 'noModel');
    assert.equal(condition({ model: { problem: 'refused' }, semgrepMissing: true }), 'modelProblem');
    assert.equal(condition({ semgrepMissing: true }), 'noSemgrep');
    assert.equal(condition({ folders: 0 }), 'noFolder');
  });

  it('has a command that gets the user on', () => {
    for (const command of Object.values(NEXT_STEP)) assert.ok(command in COMMANDS || /^(?:vscode|workbench)\./.test(command), command);
  });
});
