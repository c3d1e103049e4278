import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as vscode from 'vscode';
import type { Finding } from '../../../src/core/verification/finding.ts';
import type { LazyTree } from '../../../src/vscode/common/lazy-tree.ts';
import { Diagnostics, FindingDiagnostic } from '../../../src/vscode/findings/diagnostics.ts';
import { FindingsStore, type NewFinding, type Origin } from '../../../src/vscode/findings/findings-store.ts';
import { FindingsView } from '../../../src/vscode/findings/findings-view.ts';

const URIS = ['file:///projection/a.py', 'file:///projection/b%20c.py', 'untitled:projection'];
const LENGTH = 200;

/** What a user or a check does to the store. */
type Step = (store: FindingsStore) => void;
const placeAt = (offset: number) => ({ line: Math.floor(offset / 10), character: offset % 10 });
const uri = fc.constantFrom(...URIS);
const origin: fc.Arbitrary<Origin> = fc.oneof(fc.constant<Origin>({ kind: 'file' }), fc.constant<Origin>({ kind: 'import' }), fc.nat(3).map((sessionId): Origin => ({ kind: 'completion', sessionId })), fc.nat(3).map((checkId): Origin => ({ kind: 'guard', checkId })));
const finding: fc.Arbitrary<NewFinding> = fc.record({ start: fc.nat(LENGTH), length: fc.nat(20), family: fc.constantFrom('sql-injection', 'xss', 'x'), severity: fc.constantFrom('error' as const, 'warning' as const, 'info' as const), analyzer: fc.constantFrom('builtin' as const, 'semgrep' as const, 'sarif' as const) }).map(({ start, length, family, severity, analyzer }) => ({
  start,
  end: start + length,
  finding: { ruleId: `rule.${family}`, ruleFamily: family, cwe: family === 'x' ? [] : ['CWE-89'], severity, message: `about ${family}`, analyzer, startLine: 1, startColumn: 1, endLine: 1, endColumn: 2 } satisfies Finding,
}));
const change = fc.record({ offset: fc.nat(LENGTH), length: fc.nat(30), text: fc.string({ maxLength: 8 }) });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(uri, origin, fc.array(finding, { maxLength: 4 })).map(([u, o, f]): Step => (store) => store.put(u, o, f, placeAt)),
  fc.tuple(uri, fc.array(change, { minLength: 1, maxLength: 1 })).map(([u, c]): Step => (store) => store.edit(u, c, placeAt)),
  fc.tuple(uri, fc.array(finding, { maxLength: 4 }), fc.subarray(['builtin', 'semgrep'])).map(([u, f, missing]): Step => (store) => store.reconcile(u, f, new Set(missing), placeAt)),
  fc.array(fc.tuple(uri, fc.array(finding, { maxLength: 3 })), { maxLength: 3 }).map((files): Step => (store) => store.putImported(files.map(([u, findings]) => ({ uri: u, findings, placeAt })))),
  fc.nat(10).map((n): Step => (store) => store.remove(store.uris.flatMap((u) => store.of(u))[n]?.id ?? '')),
  fc.tuple(uri, fc.nat(5)).map(([u, n]): Step => (store) => {
    const all = store.of(u).slice(0, n);
    for (const { id } of all) store.remove(id);
    store.restore(all);
  }),
  fc.option(uri, { nil: undefined }).map((u): Step => (store) => store.clear(u)),
);

describe('Problems, the Findings view and its badge', function () {
  this.timeout(60_000);

  it('are the same projection of one store, whatever happens to it (property)', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const store = new FindingsStore();
        const problems = new Diagnostics(store);
        const view: { badge?: vscode.ViewBadge } = {};
        const tree = new FindingsView(store, () => '', { view, attach: () => undefined } as unknown as LazyTree);
        try {
          for (const one of steps) {
            one(store);
            const wanted = store.uris.flatMap((u) => store.of(u).map((f) => f.id)).sort();
            const inTree = tree.getChildren().flatMap((file) => tree.getChildren(file)).map((node) => (node.kind === 'finding' ? node.findingId : ''));
            // Of this collection alone: the extension under test has one of its own.
            const shown = URIS.flatMap((u) => vscode.languages.getDiagnostics(vscode.Uri.parse(u, true)));
            const inProblems = shown.filter((d) => d instanceof FindingDiagnostic).map((d) => (d as FindingDiagnostic).findingId);
            assert.deepEqual(inTree.sort(), wanted);
            assert.deepEqual(inProblems.sort(), wanted);
            assert.equal(view.badge?.value ?? 0, wanted.length);
            for (const node of tree.getChildren().flatMap((file) => tree.getChildren(file))) {
              if (node.kind !== 'finding') continue;
              const diagnostic = shown.find((d) => d instanceof FindingDiagnostic && d.findingId === node.findingId);
              assert.match(String(tree.getTreeItem(node).label), new RegExp(`^Ln ${(diagnostic?.range.start.line ?? -1) + 1}:`));
            }
          }
        } finally {
          problems.dispose();
          tree.dispose();
        }
      }),
      { numRuns: 60 },
    );
  });
});
