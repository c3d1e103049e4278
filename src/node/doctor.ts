import { isExpected, messageOf } from '../core/errors.ts';
import { isUsable } from '../core/notebook/note.ts';
import type { LanguageModel } from '../core/llm/model.ts';
import type { NoteIndex } from '../core/notebook/note-index.ts';
import type { NoteStore } from '../core/notebook/store.ts';
import type { Embedder } from '../core/retrieval/embedder.ts';
import type { Analyzer } from '../core/verification/finding.ts';
import type { Assets } from './assets.ts';
import type { KeptConsent } from './runners/kept-consent.ts';
import type { WorkspaceTests } from './runners/workspace-tests.ts';
import type { Sandbox } from './sandbox/box.ts';

/** The parts that are looked at. */
export interface Patient {
  readonly builtin: Analyzer;
  readonly semgrep: Analyzer;
  readonly embedder: Embedder;
  readonly assets: Assets;
  readonly store: NoteStore;
  readonly index: NoteIndex;
  readonly sandbox: Pick<Sandbox, 'state'>;
  readonly workspaceTests: Pick<WorkspaceTests, 'survey'>;
  readonly testConsent: Pick<KeptConsent, 'answered'>;
}

export interface DoctorCheck {
  readonly name: string;
  readonly status: 'ok' | 'degraded' | 'missing';
  readonly detail: string;
  /** What the user can do. */
  readonly hint?: string;
}

export interface DoctorReport {
  readonly checks: readonly DoctorCheck[];
}

/** Looks at every part once, as a request would use it. Nothing it finds is an error; only cancellation rejects. */
export async function doctor(app: Patient, options: { model: () => Promise<LanguageModel>; trusted: () => boolean }, signal: AbortSignal): Promise<DoctorReport> {
  const check = async (name: string, failed: 'degraded' | 'missing', work: () => Promise<Omit<DoctorCheck, 'name'>>): Promise<DoctorCheck> => {
    try {
      return { name, ...(await work()) };
    } catch (error) {
      signal.throwIfAborted();
      return { name, status: failed, detail: messageOf(error), ...(isExpected(error) ? { hint: error.hint } : {}) };
    }
  };
  const checks = await Promise.all([
    check('Language model', 'missing', async () => {
      const model = await options.model();
      return { status: 'ok', detail: `${model.name} at ${model.origin}` };
    }),
    check('Built-in rules', 'degraded', async () => {
      const report = await app.builtin.analyze({ path: 'doctor.py', language: 'python', text: 'x = 1\n' }, signal);
      return report.status === 'ran' ? { status: 'ok', detail: `${report.version ?? ''} ready in ${Math.round(report.ms)} ms` } : { status: 'degraded', detail: report.reason ?? 'did not run', hint: 'Reinstall SafeNote; its rules are part of the package.' };
    }),
    check('Semgrep', 'degraded', async () => {
      if (!options.trusted()) return { status: 'degraded', detail: 'not started: the workspace is not trusted', hint: 'Trust the workspace to run Semgrep.' };
      const report = await app.semgrep.analyze({ path: 'doctor.py', language: 'python', text: 'x = 1\n' }, signal);
      return report.status === 'ran'
        ? { status: 'ok', detail: `${report.version ?? ''} answered in ${Math.round(report.ms)} ms` }
        : { status: 'degraded', detail: report.reason ?? 'did not run', hint: 'Run "SafeNote: Install Semgrep", or name one with safenote.analyzers.semgrep.path or SAFENOTE_SEMGREP.' };
    }),
    check('Embedding model', 'degraded', async () => {
      const started = performance.now();
      const [vector] = await app.embedder.embed(['doctor'], signal);
      return { status: 'ok', detail: `${app.embedder.modelId}, ${vector?.length ?? 0} dimensions, ready in ${Math.round(performance.now() - started)} ms` };
    }),
    check('Knowledge base', 'degraded', async () => {
      const base = await app.assets.knowledge();
      const vectors = await app.assets.sampleVectors(app.embedder.modelId);
      return { status: base.samples.length > 0 ? 'ok' : 'degraded', detail: `${base.guidelines.length} guidelines, ${base.samples.length} samples, ${vectors ? 'with' : 'without'} vectors` };
    }),
    check('Notebook', 'degraded', async () => {
      const { notes, setAside } = await app.store.load();
      const usable = notes.filter(isUsable).length;
      const detail = `${notes.length} notes, ${usable} in use, ${notes.filter((n) => n.quarantined).length} quarantined, ${setAside.length} unreadable; in ${app.store.folders.security}`;
      const first = setAside[0];
      return first ? { status: 'degraded', detail, hint: `${first.file}: ${first.reason}` } : { status: 'ok', detail };
    }),
    check('Test sandbox', 'degraded', async () => {
      if (!options.trusted()) return { status: 'degraded', detail: 'not tried: the workspace is not trusted', hint: 'Trust the workspace to run its tests.' };
      const state = await app.sandbox.state();
      if (state.available) return { status: 'ok', detail: state.version };
      const answer = app.testConsent.answered('unboxed');
      const how = answer === undefined ? 'you are asked before tests run without one' : answer ? 'you have agreed to run tests without one' : 'you do not want tests to run without one';
      return { status: 'degraded', detail: `${state.reason}; ${how}`, hint: 'Install bubblewrap; everything but tests works without it.' };
    }),
    check('Note index', 'degraded', async () => ({ status: 'ok', detail: `${(await app.index.known()).size} notes indexed for ${app.embedder.modelId}` })),
  ]);
  return { checks: [...checks, ...(options.trusted() ? await testRunners(app, signal) : [])] };
}

/** One line for each part of the workspace that has code: its runner and why, or what is missing. */
async function testRunners(app: Patient, signal: AbortSignal): Promise<DoctorCheck[]> {
  try {
    return (await app.workspaceTests.survey(signal)).map(({ part, found }) =>
      'unavailable' in found
        ? { name: `Tests of ${part}`, status: 'degraded', detail: `not run: ${found.unavailable}`, hint: 'Without a runner completions are checked for security only; safenote.tests.command names one of your own.' }
        : { name: `Tests of ${part}`, status: 'ok', detail: `${found.runner}, because ${found.because}` },
    );
  } catch (error) {
    signal.throwIfAborted();
    return [{ name: 'Tests', status: 'degraded', detail: messageOf(error) }];
  }
}
