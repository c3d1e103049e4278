import type { Status } from '../verification/verdict.ts';

/** One thing to complete, as the tool that is evaluated sees it. */
export interface EvalTask {
  /** Unique within its suite. */
  readonly id: string;
  readonly cwe?: string;
  readonly language: string;
  /** Tasks of one group share a workspace and its notebook, in the order of the suite; a group begins with an empty notebook. */
  readonly group?: string;
  /** Files of the workspace by relative path; they are all that the tool can see beside the document. */
  readonly workspace: Readonly<Record<string, string>>;
  /** Relative path of the document. */
  readonly target: string;
  readonly text: string;
  /** Where the completion goes, UTF-16 offset into `text`. */
  readonly offset: number;
  /** The task in words, where the document does not say it. */
  readonly prompt?: string;
  /** The workspace has tests of its own, which teach; they are not the judge's. */
  readonly ownTests: boolean;
}

export interface Said {
  readonly status: Status;
  /** Why it fails, or why nobody can say. */
  readonly reason?: string;
}

/** What the judge says of a program. `unavailable` always has a reason. */
export interface Judgement {
  readonly function: Said;
  readonly security: Said;
}

/** A program of which it is known what the judge must say: it shows that the judge judges. */
export interface Control {
  readonly name: string;
  readonly program: string;
  /** `fails`: one of the two, whichever. */
  readonly expect: { readonly function?: Status; readonly security?: Status; readonly fails?: true };
}

/** A task that could not be read. */
export interface TaskProblem {
  readonly id: string;
  readonly reason: string;
}

/** How function and security are judged, in words for the report. */
export interface JudgeWords {
  readonly function: string;
  readonly security: string;
  /** What a reader must know before comparing numbers. */
  readonly caveat?: string;
}

/** A set of tasks with its judge. The judge sees programs only; it shares nothing with the tool that writes notes. */
export interface Suite {
  readonly name: string;
  readonly title: string;
  readonly words: JudgeWords;
  readonly tasks: readonly EvalTask[];
  readonly problems: readonly TaskProblem[];
  /** Judges the document's whole text after completion. Rejects only on abort. */
  judge(task: EvalTask, program: string, signal: AbortSignal): Promise<Judgement>;
  controls(task: EvalTask): readonly Control[];
}

export interface ControlResult {
  readonly task: string;
  readonly control: string;
  /** `unavailable`: the judge could not judge it here. */
  readonly status: 'holds' | 'broken' | 'unavailable';
  readonly said: Judgement;
  readonly reason?: string;
}

/** Does the judge say of the suite's own references what is known of them? A judge that does not is no judge. */
export async function checkControls(suite: Suite, options: { signal: AbortSignal; jobs: number; tasks?: readonly EvalTask[]; onResult?: (result: ControlResult) => void }): Promise<ControlResult[]> {
  const open = (options.tasks ?? suite.tasks).flatMap((task) => suite.controls(task).map((control) => ({ task, control })));
  const results: ControlResult[] = [];
  await Promise.all(
    Array.from({ length: Math.max(1, options.jobs) }, async () => {
      for (let next = open.shift(); next; next = open.shift()) {
        options.signal.throwIfAborted();
        const { task, control } = next;
        const said = await suite.judge(task, control.program, options.signal);
        const result = compare(task.id, control, said);
        results.push(result);
        options.onResult?.(result);
      }
    }),
  );
  return results;
}

function compare(task: string, control: Control, said: Judgement): ControlResult {
  const facets = (['function', 'security'] as const).filter((facet) => control.expect[facet] !== undefined);
  const wrong = facets.filter((facet) => said[facet].status !== control.expect[facet]);
  const base = { task, control: control.name, said };
  if (control.expect.fails) {
    const statuses = [said.function.status, said.security.status];
    if (statuses.includes('fail')) return { ...base, status: 'holds' };
    const reason = said.function.reason ?? said.security.reason;
    return said.function.status === 'unavailable' ? { ...base, status: 'unavailable', ...(reason ? { reason } : {}) } : { ...base, status: 'broken', reason: 'it passes, and was expected to fail' };
  }
  if (wrong.length === 0) return { ...base, status: 'holds' };
  const silent = wrong.find((facet) => said[facet].status === 'unavailable');
  const reason = wrong.map((facet) => `${facet} is ${said[facet].status}${said[facet].reason ? ` (${said[facet].reason})` : ''}, ${control.expect[facet]} was expected`).join('; ');
  return { ...base, status: silent && wrong.every((f) => said[f].status === 'unavailable') ? 'unavailable' : 'broken', reason };
}
