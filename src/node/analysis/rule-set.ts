import type { SgNode } from '@ast-grep/wasm';
import { cwesIn } from '../../core/cwe.ts';
import { messageOf } from '../../core/errors.ts';
import type { TextEdit } from '../../core/source.ts';
import { LineIndex } from '../../core/source.ts';
import type { Finding } from '../../core/verification/finding.ts';
import { type Need, needOf, needOfNode, TextNeeds } from './needs.ts';
import { shareRegexes, withCheapRegexes } from './cheap-regex.ts';
import type { BuiltinRule } from './rules.ts';

type Matcher = Record<string, unknown>;

/**
 * All rules of one grammar, run together. ast-grep compiles what it is asked at every question, and visits every node for
 * it; so rules whose words the text does not contain are left out, one question asks for all others at once, and only those
 * that answered are asked alone.
 */
export class RuleSet {
  private entries: Entry[];
  private readonly refused: string[] = [];

  constructor(rules: readonly BuiltinRule[]) {
    this.entries = rules.map((written) => {
      const rule: BuiltinRule = { ...written, rule: withCheapRegexes(written.rule), ...(written.constraints ? { constraints: withCheapRegexes(written.constraints) } : {}), ...(written.utils ? { utils: withCheapRegexes(written.utils) } : {}) };
      return { written, rule, need: needOf(written.rule, written.utils), needOfNode: needOfNode(written.rule, written.utils) };
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
    const lines = new LineIndex(text);
    const texts = new TextNeeds(text);
    const possible = () => this.entries.filter(({ need }) => texts.meets(need));
    let hits: Entry[];
    try {
      hits = this.hits(root, possible());
    } catch {
      // One question for many rules fails with any of them.
      this.tryEach(possible(), root);
      hits = this.hits(root, possible());
    }
    return hits
      .flatMap((entry) => this.attempt(entry, (rule) => findingsOf(rule, root, text, lines)) ?? [])
      .sort((a, b) => a.startLine - b.startLine || a.startColumn - b.startColumn || (a.ruleId < b.ruleId ? -1 : 1));
  }

  /** Asks for all rules once, whatever the text: the first time costs ten times the second. */
  warm(root: SgNode): void {
    try {
      this.hits(root, this.entries);
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
    for (const entry of entries) this.attempt(entry, (rule) => probe.findAll(asked(rule)).forEach((node) => node.free()));
  }

  /** Asks one rule; one that ast-grep refuses is asked again as it was written, then named and left out. */
  private attempt<T>(entry: Entry, ask: (rule: BuiltinRule) => T): T | undefined {
    try {
      return ask(entry.rule);
    } catch (error) {
      if (entry.rule !== entry.written) {
        entry.rule = entry.written;
        return this.attempt(entry, ask);
      }
      this.refused.push(`${entry.rule.id}: ${messageOf(error).replace(/\s+/g, ' ').trim()}`);
      this.entries = this.entries.filter((e) => e !== entry);
      return undefined;
    }
  }

  /**
   * Rules whose pattern (constraints left aside) occurs. Of several that match one node, `any` reports the first: so those
   * found are taken out and others that may match the same nodes are asked again, until none answers.
   */
  private hits(root: SgNode, possible: readonly Entry[]): Entry[] {
    const found: Entry[] = [];
    let left = possible.map((entry, at) => ({ entry, at }));
    while (left.length > 0) {
      const answered = new Set<number>();
      const matched = new Set<string>();
      for (const node of root.findAll(together(left.map(({ entry, at }) => ({ rule: entry.rule, at }))))) {
        matched.add(node.text());
        for (const { at } of left) {
          const mark = node.getMatch(markOf(at));
          if (!mark) continue;
          mark.free();
          answered.add(at);
          break;
        }
        node.free();
      }
      if (answered.size === 0) break;
      found.push(...left.filter(({ at }) => answered.has(at)).map(({ entry }) => entry));
      const texts = [...matched].map((text) => new TextNeeds(text));
      left = left.filter(({ entry, at }) => !answered.has(at) && texts.some((text) => text.meets(entry.needOfNode)));
    }
    return found;
  }
}

interface Entry {
  readonly written: BuiltinRule;
  /** As it is asked. */
  rule: BuiltinRule;
  readonly need: Need;
  readonly needOfNode: Need;
}

/** What ast-grep is asked for one rule. */
function asked({ rule, constraints, utils, transform }: BuiltinRule): Matcher {
  return { rule, ...(constraints ? { constraints } : {}), ...(utils ? { utils } : {}), ...(transform ? { transform } : {}) };
}

/** One question for many rules. A bare metavariable beside each rule matches whatever it matched and tells which it was. */
function together(rules: readonly { rule: BuiltinRule; at: number }[]): Matcher {
  const utils: Matcher = {};
  const regexes = new Map<string, string>();
  const any = rules.map(({ rule, at }) => {
    const own = Object.keys(rule.utils ?? {});
    const inOne = (matcher: unknown) => shareRegexes(renameUtils(matcher, new Map(own.map((name) => [name, `rule-${at}-${name}`]))), utils, regexes);
    for (const name of own) utils[`rule-${at}-${name}`] = inOne(rule.utils?.[name]);
    return { all: [inOne(rule.rule), { pattern: `$${markOf(at)}` }] };
  });
  return { rule: { any }, ...(Object.keys(utils).length > 0 ? { utils } : {}) };
}

function markOf(at: number): string {
  return `SAFENOTE_RULE_${at}`;
}

/** Utility rules have names of their own in each rule; in one question they must not meet. */
function renameUtils(matcher: unknown, names: ReadonlyMap<string, string>): unknown {
  if (names.size === 0 || typeof matcher !== 'object' || matcher === null) return matcher;
  if (Array.isArray(matcher)) return matcher.map((item) => renameUtils(item, names));
  return Object.fromEntries(
    Object.entries(matcher).map(([key, value]) => [key, key === 'matches' && typeof value === 'string' ? (names.get(value) ?? value) : renameUtils(value, names)]),
  );
}

function findingsOf(rule: BuiltinRule, root: SgNode, text: string, lines: LineIndex): Finding[] {
  return root.findAll(asked(rule)).map((node) => {
    const { start, end } = offsetsOf(node);
    const fix = typeof rule.fix === 'string' ? { start, end, text: fillIn(rule.fix, node, text) } satisfies TextEdit : undefined;
    const finding: Finding = {
      ...lines.toRange({ start, end }),
      ruleId: rule.id,
      ruleFamily: rule.metadata.family,
      cwe: cwesIn(rule.metadata.cwe),
      severity: rule.severity,
      message: fillIn(rule.message, node, text),
      analyzer: 'builtin',
      ...(fix ? { fix } : {}),
    };
    node.free();
    return finding;
  });
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
function fillIn(template: string, node: SgNode, text: string): string {
  return template.replace(/(\$\$\$|\$\$?)([A-Z_][A-Z0-9_]*)/g, (written, sigil: string, name: string) => {
    if (sigil === '$$$') {
      const matches = node.getMultipleMatches(name).map((match) => {
        const offsets = offsetsOf(match);
        match.free();
        return offsets;
      });
      const first = matches[0];
      const last = matches.at(-1);
      return first && last ? text.slice(first.start, last.end) : '';
    }
    const match = node.getMatch(name);
    const value = match?.text() ?? node.getTransformed(name) ?? written;
    match?.free();
    return value;
  });
}
