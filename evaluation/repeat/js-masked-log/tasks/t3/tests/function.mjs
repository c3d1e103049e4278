import assert from 'node:assert/strict';
import { lines } from '../workspace/lib/log.js';
import { moveTo } from '../workspace/lib/moves.js';

const customer = { id: 12, name: 'Bob Reed', email: 'bob@reed.net', address: '9 Oak Way' };
moveTo(customer, '1 Ash Lane');
assert.equal(customer.address, '1 Ash Lane');
assert.equal(lines.length, 1);
