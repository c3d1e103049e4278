import type { SgNode } from '@ast-grep/wasm';
import { cwesIn } from '../../core/cwe.ts';
import { messageOf } from '../../core/errors.ts';
import type { TextEdit } from '../../core/source.ts';
import { LineIndex } from '../../core/source.ts';
import type { Finding } from '../../core/verification/finding.ts';
import type { BuiltinRule } from './rules.ts';

type Matcher = Record<string, unknown>;

/**
 * All rules of one grammar, run together. ast-grep compiles what it is asked at every question, and a question about a
 * 200-line file costs more than the rule in it; so one question asks for all rules at once, and only rules that answered are
 * asked alone.
 */
export class RuleSet {
  /** What is wrong with rules that ast-grep refused. */
  readonly broken: readonly string[];
  private readonly rules: readonly BuiltinRule[];

  /** `probe` is the root of any text of the grammar; every rule is tried on it, so that a broken one stands alone. */
  constructor(rules: readonly BuiltinRule[], probe: SgNode) {
    const broken: string[] = [];
    this.rules = rules.filter((rule) => {
      try {
        probe.findAll(asked(rule)).forEach((node) => node.free());
        return true;
      } catch (error) {
        broken.push(`${rule.id}: ${messageOf(error).replace(/\s+/g, ' ').trim()}`);
        return false;
      }
    });
    this.broken = broken;
  }

  get size(): number {
    return this.rules.length;
  }

  /** Findings of all rules in a text, by place. */
  scan(root: SgNode, text: string): Finding[] {
    const lines = new LineIndex(text);
    return this.hits(root)
      .flatMap((rule) => findingsOf(rule, root, text, lines))
      .sort((a, b) => a.startLine - b.startLine || a.startColumn - b.startColumn || (a.ruleId < b.ruleId ? -1 : 1));
  }

  /**
   * Rules whose pattern (constraints left aside) occurs. Of several that match one node, `any` reports the first: so those
   * found are taken out and the others asked again, until none answers.
   */
  private hits(root: SgNode): BuiltinRule[] {
    const found: BuiltinRule[] = [];
    let left = this.rules.map((rule, at) => ({ rule, at }));
    while (left.length > 0) {
      const answered = new Set<number>();
      for (const node of root.findAll(together(left))) {
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
      found.push(...left.filter(({ at }) => answered.has(at)).map(({ rule }) => rule));
      left = left.filter(({ at }) => !answered.has(at));
    }
    return found;
  }
}

/** What ast-grep is asked for one rule. */
function asked({ rule, constraints, utils, transform }: BuiltinRule): Matcher {
  return { rule, ...(constraints ? { constraints } : {}), ...(utils ? { utils } : {}), ...(transform ? { transform } : {}) };
}

/** One question for many rules. A bare metavariable beside each rule matches whatever it matched and tells which it was. */
function together(rules: readonly { rule: BuiltinRule; at: number }[]): Matcher {
  const utils: Matcher = {};
  const any = rules.map(({ rule, at }) => {
    const own = Object.keys(rule.utils ?? {});
    const renamed = (matcher: unknown) => renameUtils(matcher, new Map(own.map((name) => [name, `rule-${at}-${name}`])));
    for (const name of own) utils[`rule-${at}-${name}`] = renamed(rule.utils?.[name]);
    return { all: [renamed(rule.rule), { pattern: `$${markOf(at)}` }] };
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
