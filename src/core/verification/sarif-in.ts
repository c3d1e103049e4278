import * as z from 'zod';
import { cwesIn } from '../cwe.ts';
import { ExpectedError } from '../errors.ts';
import { LineIndex, type Range } from '../source.ts';
import type { Finding, Severity } from './finding.ts';

/** A result of whatever tool wrote the file; who takes it in says which analyzer it stands for. */
export interface SarifFinding extends Omit<Finding, 'analyzer' | 'fix'> {
  /** Name of the tool that said it. */
  readonly tool: string;
  /** The flagged text as the tool saw it, where it says so. */
  readonly snippet?: string;
  /** The rule says that it is about security, or names a CWE and does not call itself a matter of quality. */
  readonly security: boolean;
}

/** The results for one file. */
export interface SarifFile {
  /** With forward slashes: relative to the root of the code, or absolute where the tool wrote it so. */
  readonly path: string;
  readonly findings: readonly SarifFinding[];
}

export interface SarifRead {
  readonly tools: readonly { readonly name: string; readonly version: string | null }[];
  readonly files: readonly SarifFile[];
  /** Results that somebody has accepted, in the tool or in a comment, or that a comparison calls gone. */
  readonly accepted: number;
  /** What could not be read, and what the tool says it could not do. While there is any, silence is not "clean". */
  readonly problems: readonly string[];
}

export interface SarifOptions {
  /** The text of a file by its `path`, where the reader can have it: exact ends of lines, and columns other than UTF-16 units. */
  readonly textOf?: (path: string) => string | undefined;
}

/** In UTF-16 units. JSON is read whole, and takes several times its length in memory. */
export const MAX_SARIF_LENGTH = 100_000_000;
const MAX_RESULTS = 50_000;
const MAX_STEPS = 200;
const MAX_MESSAGE = 2000;
const MAX_PROBLEMS = 50;
const MAX_SNIPPET = 4000;
/** One base may be relative to another; more steps than this are a circle. */
const MAX_BASES = 8;
/** Names that tools give to the root of the code. */
const ROOT_BASE = /^%?(?:src|source|project|repo|repository|workspace|code|checkout)?_?(?:root|dir|workspace)(?:_?(?:path|dir|uri))?%?$/i;

/** CodeQL gives CWE ids to rules about quality too (`py/empty-except`: CWE-390). */
const QUALITY: ReadonlySet<string> = new Set(['maintainability', 'reliability', 'correctness', 'readability', 'quality', 'efficiency', 'performance']);

const Place = z.int().min(1).max(10_000_000);
const Region = z.object({ startLine: Place.optional(), startColumn: Place.optional(), endLine: Place.optional(), endColumn: Place.optional(), snippet: z.object({ text: z.string() }).optional().catch(undefined) });
const Artifact = z.object({ uri: z.string().optional(), uriBaseId: z.string().optional(), index: z.int().min(0).optional().catch(undefined) });
const Physical = z.object({ artifactLocation: Artifact.optional(), region: Region.optional() });
const Location = z.object({ physicalLocation: Physical.optional() });
const Message = z.object({ text: z.string().optional(), id: z.string().optional(), arguments: z.array(z.string()).optional().catch(undefined) });
const Level = z.enum(['none', 'note', 'warning', 'error']).optional().catch(undefined);
const ToolComponentRef = z.object({ name: z.string().optional(), index: z.int().optional() }).optional().catch(undefined);
const RuleRef = z.object({ id: z.string().optional(), index: z.int().optional().catch(undefined), toolComponent: ToolComponentRef });
const Properties = z.object({ tags: z.array(z.string()).catch([]), 'security-severity': z.coerce.string().optional().catch(undefined), 'problem.severity': z.string().optional().catch(undefined), cwe: z.union([z.string(), z.array(z.string())]).optional().catch(undefined) }).partial();
const Rule = z.object({
  id: z.string(),
  shortDescription: z.object({ text: z.string() }).optional().catch(undefined),
  messageStrings: z.record(z.string(), z.object({ text: z.string() })).optional().catch(undefined),
  defaultConfiguration: z.object({ level: Level }).optional().catch(undefined),
  relationships: z.array(z.object({ target: RuleRef })).optional().catch(undefined),
  properties: Properties.optional().catch(undefined),
});
type Rule = z.infer<typeof Rule>;
const Result = z.object({
  ruleId: z.string().optional(),
  ruleIndex: z.int().optional().catch(undefined),
  rule: RuleRef.optional().catch(undefined),
  kind: z.string().optional().catch(undefined),
  level: Level,
  baselineState: z.string().optional().catch(undefined),
  suppressions: z.array(z.object({ status: z.string().optional() })).optional().catch(undefined),
  message: Message.catch({}),
  locations: z.array(Location).optional(),
  codeFlows: z.array(z.object({ threadFlows: z.array(z.object({ locations: z.array(z.object({ location: Location.optional() })) })) })).optional().catch(undefined),
  taxa: z.array(RuleRef).optional().catch(undefined),
});
const Component = z.object({ name: z.string().catch('unnamed'), version: z.string().optional().catch(undefined), semanticVersion: z.string().optional().catch(undefined), rules: z.array(z.unknown()).optional().catch(undefined) });
const Notification = z.object({ level: Level, message: Message.catch({}) });
const Run = z.object({
  tool: z.object({ driver: Component, extensions: z.array(Component).optional().catch(undefined) }),
  columnKind: z.string().optional().catch(undefined),
  artifacts: z.array(z.object({ location: Artifact.optional() })).optional().catch(undefined),
  originalUriBaseIds: z.record(z.string(), Artifact).optional().catch(undefined),
  results: z.array(z.unknown()).nullish(),
  invocations: z.array(z.object({ executionSuccessful: z.boolean().optional(), exitCodeDescription: z.string().optional(), toolExecutionNotifications: z.array(Notification).optional() })).optional().catch(undefined),
});
type Run = z.infer<typeof Run>;
const Log = z.object({ version: z.string(), runs: z.array(z.unknown()) });

/**
 * Reads SARIF 2.1.0 of any tool: rules in the driver or in extensions, CWE ids from tags, taxa and relationships, the first
 * code flow as the trace. Nothing in the file is believed but text and numbers; paths that lead out of the root are left out
 * and named. Throws `ExpectedError` `sarif-unreadable` where it is no SARIF 2.1.0, or cut off, or too large.
 */
export function readSarif(text: string, options: SarifOptions = {}): SarifRead {
  if (text.length > MAX_SARIF_LENGTH) throw unreadable(`it has more than ${MAX_SARIF_LENGTH / 1_000_000} million characters`, 'Let the tool write one file for each part of the code.');
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw unreadable(text.trim() === '' ? 'it is empty' : 'it is not JSON, or it is cut off', 'Write it again, with the whole run.', cause);
  }
  const log = Log.safeParse(json);
  if (!log.success) throw unreadable('it has no version and runs', 'Choose a SARIF 2.1.0 file.');
  if (!log.data.version.startsWith('2.1.')) throw unreadable(`its version is ${log.data.version.slice(0, 20)}`, 'Let the tool write SARIF 2.1.0 (CodeQL: --format=sarif-latest).');
  const reading = new Reading(options);
  for (const run of log.data.runs) reading.run(run);
  return reading.done();
}

function unreadable(what: string, hint: string, cause?: unknown): ExpectedError {
  return new ExpectedError('sarif-unreadable', `The SARIF file cannot be read: ${what}.`, hint, { cause });
}

class Reading {
  private readonly tools: { name: string; version: string | null }[] = [];
  private readonly files = new Map<string, SarifFinding[]>();
  private readonly indexes = new Map<string, Lines | undefined>();
  private readonly problems = new Map<string, number>();
  private readonly options: SarifOptions;
  private accepted = 0;
  private results = 0;

  constructor(options: SarifOptions) {
    this.options = options;
  }

  done(): SarifRead {
    const problems = [...this.problems].map(([text, times]) => (times > 1 ? `${text} (${times} times)` : text));
    const shown = problems.length > MAX_PROBLEMS ? [...problems.slice(0, MAX_PROBLEMS), `and ${problems.length - MAX_PROBLEMS} more`] : problems;
    return { tools: this.tools, files: [...this.files].map(([path, findings]) => ({ path, findings })), accepted: this.accepted, problems: shown };
  }

  run(value: unknown): void {
    const parsed = Run.safeParse(value);
    if (!parsed.success) return this.problem('a run is in a form that is not known here');
    const run = parsed.data;
    const { driver } = run.tool;
    this.tools.push({ name: clean(driver.name), version: driver.semanticVersion ?? driver.version ?? null });
    for (const invocation of run.invocations ?? []) {
      if (invocation.executionSuccessful === false) this.problem(`${clean(driver.name)} did not run to its end${invocation.exitCodeDescription ? `: ${clean(invocation.exitCodeDescription)}` : ''}`);
      for (const n of invocation.toolExecutionNotifications ?? []) if (n.level === 'error') this.problem(clean(n.message.text ?? 'the tool says that something failed'));
    }
    if (!run.results) return this.problem(`${clean(driver.name)} wrote no results`);
    const rules = new Rules(run);
    for (const entry of run.results) {
      if (++this.results > MAX_RESULTS) return this.problem(`only the first ${MAX_RESULTS} results were read`);
      this.result(entry, run, rules);
    }
  }

  private result(entry: unknown, run: Run, rules: Rules): void {
    const parsed = Result.safeParse(entry);
    if (!parsed.success) return this.problem('a result is in a form that is not known here');
    const result = parsed.data;
    // "pass" and the like are no complaints; "open" and "review" may be.
    if (result.kind !== undefined && !['fail', 'open', 'review'].includes(result.kind)) return;
    if (result.baselineState === 'absent' || result.suppressions?.some((s) => s.status === undefined || s.status === 'accepted')) {
      this.accepted++;
      return;
    }
    const { id, rule } = rules.of(result);
    if (id === undefined) return this.problem('a result does not say its rule');
    const physical = result.locations?.find((l) => l.physicalLocation?.artifactLocation)?.physicalLocation;
    if (!physical) return this.problem(`a result of ${clean(id)} does not say its file`);
    const path = pathOf(physical, run);
    if (path === undefined) return this.problem(`a result of ${clean(id)} is for a place outside the code`);
    const snippet = physical.region?.snippet?.text;
    const tags = [...(rule?.properties?.tags ?? []), ...(typeof rule?.properties?.cwe === 'string' ? [rule.properties.cwe] : (rule?.properties?.cwe ?? [])), ...taxa(result.taxa), ...taxa(rule?.relationships?.map((r) => r.target))];
    const cwe = cwesIn(tags);
    const score = Number(rule?.properties?.['security-severity'] ?? Number.NaN);
    const trace = this.trace(result, path, run);
    const finding: SarifFinding = {
      ruleId: clean(id),
      ruleFamily: clean(id.split('/').filter(Boolean).at(-1) ?? id),
      cwe,
      severity: severityOf(score, result.level ?? rule?.defaultConfiguration?.level, rule?.properties?.['problem.severity']),
      message: messageOf(result.message, rule),
      security: tags.includes('security') || Number.isFinite(score) || (cwe.length > 0 && !tags.some((t) => QUALITY.has(t))),
      tool: clean(run.tool.driver.name),
      ...(snippet?.trim() && snippet.length <= MAX_SNIPPET ? { snippet } : {}),
      ...this.range(physical, path, run),
      ...(trace.length > 0 ? { trace } : {}),
    };
    const known = this.files.get(path);
    if (known) known.push(finding);
    else this.files.set(path, [finding]);
  }

  private trace(result: z.infer<typeof Result>, path: string, run: Run): Range[] {
    const steps = result.codeFlows?.[0]?.threadFlows[0]?.locations ?? [];
    return steps
      .map((s) => s.location?.physicalLocation)
      .filter((p) => p?.region?.startLine !== undefined && pathOf(p, run) === path)
      .slice(0, MAX_STEPS)
      .map((p) => this.range(p ?? {}, path, run));
  }

  /** A result for a whole file stands on its first line; an end that is not said is the end of the line. */
  private range(physical: z.infer<typeof Physical>, path: string, run: Run): Range {
    const { startLine = 1, startColumn = 1, ...end } = physical.region ?? {};
    const endLine = Math.max(startLine, end.endLine ?? startLine);
    const lines = this.linesOf(path);
    const inPoints = run.columnKind === 'unicodeCodePoints';
    const column = (line: number, n: number) => (inPoints && lines ? lines.fromPoints(line, n) : n);
    const from = column(startLine, startColumn);
    if (end.endColumn === undefined) return lines ? { startLine, startColumn: from, endLine, endColumn: Math.max(lines.endOf(endLine), endLine === startLine ? from : 1) } : { startLine, startColumn: from, endLine: endLine + 1, endColumn: 1 };
    const to = column(endLine, end.endColumn);
    return { startLine, startColumn: from, endLine, endColumn: endLine === startLine ? Math.max(from, to) : to };
  }

  private linesOf(path: string): Lines | undefined {
    if (!this.indexes.has(path)) {
      const text = this.options.textOf?.(path);
      this.indexes.set(path, text === undefined ? undefined : new Lines(text));
    }
    return this.indexes.get(path);
  }

  private problem(text: string): void {
    this.problems.set(text, (this.problems.get(text) ?? 0) + 1);
  }
}

/** The rules of a run, of its driver and its extensions. */
class Rules {
  private readonly driver: readonly (Rule | undefined)[];
  private readonly extensions: readonly (readonly (Rule | undefined)[])[];
  private readonly byId = new Map<string, Rule>();

  constructor(run: Run) {
    const read = (rules: readonly unknown[] | undefined) => (rules ?? []).map((r) => Rule.safeParse(r).data);
    this.driver = read(run.tool.driver.rules);
    this.extensions = (run.tool.extensions ?? []).map((e) => read(e.rules));
    for (const rule of [...this.driver, ...this.extensions.flat()]) if (rule && !this.byId.has(rule.id)) this.byId.set(rule.id, rule);
  }

  of(result: z.infer<typeof Result>): { id: string | undefined; rule: Rule | undefined } {
    const component = result.rule?.toolComponent?.index;
    const place = result.rule?.index ?? result.ruleIndex;
    const list = component === undefined || component < 0 ? this.driver : this.extensions[component];
    const at = place === undefined || place < 0 ? undefined : list?.[place];
    const id = result.ruleId ?? result.rule?.id ?? at?.id;
    // An index that names another rule than the id does is wrong; `id/part` is a part of the rule `id`.
    if (at && (id === at.id || id?.startsWith(`${at.id}/`))) return { id, rule: at };
    return { id, rule: id === undefined ? undefined : (this.byId.get(id) ?? this.byId.get(id.slice(0, Math.max(0, id.lastIndexOf('/'))))) };
  }
}

/** Lines of one text, for columns that are counted otherwise. */
class Lines {
  private readonly text: string;
  private readonly index: LineIndex;

  constructor(text: string) {
    this.text = text;
    this.index = new LineIndex(text);
  }

  endOf(line: number): number {
    return this.content(line).length + 1;
  }

  fromPoints(line: number, column: number): number {
    return [...this.content(line)].slice(0, column - 1).join('').length + 1;
  }

  private content(line: number): string {
    if (line > this.index.lineCount) return '';
    return this.text.slice(this.index.offsetAt(line, 1), this.index.offsetAt(line, Number.MAX_SAFE_INTEGER)).replace(/\r$/, '');
  }
}

/** Where a result is; `undefined` for no file at all and for a relative path that leaves the root. */
function pathOf(physical: z.infer<typeof Physical>, run: Run): string | undefined {
  const own = physical.artifactLocation;
  const location = own?.uri !== undefined || own?.index === undefined ? own : run.artifacts?.[own.index]?.location;
  if (!location?.uri) return undefined;
  const place = joined(location, run);
  if (place === undefined || place.parts.length === 0) return undefined;
  if (place.absolute === '') return place.parts.join('/');
  // A checkout on another machine has its files elsewhere; the root that the run names is the root here.
  for (const [id, base] of Object.entries(run.originalUriBaseIds ?? {})) {
    const root = isRoot(id, run) ? joined(base, run, undefined, 0, true) : undefined;
    const inside = root !== undefined && root.absolute === place.absolute && root.parts.length < place.parts.length && root.parts.every((part, at) => part === place.parts[at]);
    if (inside) return place.parts.slice(root.parts.length).join('/');
  }
  return place.absolute + place.parts.join('/');
}

/** A path in its parts; `absolute` is empty, `/` or a drive. */
interface Place {
  readonly absolute: string;
  readonly parts: readonly string[];
}

/** A location with its bases before it. A base that stands for the root of the code, or is not said, adds nothing. */
function joined(location: z.infer<typeof Artifact>, run: Run, id?: string, depth = 0, whole = false): Place | undefined {
  const own = location.uri === undefined ? { absolute: '', parts: [] } : split(location.uri);
  if (own === undefined || depth > MAX_BASES) return undefined;
  if (own.absolute !== '') return id !== undefined && !whole && isRoot(id, run) ? { absolute: '', parts: [] } : collapsed(own);
  const { uriBaseId } = location;
  const bases = run.originalUriBaseIds;
  const base = uriBaseId !== undefined && bases && Object.hasOwn(bases, uriBaseId) ? bases[uriBaseId] : undefined;
  const before = base ? joined(base, run, uriBaseId, depth + 1, whole) : { absolute: '', parts: [] };
  return before && collapsed({ absolute: before.absolute, parts: [...before.parts, ...own.parts] });
}

function isRoot(id: string, run: Run): boolean {
  return ROOT_BASE.test(id) || Object.keys(run.originalUriBaseIds ?? {}).length === 1;
}

/** Without `.` and `..`; `undefined` where it leads out. */
function collapsed({ absolute, parts }: Place): Place | undefined {
  const kept: string[] = [];
  for (const part of parts) {
    if (part === '' || part === '.') continue;
    if (part !== '..') kept.push(part);
    else if (kept.pop() === undefined) return undefined;
  }
  return { absolute, parts: kept };
}

function split(uri: string): Place | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(uri);
  } catch {
    decoded = uri;
  }
  decoded = decoded.replaceAll('\\', '/');
  if (/[\u0000-\u001f]/.test(decoded)) return undefined;
  const drive = /^[A-Za-z]:\//.test(decoded);
  const scheme = drive ? undefined : /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(decoded)?.[1]?.toLowerCase();
  if (scheme !== undefined) {
    if (scheme !== 'file') return undefined;
    decoded = decoded.replace(/^file:(?:\/\/(?:localhost)?(?=\/))?/i, '').replace(/^\/(?=[A-Za-z]:\/)/, '');
    if (decoded.startsWith('//') || !/^(?:\/|[A-Za-z]:\/)/.test(decoded)) return undefined;
  }
  const absolute = /^(?:[A-Za-z]:)?\//.exec(decoded)?.[0] ?? '';
  return { absolute, parts: decoded.slice(absolute.length).split('/') };
}

/** CWE ids among references to taxa: `{id: "89", toolComponent: {name: "CWE"}}` or `{id: "CWE-89"}`. */
function taxa(references: readonly z.infer<typeof RuleRef>[] | undefined): string[] {
  return (references ?? []).flatMap((r) => (r.id === undefined ? [] : /^cwe$/i.test(r.toolComponent?.name ?? '') ? [`CWE-${r.id.replace(/^cwe-?/i, '')}`] : /^cwe-/i.test(r.id) ? [r.id] : []));
}

function severityOf(score: number, level: z.infer<typeof Level>, problem: string | undefined): Severity {
  if (Number.isFinite(score)) return score >= 7 ? 'error' : score >= 4 ? 'warning' : 'info';
  if (level === 'error' || (level === undefined && problem === 'error')) return 'error';
  return level === 'note' || level === 'none' || (level === undefined && problem === 'recommendation') ? 'info' : 'warning';
}

/** The message with its arguments and without links to related places. */
function messageOf(message: z.infer<typeof Message>, rule: Rule | undefined): string {
  const strings = rule?.messageStrings;
  const template = message.text ?? (message.id !== undefined && strings && Object.hasOwn(strings, message.id) ? strings[message.id]?.text : undefined) ?? rule?.shortDescription?.text ?? rule?.id ?? 'no message';
  const filled = template.slice(0, MAX_MESSAGE).replace(/\{(\d+)\}/g, (whole, n: string) => message.arguments?.[Number(n)] ?? whole);
  return clean(filled.replace(/(?<!\\)\[((?:[^\]\\[]|\\.)*)\]\(\d+\)/g, '$1').replace(/\\([[\]\\])/g, '$1'), MAX_MESSAGE);
}

function clean(text: string, length = 200): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, ' ').trim().slice(0, length);
}
