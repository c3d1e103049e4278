import { type Need, needOf, regexFor, type TextNeeds, type Utils } from './needs.ts';

type Matcher = Record<string, unknown>;

/**
 * A rule without what cannot match in one text: alternatives whose words are not in it, and exceptions that cannot hold. For
 * this text it means the same, and it is compiled in a fraction of the time. `false` when nothing of it can match.
 */
export class Simplifier {
  private readonly needs = new WeakMap<object, Need>();
  private readonly utils: Utils;

  /** `utils` are those of the rule; their order of definition does not matter. */
  constructor(utils: Utils = {}) {
    this.utils = utils;
  }

  simplify(matcher: unknown, text: TextNeeds): Matcher | false {
    const simple = this.part(matcher, text);
    // Nothing is left but an exception that was dropped: ast-grep wants something positive.
    return simple !== false && says(simple) ? simple : simple && (matcher as Matcher);
  }

  private part(matcher: unknown, text: TextNeeds): Matcher | false {
    if (typeof matcher !== 'object' || matcher === null || Array.isArray(matcher)) return false;
    if (!text.meets(this.needOf(matcher))) return false;
    const simple: Matcher = {};
    for (const [key, value] of Object.entries(matcher)) {
      if (key === 'any' && Array.isArray(value)) {
        const left = value.map((v) => this.simplify(v, text)).filter((v) => v !== false);
        if (left.length === 0) return false;
        simple[key] = left;
      } else if (key === 'all' && Array.isArray(value)) {
        const parts = value.map((v) => this.part(v, text));
        if (parts.includes(false)) return false;
        const telling = parts.filter((part) => part !== false && says(part));
        simple[key] = telling.length > 0 ? telling : value;
      } else if (key === 'not') {
        const exception = this.simplify(value, text);
        if (exception !== false) simple[key] = exception;
      } else if (key === 'has' || key === 'inside' || key === 'precedes' || key === 'follows') {
        const relation = this.simplify(value, text);
        if (relation === false) return false;
        simple[key] = relation;
      } else simple[key] = key === 'regex' && typeof value === 'string' ? regexFor(value, text) : value;
    }
    return simple;
  }

  /** The utility rules that a simplified rule may still name. */
  simplifyUtils(text: TextNeeds): Record<string, Matcher> {
    return Object.fromEntries(
      Object.entries(this.utils).flatMap(([name, matcher]) => {
        const simple = this.simplify(matcher, text);
        return simple === false ? [] : [[name, simple]];
      }),
    );
  }

  /** Constraints with what cannot match left out. One that cannot hold stays as it is: it still forbids. */
  simplifyConstraints(constraints: Readonly<Record<string, Matcher>>, text: TextNeeds): Record<string, Matcher> {
    return Object.fromEntries(
      Object.entries(constraints).map(([name, matcher]) => {
        const simple = this.simplify(matcher, text);
        return [name, simple === false ? matcher : simple];
      }),
    );
  }

  private needOf(matcher: object): Need {
    let need = this.needs.get(matcher);
    if (!need) {
      need = needOf(matcher, this.utils);
      this.needs.set(matcher, need);
    }
    return need;
  }
}

/** Whether anything is asked of a node. `field` and `stopBy` only say where to look. */
function says(matcher: Matcher): boolean {
  return Object.keys(matcher).some((key) => key !== 'field' && key !== 'stopBy');
}
