import assert from 'node:assert/strict';
import { readDay } from '../workspace/lib/day.js';

assert.deepEqual(readDay(' SUN '), { ok: true, value: 'sun' });
assert.deepEqual(readDay('tue'), { ok: true, value: 'tue' });
assert.deepEqual(readDay('xyz'), { ok: false, error: { field: 'day', code: 'INVALID' } });
assert.deepEqual(readDay(' '), { ok: false, error: { field: 'day', code: 'EMPTY' } });
