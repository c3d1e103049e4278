import * as z from 'zod';

/** A place as Semgrep says it: lines and columns from 1, columns in bytes of UTF-8, end exclusive. */
export interface ByteRange {
  readonly startLine: number;
  readonly startColumn: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** One result of Semgrep, from the command line or the server, before it becomes a finding. */
export interface SemgrepMatch extends ByteRange {
  /** As Semgrep says it; it may have the path of the rule file before it. */
  readonly ruleId: string;
  readonly message: string;
  readonly path: string;
  readonly fix?: string;
  readonly trace?: readonly ByteRange[];
}

export interface SemgrepProblem {
  readonly type: string;
  readonly message: string;
  readonly ruleId?: string;
  readonly path?: string;
}

export interface SemgrepOutput {
  readonly version: string;
  readonly matches: readonly SemgrepMatch[];
  readonly problems: readonly SemgrepProblem[];
}

const Place = z.object({ line: z.int().min(1), col: z.int().min(0) });
const Location = z.object({ start: Place, end: Place });
/** `["CliLoc", [location, text]]` or `["CliCall", [[location, text], …]]`: only the first says where it is in this file. */
const TraceEnd = z.tuple([z.literal('CliLoc'), z.tuple([Location, z.unknown()])]);
const Result = z.object({
  check_id: z.string(),
  path: z.string(),
  start: Place,
  end: Place,
  extra: z.object({
    message: z.string().catch(''),
    fix: z.string().optional().catch(undefined),
    dataflow_trace: z
      .object({
        taint_source: TraceEnd.optional().catch(undefined),
        intermediate_vars: z.array(z.object({ location: Location })).optional().catch(undefined),
        taint_sink: TraceEnd.optional().catch(undefined),
      })
      .optional()
      .catch(undefined),
  }),
});
const Output = z.object({
  version: z.string().catch('unknown'),
  results: z.array(z.unknown()),
  errors: z.array(z.unknown()).catch([]),
});
const Problem = z.object({
  type: z.unknown(),
  message: z.string().catch(''),
  rule_id: z.string().optional().catch(undefined),
  path: z.string().optional().catch(undefined),
});

/** Reads the JSON of `semgrep scan --json`. Returns what is wrong as text where it is not that. */
export function parseSemgrepJson(text: string): SemgrepOutput | string {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return text.trim() === '' ? 'Semgrep answered nothing' : 'Semgrep answered with something that is not JSON';
  }
  const output = Output.safeParse(json);
  if (!output.success) return 'Semgrep answered in a form that is not known here';
  const matches: SemgrepMatch[] = [];
  for (const entry of output.data.results) {
    const result = Result.safeParse(entry);
    // A result that cannot be read may be the one that matters: better no answer than half of one.
    if (!result.success) return 'Semgrep answered with a result in a form that is not known here';
    const { check_id, path, start, end, extra } = result.data;
    const steps = extra.dataflow_trace;
    const trace = steps ? [steps.taint_source?.[1][0], ...(steps.intermediate_vars ?? []).map((v) => v.location), steps.taint_sink?.[1][0]].filter((l) => l !== undefined).map(rangeOf) : [];
    matches.push({ ruleId: check_id, path, message: extra.message, ...rangeOf({ start, end }), ...(extra.fix === undefined ? {} : { fix: extra.fix }), ...(trace.length > 0 ? { trace } : {}) });
  }
  const problems = output.data.errors.flatMap((entry): SemgrepProblem[] => {
    const problem = Problem.safeParse(entry);
    if (!problem.success) return [{ type: 'unknown', message: 'an error in a form that is not known here' }];
    const { type, message, rule_id, path } = problem.data;
    return [{ type: nameOf(type), message, ...(rule_id === undefined ? {} : { ruleId: rule_id }), ...(path === undefined ? {} : { path }) }];
  });
  return { version: output.data.version, matches, problems };
}

function rangeOf({ start, end }: z.infer<typeof Location>): ByteRange {
  return { startLine: start.line, startColumn: Math.max(1, start.col), endLine: end.line, endColumn: Math.max(1, end.col) };
}

/** An error's type is a word, or a list that begins with one (`["PartialParsing", […]]`). */
function nameOf(type: unknown): string {
  const word: unknown = Array.isArray(type) ? type[0] : type;
  return typeof word === 'string' ? word : 'unknown';
}
