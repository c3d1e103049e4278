import assert from 'node:assert/strict';
import test from 'node:test';
import { shipmentsCsv } from './lib/export.js';
import { Store } from './lib/store.js';

test('exports every shipment', () => {
  const store = new Store();
  for (let n = 0; n < 55; n++) store.insert('shipments', { id: n, weight: 1 });
  assert.equal(shipmentsCsv(store).trim().split('\n').length, 56);
});
