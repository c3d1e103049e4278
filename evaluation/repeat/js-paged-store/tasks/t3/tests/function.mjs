import assert from 'node:assert/strict';
import { shipmentsCsv } from '../workspace/lib/export.js';
import { Store } from '../workspace/lib/store.js';

const store = new Store();
assert.equal(shipmentsCsv(store).trim(), 'id,weight');
for (let n = 0; n < 101; n++) store.insert('shipments', { id: n, weight: n * 2 });
const lines = shipmentsCsv(store).trim().split('\n');
assert.equal(lines.length, 102, `${lines.length - 1} of 101 shipments are in the export`);
assert.equal(lines[101], '100,200');
