import assert from 'node:assert/strict';
import { newToken } from '../workspace/token.mjs';

assert.match(newToken(), /^[0-9a-f]{32}$/);
assert.notEqual(newToken(), newToken());
