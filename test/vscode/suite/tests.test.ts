import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as vscode from 'vscode';
import { accept, closeAll, configure, diagnosticsOf, emptyNotebook, folder, openFile, screen, settle, shown, until } from './support/editor.ts';
import { code, type ScriptedModel, startScriptedModel } from './support/scripted-model.ts';

/** Its contract is not to be seen in the file that is completed. */
const LEDGER = `class Ledger:
    def __init__(self):
        self.entries = []

    def reserve(self, name, cents):
        """Gives a reservation; it counts only once it is committed."""
        return Reservation(self, name, cents)

    def total(self):
        return sum(self.entries)


class Reservation:
    def __init__(self, ledger, name, cents):
        self.ledger, self.name, self.cents = ledger, name, cents

    def commit(self):
        self.ledger.entries.append(self.cents)
`;
const testOf = (module: string, more = '') => `import unittest

from ledger import Ledger
from ${module} import charge_order


class ChargeOrder(unittest.TestCase):
    def test_is_charged(self):
        ledger = Ledger()
        charge_order(ledger, "book", 1200)
        self.assertEqual(ledger.total(), 1200)
${more}`;
const TASK = 'from ledger import Ledger\n\n\ndef charge_order(ledger: Ledger, name: str, cents: int) -> None:\n    """Charge the price of an order to the ledger."""\n    |\n';
const BAD = 'ledger.reserve(name, cents)';
const GOOD = 'ledger.reserve(name, cents).commit()';
const SECOND = 'from ledger import Ledger\n\n\ndef book_refund(ledger: Ledger, name: str, cents: int) -> None:\n    """Book a refund for an order in the ledger: a negative amount."""\n    |\n';
const LESSON = 'A Reservation from Ledger.reserve counts only after its commit(); call it on what reserve gives.';

describe("The workspace's own tests", function () {
  this.timeout(90_000);
  let model: ScriptedModel;
  /** Of this test: what was asked for one text and place is not asked again. */
  let orders = '';
  let n = 0;

  before(async function () {
    if (!existsSync('/usr/bin/bwrap') && !existsSync('/usr/local/bin/bwrap')) this.skip();
    model = await startScriptedModel();
    await configure({ 'model.provider': 'openai', 'model.baseUrl': model.url, 'model.name': 'scripted' });
  });
  beforeEach(async () => {
    await closeAll();
    await emptyNotebook();
    await configure({ 'tests.mode': undefined, 'verify.retryBudgetMs': undefined });
    orders = `orders${++n}`;
    await writeFile(path.join(folder(), 'ledger.py'), LEDGER);
    await writeFile(path.join(folder(), `test_${orders}.py`), testOf(orders));
    model.requests.length = 0;
  });
  after(async () => {
    if (!model) return;
    await configure({ 'tests.mode': undefined, 'verify.retryBudgetMs': undefined });
    await closeAll();
    for (const name of await readdir(folder())) if (/^(?:ledger|refunds|alone|(?:test_)?orders\d+)\.py$/.test(name)) await rm(path.join(folder(), name));
    await model.close();
  });

  /** The first answer, unless the lesson is in the prompt; then what it teaches. */
  const script = (first: string, retry = GOOD) =>
    (model.script = (kind, messages) => {
      const prompt = messages.map((m) => m.content).join('\n');
      if (kind === 'completion') return code(prompt.includes(LESSON) && prompt.includes('book_refund') ? 'ledger.reserve(name, -cents).commit()' : first);
      if (kind === 'retry') return code(retry);
      return /repair suggestion/i.test(messages[0]?.content ?? '') ? LESSON : code('');
    });

  async function acceptOrders(): Promise<vscode.TextEditor> {
    const editor = await openFile(TASK, { name: `${orders}.py` });
    await shown();
    await accept(editor);
    return editor;
  }
  const tested = () =>
    until('the tests have run', async () => {
      const now = await screen();
      return now.session?.state === 'accepted' && !now.session.testing && now.session.tests.reason !== 'no tests were run' && now;
    }, 60_000);
  const notes = async () => {
    const at = path.join(folder(), '.safenote/notes/function');
    return existsSync(at) ? Promise.all((await readdir(at)).map((name) => readFile(path.join(at, name), 'utf8'))) : [];
  };

  it('run after acceptance, in the background; what passes is said beside the security verdict', async () => {
    script(GOOD);
    const editor = await acceptOrders();
    const now = await tested();
    assert.equal(now.session?.tests.status, 'pass', now.session?.tests.reason);
    assert.match(now.status.text, /tests pass/);
    assert.match(now.status.tooltip, /\*\*Tests:\*\* pass/);
    assert.equal(diagnosticsOf(editor.document.uri).length, 0);
    assert.equal(await readFile(path.join(folder(), `${orders}.py`), 'utf8'), TASK.replace('|', ''), 'the file on disk is as it was');
  });

  it('turn a failure into a diagnostic on the completed code and into a note, from which the next task is done right', async () => {
    script(BAD);
    const editor = await acceptOrders();
    const now = await tested();
    assert.equal(now.session?.tests.status, 'fail');
    assert.match(now.status.text, /tests fail/);
    const [diagnostic] = await until('the failure is a diagnostic', () => diagnosticsOf(editor.document.uri).length > 0 && diagnosticsOf(editor.document.uri));
    assert.match(editor.document.lineAt(diagnostic?.range.start.line ?? 0).text, /ledger\.reserve/);
    assert.match(diagnostic?.message ?? '', /test_is_charged[\s\S]*0 != 1200/);
    const [note] = await until('there is a function note with the lesson', async () => {
      const all = await notes();
      return all.some((text) => text.includes(LESSON)) && all;
    });
    assert.match(note ?? '', /0 != 1200/);
    const asked = model.requests.find((r) => /repair suggestion/i.test(r.messages[0]?.content ?? ''));
    assert.match(asked?.messages.at(-1)?.content ?? '', /it counts only once it is committed/, 'the definition is in the request for the note');

    const next = await openFile(SECOND, { name: 'refunds.py' });
    await shown();
    const prompt = model.requests.findLast((r) => r.kind === 'completion')?.messages.map((m) => m.content).join('\n') ?? '';
    assert.ok(prompt.includes(LESSON), 'the note is in the prompt of a different, similar task');
    await accept(next);
    assert.match(next.document.getText(), /reserve\(name, -cents\)\.commit\(\)/);
  });

  it('offer a checked completion in the place of the one that fails, and take the failure away with it', async () => {
    script(BAD);
    const editor = await acceptOrders();
    await tested();
    const [diagnostic] = await until('the failure is a diagnostic', () => diagnosticsOf(editor.document.uri).length > 0 && diagnosticsOf(editor.document.uri));
    await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), '# mine\n'));
    assert.equal(diagnosticsOf(editor.document.uri)[0]?.range.start.line, (diagnostic?.range.start.line ?? 0) + 1, 'it moves with its code');
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', editor.document.uri, diagnosticsOf(editor.document.uri)[0]?.range, vscode.CodeActionKind.QuickFix.value);
    const { command } = actions.find((a) => /replace with a checked/.test(a.title)) ?? {};
    assert.ok(command, actions.map((a) => a.title).join(', '));
    await vscode.commands.executeCommand(command.command, ...((command.arguments as unknown[]) ?? []));
    const { fix, message } = await screen();
    assert.ok(fix, message);
    await vscode.commands.executeCommand('safenote.applyFix');
    assert.match(editor.document.getText(), /# mine[\s\S]*\.commit\(\)/);
    await until('the diagnostic is gone', () => diagnosticsOf(editor.document.uri).length === 0);
    await until('what worked is in the note', async () => (await notes()).some((text) => /## Secure example[\s\S]*commit\(\)/.test(text)));
  });

  it('do not offer an answer that fails them too', async () => {
    script(BAD, 'ledger.reserve(name, cents * 2)');
    const editor = await acceptOrders();
    await tested();
    await until('the failure is a diagnostic', () => diagnosticsOf(editor.document.uri).length > 0);
    const id = (diagnosticsOf(editor.document.uri)[0] as vscode.Diagnostic & { sessionId: number }).sessionId;
    void vscode.commands.executeCommand('safenote.internal.replaceCompletion', { sessionId: id });
    await until('it is refused', async () => /does not pass the check either/.test((await screen()).message), 30_000);
    assert.equal((await screen()).fix, undefined);
  });

  it('judge each attempt before it is shown, where that is wished', async () => {
    await configure({ 'tests.mode': 'beforeShow' });
    script(BAD);
    await openFile(TASK, { name: `${orders}.py` });
    const now = await shown();
    assert.match(now.session?.text ?? '', /commit\(\)/);
    assert.equal(now.session?.tests.status, 'pass');
    assert.match(now.status.tooltip, /Attempt 1:\*\* checked(?: so far)?; tests fail[\s\S]*Attempt 2:\*\* checked(?: so far)?; tests pass, shown/);
    assert.match(model.requests.find((r) => r.kind === 'retry')?.messages.at(-1)?.content ?? '', /0 != 1200/);
  });

  it('mark an answer whose second attempt fails them too', async () => {
    await configure({ 'tests.mode': 'beforeShow' });
    script(BAD, 'ledger.reserve(name, cents * 2)');
    const editor = await openFile(TASK, { name: `${orders}.py` });
    const now = await shown();
    assert.equal(now.gutter, 'fail');
    assert.match(now.status.text, /tests fail/);
    await accept(editor);
    await until('the failure is a diagnostic at once', () => diagnosticsOf(editor.document.uri).length > 0);
  });

  it('are unavailable, with the reason, where there are none; nothing is said to have passed', async () => {
    script('return 1');
    const editor = await openFile('def alone() -> int:\n    """Give one."""\n    |\n', { name: 'alone.py' });
    await shown();
    await accept(editor);
    const now = await tested();
    assert.equal(now.session?.tests.status, 'unavailable');
    assert.match(now.status.tooltip, /\*\*Tests:\*\* not run\\: /);
    assert.doesNotMatch(now.status.text, /tests/);
  });

  it('do not run when they are switched off', async () => {
    await configure({ 'tests.mode': 'off' });
    script(BAD);
    await acceptOrders();
    await settle(1_000);
    const now = await screen();
    assert.equal(now.session?.testing, false);
    assert.equal(now.session?.tests.reason, 'no tests were run');
  });

  it('can be cancelled, and leave no verdict then', async () => {
    await writeFile(path.join(folder(), `test_${orders}.py`), testOf(orders, '        import time\n        time.sleep(60)\n'));
    script(GOOD);
    await acceptOrders();
    await until('they run', async () => (await screen()).session?.testing);
    await settle(500);
    await vscode.commands.executeCommand('safenote.cancelTests');
    const now = await until('they have ended', async () => {
      const seen = await screen();
      return seen.session?.testing === false && seen;
    });
    assert.equal(now.session?.tests.status, 'unavailable');
  });
});
