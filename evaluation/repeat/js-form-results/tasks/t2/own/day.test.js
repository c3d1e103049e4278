import assert from 'node:assert/strict';
import test from 'node:test';
import { readDay } from './lib/day.js';

test('answers as every field of the form does', () => {
  assert.deepEqual(readDay('Fri'), { ok: true, value: 'fri' });
  assert.deepEqual(readDay('friday'), { ok: false, error: { field: 'day', code: 'INVALID' } });
  assert.deepEqual(readDay(''), { ok: false, error: { field: 'day', code: 'EMPTY' } });
});
