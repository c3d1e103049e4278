import * as z from 'zod';
import type { TestCase } from '../../../core/verification/test-runner.ts';
import { NotRun, type ReportReader } from '../reports.ts';

const Rows = z.array(z.object({ name: z.string(), status: z.enum(['passed', 'failed', 'skipped']), message: z.string().optional(), details: z.string().optional() }));

/** What the script found; behind it, in a line of its own, the call that it was in. */
export const readEdgeInputs: ReportReader = (text, _root, ended) => {
  const lines = text.split('\n').filter((line) => line.trim());
  const report = lines.find((line) => line.startsWith('['));
  const rows = report === undefined ? undefined : Rows.parse(JSON.parse(report));
  if (rows) return rows.map((r): TestCase => ({ id: `edge inputs of ${r.name}`, name: `edge inputs of ${r.name}`, status: r.status, ...(r.message ? { message: r.message } : {}), ...(r.details ? { details: r.details } : {}) }));
  const call = lines.find((line) => line.startsWith('{'));
  if (call === undefined) throw new NotRun(`the module could not be loaded: ${(ended?.output ?? '').trim().split('\n').filter((line) => /Error|error/.test(line)).at(-1) ?? `exit code ${ended?.code ?? 'none'}`}`);
  const { name, input } = z.object({ name: z.string(), input: z.string() }).parse(JSON.parse(call));
  return [{ id: `edge inputs of ${name}`, name: `edge inputs of ${name}`, status: 'failed', message: `${name}(${input}) ended the process (exit code ${ended?.code ?? 'none'})` }];
};
