import type { Node } from 'web-tree-sitter';
import type { OffsetRange } from '../../../core/source.ts';

/** A function as its grammar shows it. */
export interface FunctionParts {
  readonly name: string;
  /** The whole construct: with decorators, `export`, or the assignment that names it. */
  readonly whole: Node;
  /** Where the header begins; that of `whole` where absent. */
  readonly header?: Node;
  /** The body, or its place where the tree has no node for an unfinished one. */
  readonly body: Node | OffsetRange;
}

/** A type or a function without a body, as its grammar shows it. */
export interface DeclarationParts {
  readonly kind: 'type' | 'function' | 'constant';
  readonly name: string;
  readonly whole: Node;
  readonly header?: Node;
  readonly body?: Node;
}

export interface ImportParts {
  readonly module: string;
  readonly names: readonly string[];
  /** Bound name → own name, where they differ. */
  readonly renamed?: Readonly<Record<string, string>>;
}

/** How to read one language's tree: what to do at nodes of which type. `text` is the whole source. */
export interface LanguageOutline {
  readonly functions: NodeReaders<FunctionParts | undefined>;
  readonly declarations: NodeReaders<DeclarationParts | undefined>;
  readonly imports: NodeReaders<readonly ImportParts[]>;
  /** The called name, dotted. */
  readonly calls: NodeReaders<string | undefined>;
  /** Where a body that is still being written may go on after its last node. */
  readonly openBodies: 'indented' | 'braces';
}

/** Reads a type by the fields that most grammars have for its name and its body; `wrappers` belong to the whole. */
export function typeDeclaration(wrappers: readonly string[] = []): (node: Node, text: string) => DeclarationParts | undefined {
  return (node, text) => {
    const name = node.childForFieldName('name');
    const body = node.childForFieldName('body');
    return name ? { kind: 'type', name: textOf(name, text), whole: outermost(node, wrappers), header: node, ...(body ? { body } : {}) } : undefined;
  };
}

export type NodeReaders<T> = Readonly<Record<string, (node: Node, text: string) => T>>;

export function textOf(node: Node, text: string): string {
  return text.slice(node.startIndex, node.endIndex);
}

/** A called or imported name longer than this is not a name. */
const MAX_NAME = 200;

/**
 * A chain of names as written, with the arguments of calls and the subscripts in it left out: `db.cursor().execute` is
 * `db.cursor.execute`. What does not begin with a name is left out (`"".join` is `join`).
 */
export function dottedName(node: Node | null, text: string, chain: ChainTypes): string | undefined {
  const parts: string[] = [];
  let at: Node | null = node;
  while (at) {
    const link: ChainLink | undefined = chain.links[at.type];
    if (link) {
      const name: Node | null = link.name ? at.childForFieldName(link.name) : null;
      if (name) parts.unshift(textOf(name, text));
      at = at.childForFieldName(link.next) ?? (link.orFirst ? at.namedChild(0) : null);
    } else {
      if (chain.ends.includes(at.type)) parts.unshift(textOf(at, text));
      break;
    }
  }
  const name = parts.join('.').replace(/\s+/g, '');
  return name && name.length <= MAX_NAME ? name : undefined;
}

interface ChainLink {
  /** Field that holds the chain's last name; none where the node only wraps. */
  readonly name?: string;
  /** Field that holds the chain before it. */
  readonly next: string;
  readonly orFirst?: boolean;
}

/** Which nodes make a chain of names in a grammar, and which may begin one. */
export interface ChainTypes {
  readonly links: Readonly<Record<string, ChainLink>>;
  readonly ends: readonly string[];
}

/** The content of a string literal or of an include's path, its prefix and quotes removed; any other text as it is. */
export function unquoted(node: Node, text: string): string {
  const written = textOf(node, text);
  return /^[rRuUbBfF]{0,2}('{3}|"{3}|['"`<])([\s\S]*?)('{3}|"{3}|['"`>])$/.exec(written)?.[2] ?? written;
}

/** The nearest ancestor of one of these types, at most `steps` up. */
export function ancestor(node: Node, types: readonly string[], steps = 3): Node | undefined {
  let at = node.parent;
  for (let n = 0; at && n < steps; n++, at = at.parent) if (types.includes(at.type)) return at;
  return undefined;
}

/** The node, or what is around it as long as that is one of these types. */
export function outermost(node: Node, types: readonly string[]): Node {
  let at = node;
  while (at.parent && types.includes(at.parent.type)) at = at.parent;
  return at;
}
