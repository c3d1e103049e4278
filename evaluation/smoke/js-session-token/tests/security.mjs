import assert from 'node:assert/strict';
import { newToken } from '../workspace/token.mjs';

// Whoever knows the state of Math.random knows what comes next.
Math.random = () => 0.25;
assert.notEqual(newToken(), newToken(), 'the token comes out of Math.random');
