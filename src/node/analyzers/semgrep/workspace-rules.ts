import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { parse } from 'yaml';
import * as z from 'zod';
import { cwesIn } from '../../../core/cwe.ts';
import { messageOf } from '../../../core/errors.ts';
import { canonicalLanguage } from '../../../core/language.ts';
import type { Severity } from '../../../core/verification/finding.ts';

/** A rule of the workspace, as it is shown to people. */
export interface WorkspaceRule {
  readonly id: string;
  readonly family: string;
  readonly cwe: readonly string[];
  readonly severity: Severity;
  readonly message: string;
  /** Canonical names; `generic` and `regex` stand for any. */
  readonly languages: readonly string[];
  /** Whether its `paths` let it speak of this file, given relative to the workspace with `/`. */
  appliesTo(relativePath: string): boolean;
}

export interface WorkspaceRules {
  /** A Semgrep configuration with ids of ours (`safenote-workspace.0`), ready to be written; `undefined` without rules. */
  readonly config: string | undefined;
  readonly rules: ReadonlyMap<string, WorkspaceRule>;
  /** Files and rules that cannot be used, each with what is wrong. */
  readonly broken: readonly string[];
}

export const NO_WORKSPACE_RULES: WorkspaceRules = { config: undefined, rules: new Map(), broken: [] };

const MAX_FILES = 200;
const MAX_FILE_BYTES = 1_000_000;
const MAX_RULES = 500;

const Text = z.union([z.string(), z.number()]).transform(String);
const Globs = z.array(Text).catch([]);
const Rule = z.looseObject({
  id: z.string().min(1),
  message: z.string().catch(''),
  severity: z.string().catch('WARNING'),
  languages: z.array(z.string()).min(1),
  mode: z.string().optional(),
  metadata: z.looseObject({ cwe: z.union([Text.transform((t) => [t]), z.array(Text)]).catch([]), family: z.string().optional().catch(undefined) }).catch({ cwe: [] }).default({ cwe: [] }),
  paths: z.object({ include: Globs.optional(), exclude: Globs.optional() }).optional().catch(undefined),
});

/** The rule files of a workspace: `.semgrep/`, `.semgrep.yml` and `.safenote/rules/`. */
export async function findRuleFiles(workspaceFolder: string): Promise<string[]> {
  if (!workspaceFolder) return [];
  const found: string[] = [];
  for (const name of ['.semgrep.yml', '.semgrep.yaml']) {
    const file = path.join(workspaceFolder, name);
    if ((await stat(file).catch(() => undefined))?.isFile()) found.push(file);
  }
  for (const name of ['.semgrep', path.join('.safenote', 'rules')]) {
    const folder = path.join(workspaceFolder, name);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    found.push(...entries.filter((e) => e.isFile() && /\.ya?ml$/.test(e.name) && !/\.test\.ya?ml$/.test(e.name)).map((e) => path.join(e.parentPath, e.name)).sort());
  }
  return found.slice(0, MAX_FILES);
}

/**
 * Reads rule files into one configuration. What cannot be used is named and left out, so that one broken file never takes
 * the others along: `semgrep` itself gives up on all rules when one file is no YAML.
 */
export async function readWorkspaceRules(files: readonly string[], workspaceFolder: string): Promise<WorkspaceRules> {
  const rules = new Map<string, WorkspaceRule>();
  const config: object[] = [];
  const broken: string[] = [];
  for (const file of files) {
    const shown = path.relative(workspaceFolder, file).split(path.sep).join('/');
    let entries: unknown[];
    try {
      entries = await readRuleFile(file);
    } catch (error) {
      broken.push(`${shown}: ${messageOf(error).split('\n')[0] ?? ''}`);
      continue;
    }
    for (const [index, entry] of entries.entries()) {
      const parsed = Rule.safeParse(entry);
      const wrong = parsed.success ? problemOf(parsed.data) : `${parsed.error.issues[0]?.path.join('.') ?? ''}: ${parsed.error.issues[0]?.message ?? ''}`;
      if (!parsed.success || wrong) {
        broken.push(`${shown}, rule ${index + 1}: ${wrong ?? ''}`);
        continue;
      }
      if (rules.size >= MAX_RULES) {
        broken.push(`${shown}: more than ${MAX_RULES} rules; the rest is not used`);
        break;
      }
      const id = `safenote-workspace.${rules.size}`;
      const { metadata, message, severity, languages, paths } = parsed.data;
      rules.set(id, {
        id: parsed.data.id,
        family: metadata.family ?? parsed.data.id,
        cwe: cwesIn(metadata.cwe),
        severity: severityOf(severity),
        message,
        languages: languages.map(canonicalLanguage),
        appliesTo: pathFilter(paths?.include, paths?.exclude),
      });
      // The texts lie elsewhere when they are scanned: `paths` is judged here, by the file's own place.
      const { paths: _, ...rest } = parsed.data;
      config.push({ ...rest, id, metadata: {} });
    }
  }
  return { config: config.length > 0 ? JSON.stringify({ rules: config }) : undefined, rules, broken };
}

async function readRuleFile(file: string): Promise<unknown[]> {
  const { size } = await stat(file);
  if (size > MAX_FILE_BYTES) throw new Error(`larger than ${MAX_FILE_BYTES / 1e6} MB`);
  const content: unknown = parse(await readFile(file, 'utf8'), { maxAliasCount: 100, logLevel: 'error' });
  const parsed = z.object({ rules: z.array(z.unknown()) }).safeParse(content);
  if (!parsed.success) throw new Error('no list under "rules:"');
  return parsed.data.rules;
}

/** Kinds of rules that would do something other than look at one text. */
function problemOf(rule: z.infer<typeof Rule>): string | undefined {
  if (rule.mode !== undefined && !['search', 'taint'].includes(rule.mode)) return `mode ${rule.mode} is not supported`;
  if ('validators' in rule) return 'validators ask the network and are not run';
  return undefined;
}

function severityOf(word: string): Severity {
  if (/^(error|critical|high)$/i.test(word)) return 'error';
  return /^(info|low|inventory|experiment)$/i.test(word) ? 'info' : 'warning';
}

function pathFilter(include: readonly string[] | undefined, exclude: readonly string[] | undefined): (relativePath: string) => boolean {
  const globs = (patterns: readonly string[]): Ignore => ignore().add(patterns.map((p) => p.replace(/^\.\//, '')));
  const included = include && include.length > 0 ? globs(include) : undefined;
  const excluded = exclude && exclude.length > 0 ? globs(exclude) : undefined;
  return (relativePath) => {
    // A text outside the workspace has no path that a rule could mean.
    if (!ignore.isPathValid(relativePath)) return included === undefined;
    return (!included || included.ignores(relativePath)) && !excluded?.ignores(relativePath);
  };
}
