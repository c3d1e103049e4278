import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { MODES, type CompletionOutcome, type CompletionRequest, type Mode, type RetrievedContext } from '../../core/completion/types.ts';
import { ExpectedError } from '../../core/errors.ts';
import { languageOfPath } from '../../core/language.ts';
import { secretFileReason } from '../../core/secret-file.ts';
import { applyEdits, LineIndex, type SourceDocument } from '../../core/source.ts';
import type { Verdict } from '../../core/verification/verdict.ts';
import { type Output, printable } from '../output.ts';
import { type GlobalOptions, type TestingOptions, withSession } from '../session.ts';
import { findingJson } from './verify.ts';

export interface CompleteOptions extends GlobalOptions, TestingOptions {
  readonly line: string;
  readonly column: string;
  readonly task?: string;
  readonly mode?: string;
  readonly k?: string;
  readonly dryRun?: boolean;
}

/** `complete FILE --line L --column C`: one completion, checked, with the notes it made. */
export async function complete(file: string, options: CompleteOptions): Promise<Output> {
  const request = await readRequest(file, options);
  return withSession(options, async ({ app, signal }) => {
    if (options.dryRun) {
      const preview = await app.engine.preview(request, { signal });
      const json = {
        completion: null,
        mode: request.mode,
        model: null,
        context: contextJson(preview.context),
        messages: preview.messages,
        verdict: { security: { status: 'unavailable', reason: 'dry run: nothing was generated', findings: [] }, function: { status: 'unavailable', reason: 'dry run: nothing was generated' } },
        notes: [],
        attempts: 0,
        timings: { retrieveMs: 0, generateMs: 0, verifyMs: 0, totalMs: 0 },
        tokens: { prompt: preview.tokens, completion: 0 },
        remarks: preview.remarks,
      };
      return { json, text: preview.messages.map((m) => `--- ${m.role} ---\n${printable(m.content)}\n`).join('\n'), exitCode: 0 };
    }
    const outcome = await app.engine.complete(request, { signal, tests: options.tests ?? false, onPhase: (phase) => options.verbose && process.stderr.write(`${phase}…\n`) });
    app.activity.completed(outcome);
    const [verdict, notes] = await Promise.all([outcome.settled, outcome.learned]);
    return { json: outcomeJson(outcome, verdict, notes), text: outcomeText(outcome, verdict, notes, options.tests ?? false), exitCode: verdict.security.status === 'fail' || verdict.function.status === 'fail' ? 1 : 0 };
  });
}

async function readRequest(file: string, options: CompleteOptions): Promise<CompletionRequest> {
  const absolute = path.resolve(file);
  const secret = secretFileReason(absolute);
  if (secret) throw new ExpectedError('secret-file', secret, 'Choose another file.');
  const text = await readFile(absolute, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ExpectedError('no-file', `${file} cannot be read: ${error.code === 'ENOENT' ? 'there is no such file' : error.message}.`, 'FILE is relative to the current folder.');
  });
  const document: SourceDocument = { path: absolute, language: languageOfPath(absolute), text };
  const line = wholeNumber('--line', options.line, 1);
  const column = wholeNumber('--column', options.column, 1);
  const lines = new LineIndex(text);
  const offset = lines.offsetAt(line, column);
  const place = lines.placeAt(offset);
  if (place.line !== line || place.column !== column) {
    throw new ExpectedError('bad-place', `${file} has no line ${line}, column ${column}.`, `It has ${lines.lineCount} lines; lines and columns count from 1.`);
  }
  const mode = options.mode ?? 'safenote';
  if (!MODES.includes(mode as Mode)) throw new ExpectedError('bad-mode', `There is no mode "${mode}".`, `Use one of ${MODES.join(', ')}.`);
  const k = options.k === undefined ? undefined : wholeNumber('-k', options.k, 0, 5);
  return { document, offset, mode: mode as Mode, ...(options.task ? { task: options.task } : {}), ...(k === undefined ? {} : { k }) };
}

export function wholeNumber(name: string, text: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new ExpectedError('bad-number', `${name} must be a whole number${most === Number.MAX_SAFE_INTEGER ? ` from ${least}` : ` from ${least} to ${most}`}, not "${text}".`, 'See safenote --help.');
  }
  return value;
}

function contextJson(context: RetrievedContext) {
  return {
    knowledge: context.knowledge.map((k) => ({ cwe: k.item.guideline.cwe, sample: k.item.sample?.id ?? null, score: k.score })),
    securityNotes: context.securityNotes.map((n) => ({ id: n.item.note.id, cwe: n.item.note.cwe ?? null, score: n.score })),
    functionNotes: context.functionNotes.map((n) => ({ id: n.item.note.id, score: n.score })),
  };
}

function outcomeJson(outcome: CompletionOutcome, verdict: Verdict, notes: Awaited<CompletionOutcome['learned']>) {
  const { security, function: func } = verdict;
  return {
    completion: outcome.edit.text,
    imports: outcome.importEdits.flatMap((edit) => edit.text.split(/\r?\n/).filter(Boolean)),
    mode: outcome.request.mode,
    model: outcome.model,
    context: contextJson(outcome.context),
    messages: outcome.messages,
    verdict: {
      security: { status: security.status, ...(security.reason ? { reason: security.reason } : {}), findings: security.findings.map(findingJson) },
      function: { status: func.status, ...(func.reason ? { reason: func.reason } : {}), ...(func.runner ? { runner: func.runner } : {}), ...(func.unboxed ? { unboxed: true } : {}) },
    },
    notes,
    attempts: outcome.attempts,
    timings: Object.fromEntries(Object.entries(outcome.timings).map(([name, ms]) => [name, Math.round(ms)])),
    tokens: outcome.tokens,
    remarks: outcome.remarks,
  };
}

function outcomeText(outcome: CompletionOutcome, verdict: Verdict, notes: Awaited<CompletionOutcome['learned']>, tested: boolean): string {
  const { security } = verdict;
  const text = applyEdits('', [{ start: 0, end: 0, text: outcome.edit.text }]);
  const lines = [printable(text), ''];
  for (const edit of outcome.importEdits) lines.push(`imports: ${edit.text.trim()}`);
  lines.push(`security: ${security.status}${security.reason ? ` (${security.reason})` : ''}, attempt ${outcome.attempts}, model ${outcome.model}`);
  for (const finding of security.findings) lines.push(`  line ${finding.startLine}: ${finding.cwe.join(', ')} ${finding.message}`);
  if (tested) lines.push(`tests${verdict.function.unboxed ? ', without a sandbox' : ''}: ${verdict.function.status}${verdict.function.reason ? ` (${printable(verdict.function.reason)})` : ''}`);
  for (const used of outcome.context.securityNotes) lines.push(`used note: ${used.item.note.id} (${printable(used.item.note.title)})`);
  for (const note of notes) lines.push(`note ${note.action}: ${note.id}`);
  for (const remark of outcome.remarks) lines.push(remark);
  return `${lines.join('\n')}\n`;
}
