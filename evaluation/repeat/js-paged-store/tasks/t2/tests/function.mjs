import assert from 'node:assert/strict';
import { memberByEmail } from '../workspace/lib/search.js';
import { Store } from '../workspace/lib/store.js';

const store = new Store();
assert.equal(memberByEmail(store, 'a@x'), undefined);
for (let n = 0; n < 120; n++) store.insert('members', { email: `M${n}@x.org`, n });
assert.equal(memberByEmail(store, 'm3@X.org')?.n, 3);
assert.equal(memberByEmail(store, 'm111@x.org')?.n, 111, 'a member far back is not found');
assert.equal(memberByEmail(store, 'nobody@x.org'), undefined);
