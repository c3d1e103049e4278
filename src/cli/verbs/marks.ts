import { ExpectedError } from '../../core/errors.ts';
import type { StoredMark } from '../../core/verification/marks.ts';
import { type Output, printable } from '../output.ts';
import { type GlobalOptions, withSession } from '../session.ts';

type State = 'active' | 'expired' | 'not approved';

/** `marks list`: every mark of a false positive, numbered, with what it does. */
export function list(options: GlobalOptions): Promise<Output> {
  return withSession(options, ({ app }) => {
    const { marks, problems } = app.marks.store.load();
    const state = (m: StoredMark): State => (app.marks.isOver(m.mark) ? 'expired' : m.approved ? 'active' : 'not approved');
    const lines = marks.map((m, at) => `${at + 1}. ${m.mark.path}${m.mark.in ? ` in ${m.mark.in}` : ''}: ${m.mark.cwe.join(', ') || m.mark.family} [${state(m)}${m.mark.expires ? `, until ${m.mark.expires}` : ''}]\n   ${m.mark.code}\n   because ${m.mark.reason}`);
    const text = [...(marks.length > 0 ? lines : ['No finding is marked as a false positive.']), ...problems.map((p) => `problem: ${p}`), ''].join('\n');
    return Promise.resolve({ json: { marks: marks.map((m, at) => ({ number: at + 1, ...m.mark, state: state(m) })), problems }, text: printable(text), exitCode: 0 });
  });
}

/** `marks approve`: marks that came from elsewhere count from now on. */
export function approve(numbers: readonly string[], options: GlobalOptions & { all?: boolean }): Promise<Output> {
  return change('approved', numbers, options, (m) => !m.approved, (app, marks) => app.marks.store.approve(marks));
}

/** `marks remove`: the findings count again. */
export function remove(numbers: readonly string[], options: GlobalOptions & { all?: boolean }): Promise<Output> {
  return change('removed', numbers, options, () => true, (app, marks) => app.marks.store.remove(marks));
}

type App = Parameters<Parameters<typeof withSession>[1]>[0]['app'];

function change(done: 'approved' | 'removed', numbers: readonly string[], options: GlobalOptions & { all?: boolean }, wanted: (m: StoredMark) => boolean, work: (app: App, marks: StoredMark['mark'][]) => Promise<void>): Promise<Output> {
  return withSession(options, async ({ app }) => {
    const { marks } = app.marks.store.load();
    if (!options.all && numbers.length === 0) throw new ExpectedError('no-mark', 'No mark was named.', 'Name numbers of "safenote marks list", or --all.');
    const unknown = numbers.find((n) => !marks[Number(n) - 1] || !/^\d+$/.test(n));
    if (unknown !== undefined) throw new ExpectedError('no-mark', `There is no mark ${printable(unknown)}.`, 'See "safenote marks list".');
    const chosen = (options.all ? marks : numbers.map((n) => marks[Number(n) - 1]).filter((m) => m !== undefined)).filter(wanted).map((m) => m.mark);
    if (chosen.length > 0) await work(app, chosen);
    return { json: { [done]: chosen }, text: printable(`${chosen.length} ${chosen.length === 1 ? 'mark' : 'marks'} ${done}.\n`), exitCode: 0 };
  });
}
