import { messageOf } from '../../core/errors.ts';
import type { SourceDocument } from '../../core/source.ts';
import { EMPTY_OUTLINE, type SyntaxOutline } from '../../core/syntax/outline.ts';
import { type Grammar, grammarFor, type GrammarName } from './grammars.ts';
import { GrammarHost } from './grammar-host.ts';
import type { ScanResult } from './messages.ts';
import { outlineOf } from './outline/outline-of.ts';
import { readBuiltinRules } from './rules.ts';
import { RuleSet } from './rule-set.ts';

/** What the analysis worker does, without the worker around it. Synchronous once a language is loaded. */
export class AnalysisEngine {
  private readonly assetsRoot: string;
  private readonly host: GrammarHost;
  private readonly ruleSets = new Map<GrammarName, RuleSet>();
  private rules: ReturnType<typeof readBuiltinRules> | undefined;

  constructor(assetsRoot: string) {
    this.assetsRoot = assetsRoot;
    this.host = new GrammarHost(assetsRoot);
  }

  async outline(document: SourceDocument): Promise<SyntaxOutline> {
    const grammar = grammarFor(document.language, document.path);
    if (!grammar) return EMPTY_OUTLINE;
    await this.host.load(grammar);
    return this.host.withParsed(grammar, document.text, ({ tree }) => outlineOf(grammar.name, tree, document.text));
  }

  async scan(document: SourceDocument): Promise<ScanResult> {
    const grammar = grammarFor(document.language, document.path);
    const rules = grammar ? await this.ruleSet(grammar) : undefined;
    if (!grammar || !rules) return { status: 'unavailable', reason: `no rules for ${document.language}`, findings: [], brokenRules: [] };
    try {
      const findings = this.host.withParsed(grammar, document.text, ({ root }) => {
        const node = root.root();
        try {
          return rules.scan(node, document.text);
        } finally {
          node.free();
        }
      });
      return { status: 'ran', findings, brokenRules: rules.broken };
    } catch (error) {
      return { status: 'unavailable', reason: `the text could not be analysed: ${messageOf(error)}`, findings: [], brokenRules: rules.broken };
    }
  }

  /** Loads grammar and rules of a document's language. */
  async warm(document: SourceDocument): Promise<null> {
    const grammar = grammarFor(document.language, document.path);
    if (grammar) {
      await this.host.load(grammar);
      await this.ruleSet(grammar);
    }
    return null;
  }

  /** The rules of a grammar; none where nobody wrote one that works. */
  private async ruleSet(grammar: Grammar): Promise<RuleSet | undefined> {
    const known = this.ruleSets.get(grammar.name);
    if (known) return known.size > 0 ? known : undefined;
    this.rules ??= readBuiltinRules(this.assetsRoot);
    this.rules.catch(() => (this.rules = undefined));
    const [{ rules }] = await Promise.all([this.rules, this.host.load(grammar)]);
    const own = rules.filter((rule) => rule.language === grammar.name);
    const set = this.host.withParsed(grammar, '', ({ root }) => new RuleSet(own, root.root()));
    this.ruleSets.set(grammar.name, set);
    return set.size > 0 ? set : undefined;
  }
}
