import type { SgNode } from '@ast-grep/wasm';
import { cwesIn } from '../../core/cwe.ts';
import { messageOf } from '../../core/errors.ts';
import type { TextEdit } from '../../core/source.ts';
import { LineIndex } from '../../core/source.ts';
import type { Finding } from '../../core/verification/finding.ts';
import { isLocal } from './locality.ts';
import { type Need, needOf, TextNeeds } from './needs.ts';
import { shareRegexes, withCheapRegexes } from './cheap-regex.ts';
import type { BuiltinRule } from './rules.ts';
import { Simplifier } from './simplify.ts';

type Matcher = Record<string, unknown>;

/**
 * All rules of one grammar, run together. ast-grep compiles what it is asked at every question, and visits every node for
 * it; so rules are left out, and what is left of them cut down, by the words that the text contains, and one question asks
 * for all of them at once.
 */
export class RuleSet {
  private entries: Entry[];
  private readonly refused: string[] = [];

  constructor(rules: readonly BuiltinRule[]) {
    this.entries = rules.map((written) => {
      const cheap: BuiltinRule = { ...written, rule: withCheapRegexes(written.rule), ...(written.constraints ? { constraints: withCheapRegexes(written.constraints) } : {}), ...(written.utils ? { utils: withCheapRegexes(written.utils) } : {}) };
      return { written, need: needOf(written.rule, written.utils), local: isLocal(written.rule, written.utils ?? {}), ...asEntry(cheap) };
    });
  }

  /** What is wrong with rules that ast-grep refused, as far as they were asked. */
  get broken(): readonly string[] {
    return this.refused;
  }

  get size(): number {
    return this.entries.length;
  }

  /** Findings of all rules in a text, by place. */
  scan(root: SgNode, text: string): Finding[] {
    const source: Source = { root, text, lines: new LineIndex(text), needs: new TextNeeds(text), pieces: new Pieces(root, text) };
    let findings: Finding[];
    try {
      findings = this.ask(source);
    } catch {
      // One question for many rules fails with any of them.
      this.tryEach(this.entries.filter(({ need }) => source.needs.meets(need)), root);
      findings = this.ask(source);
    }
    return findings.sort((a, b) => a.startLine - b.startLine || a.startColumn - b.startColumn || (a.ruleId < b.ruleId ? -1 : 1));
  }

  /** Asks for all rules once, whatever the text: the first time costs ten times the second. */
  warm(root: SgNode): void {
    try {
      for (const node of root.findAll(together(this.entries.map(({ rule }, at) => ({ at, matcher: rule.rule, utils: rule.utils ?? {} }))))) node.free();
    } catch {
      this.tryEach(this.entries, root);
    }
  }

  /** Tries all rules one by one on any text and leaves out those that ast-grep refuses. */
  check(probe: SgNode): readonly string[] {
    this.tryEach(this.entries, probe);
    return this.refused;
  }

  private tryEach(entries: readonly Entry[], probe: SgNode): void {
    for (const entry of entries) this.attempt(entry, ({ rule }) => probe.findAll({ rule: rule.rule, ...rest(rule, rule.utils) }).forEach((node) => node.free()));
  }

  /** Asks one rule; one that ast-grep refuses is asked again as it was written, then named and left out. */
  private attempt<T>(entry: Entry, ask: (entry: Entry) => T): T | undefined {
    try {
      return ask(entry);
    } catch (error) {
      if (entry.rule !== entry.written) {
        Object.assign(entry, asEntry(entry.written));
        return this.attempt(entry, ask);
      }
      this.refused.push(`${entry.rule.id}: ${messageOf(error).replace(/\s+/g, ' ').trim()}`);
      this.entries = this.entries.filter((e) => e !== entry);
      return undefined;
    }
  }

  private ask(source: Source): Finding[] {
    const asked: Asked[] = [];
    for (const [at, entry] of this.entries.entries()) {
      if (!source.needs.meets(entry.need)) continue;
      const needs = entry.local ? source.pieces.meeting(entry.need) : source.needs;
      const matcher = needs && entry.simplifier.simplify(entry.rule.rule, needs);
      if (matcher) asked.push({ at, entry, matcher, utils: entry.simplifier.simplifyUtils(needs) });
    }
    if (asked.length === 0) return [];
    const findings: Finding[] = [];
    const toAskAlone = new Set<Asked>();
    for (const node of source.root.findAll(together(asked))) {
      for (const one of asked) {
        const mark = node.getMatch(markOf(one.at));
        if (!mark) continue;
        mark.free();
        // Constraints and transformations are about one rule's metavariables and cannot be asked together.
        if (one.entry.rule.constraints || one.entry.rule.transform) toAskAlone.add(one);
        else findings.push(findingOf(one.entry.rule, node, source, prefixOf(one.at)));
      }
      node.free();
    }
    for (const { entry, matcher, utils } of toAskAlone) {
      findings.push(
        ...(this.attempt(entry, ({ rule }) =>
          source.root.findAll({ rule: matcher, ...rest(rule, utils), ...(rule.constraints ? { constraints: entry.simplifier.simplifyConstraints(rule.constraints, source.needs) } : {}) }).map((node) => {
            const finding = findingOf(rule, node, source, '');
            node.free();
            return finding;
          }),
        ) ?? []),
      );
    }
    return findings;
  }
}

interface Entry {
  readonly written: BuiltinRule;
  readonly need: Need;
  /** It needs its words in one top-level statement. */
  readonly local: boolean;
  /** As it is asked. */
  rule: BuiltinRule;
  simplifier: Simplifier;
}

interface Asked {
  readonly at: number;
  readonly entry: Entry;
  /** What is left of the rule for this text. */
  readonly matcher: Matcher;
  readonly utils: Matcher;
}

interface Source {
  readonly root: SgNode;
  readonly text: string;
  readonly lines: LineIndex;
  readonly needs: TextNeeds;
  readonly pieces: Pieces;
}

/** Smaller top-level statements are taken together, in UTF-16 units: looking into each costs more than it saves. */
const MIN_PIECE = 800;

/** A text in pieces of whole top-level statements. */
class Pieces {
  private readonly texts: { readonly text: string; readonly needs: TextNeeds }[] = [];
  /** What several pieces have together, by their numbers. */
  private readonly joined = new Map<string, TextNeeds>();

  constructor(root: SgNode, text: string) {
    let from = 0;
    let end = 0;
    const add = (to: number) => {
      const piece = text.slice(from, to);
      this.texts.push({ text: piece, needs: new TextNeeds(piece) });
      from = to;
    };
    for (const child of root.children()) {
      ({ end } = offsetsOf(child));
      child.free();
      if (end - from >= MIN_PIECE) add(end);
    }
    if (from < text.length) add(text.length);
  }

  /** The pieces that have what is needed, as one; none where no piece has it all. */
  meeting(need: Need): TextNeeds | undefined {
    const numbers = [...this.texts.keys()].filter((n) => this.texts[n]?.needs.meets(need));
    if (numbers.length === 0) return undefined;
    const key = numbers.join();
    let needs = this.joined.get(key);
    if (!needs) {
      needs = new TextNeeds(numbers.map((n) => this.texts[n]?.text).join('\n'));
      this.joined.set(key, needs);
    }
    return needs;
  }
}

function asEntry(rule: BuiltinRule): { rule: BuiltinRule; simplifier: Simplifier } {
  return { rule, simplifier: new Simplifier(rule.utils) };
}

/** The parts of a question beside the rule itself. */
function rest({ constraints, transform }: BuiltinRule, utils: Matcher | undefined): Matcher {
  return { ...(constraints ? { constraints } : {}), ...(utils && Object.keys(utils).length > 0 ? { utils } : {}), ...(transform ? { transform } : {}) };
}

/**
 * One question for many rules. Each is a utility rule of its own, compiled once and named twice: a node must match any of
 * them, and then each that it matches leaves its mark, a bare metavariable that matches whatever the rule did. Names of
 * metavariables and utilities get a prefix, so that rules do not meet in them.
 */
function together(rules: readonly { readonly at: number; readonly matcher: Matcher; readonly utils: Matcher }[]): Matcher {
  const utils: Matcher = {};
  const regexes = new Map<string, string>();
  for (const { at, matcher, utils: own } of rules) {
    const names = new Map(Object.keys(own).map((name) => [name, `${nameOf(at)}-${name}`]));
    const inOne = (m: unknown) => shareRegexes(rename(m, names, prefixOf(at)), utils, regexes);
    for (const [name, m] of Object.entries(own)) utils[`${nameOf(at)}-${name}`] = inOne(m);
    utils[nameOf(at)] = inOne(matcher);
  }
  const any = rules.map(({ at }) => ({ matches: nameOf(at) }));
  const marks = rules.map(({ at }) => ({ any: [{ all: [{ matches: nameOf(at) }, { pattern: `$${markOf(at)}` }] }, { pattern: '$_' }] }));
  return { rule: { all: [{ any }, ...marks] }, utils };
}

function nameOf(at: number): string {
  return `rule-${at}`;
}

function markOf(at: number): string {
  return `SAFENOTE_RULE_${at}`;
}

function prefixOf(at: number): string {
  return `R${at}_`;
}

/** `$X` and `$$$X`; `$_` and its like capture nothing and keep their names. */
const METAVARIABLE = /(\$+)([A-Z][A-Z0-9_]*)/g;

function rename(matcher: unknown, utils: ReadonlyMap<string, string>, prefix: string): unknown {
  if (Array.isArray(matcher)) return matcher.map((item) => rename(item, utils, prefix));
  if (typeof matcher !== 'object' || matcher === null) return matcher;
  return Object.fromEntries(
    Object.entries(matcher).map(([key, value]) => {
      if (key === 'matches' && typeof value === 'string') return [key, utils.get(value) ?? value];
      if ((key === 'pattern' || key === 'context') && typeof value === 'string') return [key, value.replace(METAVARIABLE, `$1${prefix}$2`)];
      return [key, rename(value, utils, prefix)];
    }),
  );
}

function findingOf(rule: BuiltinRule, node: SgNode, { text, lines }: Source, prefix: string): Finding {
  const range = offsetsOf(node);
  const fixed = typeof rule.fix === 'string' ? fillIn(rule.fix, node, text, prefix) : replaced(rule, text.slice(range.start, range.end));
  const fix = fixed === undefined ? undefined : ({ ...range, text: fixed } satisfies TextEdit);
  return {
    ...lines.toRange(range),
    ruleId: rule.id,
    ruleFamily: rule.metadata.family,
    cwe: cwesIn(rule.metadata.cwe),
    severity: rule.severity,
    message: fillIn(rule.message, node, text, prefix),
    analyzer: 'builtin',
    ...(fix ? { fix } : {}),
  };
}

function replaced({ fix }: BuiltinRule, flagged: string): string | undefined {
  for (const { replace, by } of Array.isArray(fix) ? fix : []) {
    const pattern = new RegExp(replace);
    if (pattern.test(flagged)) return flagged.replace(pattern, by);
  }
  return undefined;
}

function offsetsOf(node: SgNode): { start: number; end: number } {
  const range = node.range();
  const { start, end } = range;
  const offsets = { start: start.index, end: end.index };
  start.free();
  end.free();
  range.free();
  return offsets;
}

/** Puts what the pattern's metavariables matched into a message or fix. An unknown name stays as it is written. */
function fillIn(template: string, node: SgNode, text: string, prefix: string): string {
  return template.replace(/(\$\$\$|\$\$?)([A-Z_][A-Z0-9_]*)/g, (written, sigil: string, name: string) => {
    if (sigil === '$$$') {
      const matches = node.getMultipleMatches(prefix + name).map((match) => {
        const offsets = offsetsOf(match);
        match.free();
        return offsets;
      });
      const first = matches[0];
      const last = matches.at(-1);
      return first && last ? text.slice(first.start, last.end) : '';
    }
    const match = node.getMatch(prefix + name);
    const value = match?.text() ?? node.getTransformed(name) ?? written;
    match?.free();
    return value;
  });
}
