import assert from 'node:assert/strict';
import { OwnNames } from '../../../src/core/retrieval/own-names.ts';

describe('notes about own names', () => {
  const names = new OwnNames();
  names.add('paged', "export function openTotal(store, customer) {\n  const { records } = store.list('invoices');\n  return records.length;\n}", '', 'javascript');
  names.add('typed', 'func Find(all []members.Member, mail string) bool {\n\treturn normal(mail)\n}', '', 'go');
  names.add('quoted', 'def f(x):\n    return x\n', 'Ask `Ledger.reserve` first, then `settle_all`.', 'python');

  it('are found by what their code calls', () => assert.deepEqual([...names.matches(['normal'])], [['typed', 1]]));
  it('are found by the types that it uses', () => assert.deepEqual([...names.matches(['Member'])], [['typed', 1]]));
  it('are found by what their guidance quotes', () => {
    assert.deepEqual([...names.matches(['reserve'])], [['quoted', 1]]);
    assert.deepEqual([...names.matches(['settle_all'])], [['quoted', 1]]);
  });
  it('take a common name for little, unless it is called on something of the own modules', () => {
    assert.deepEqual([...names.matches(['list'])], [['paged', 0.4]]);
    assert.deepEqual([...names.matches(['list', 'Store'])], [['paged', 1]]);
  });
  it('are not those whose own function has the name', () => {
    assert.equal(names.matches(['openTotal', 'Find', 'f']).size, 0);
  });
  it('go when the note goes', () => {
    names.add('gone', 'special_call()', '', 'python');
    assert.equal(names.matches(['special_call']).size, 1);
    names.remove('gone');
    assert.equal(names.matches(['special_call']).size, 0);
  });
});
