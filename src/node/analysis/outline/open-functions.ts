import type { Node } from 'web-tree-sitter';
import { textOf } from './language-outline.ts';

/** A function whose closing brace is still to be written, so that the grammar shows only the pieces of its header. */
export interface OpenFunction {
  readonly name: string;
  /** The first node of the header. */
  readonly first: Node;
  /** Offset of the opening brace. */
  readonly brace: number;
}

const PARAMETERS = ['formal_parameters', 'function_declarator'];
const NAMES = ['identifier', 'property_identifier', 'private_property_identifier', 'field_identifier', 'type_identifier'];
/** What may stand between parameters and body. */
const BETWEEN = ['=>', 'type_annotation', 'throws', 'type_predicate_annotation', 'noexcept', 'type_qualifier', 'virtual_specifier', 'comment'];

/**
 * Functions that begin in an ERROR node and whose body goes on to its end. When the braces of a class and of a method are
 * both open, as while a method is being typed, tree-sitter gives the pieces of both side by side.
 */
export function openFunctions(error: Node, text: string): OpenFunction[] {
  const children = error.children.filter((child) => child !== null);
  const open: OpenFunction[] = [];
  for (const [at, parameters] of children.entries()) {
    if (!PARAMETERS.includes(parameters.type)) continue;
    const braceAt = children.findIndex((child, index) => index > at && !BETWEEN.includes(child.type));
    const brace = children[braceAt];
    if (brace?.type !== '{' || isClosed(children.slice(braceAt + 1))) continue;
    const declarator = parameters.type === 'function_declarator' ? parameters.childForFieldName('declarator') : undefined;
    const before = children[at - 1];
    const name = declarator ?? (before && NAMES.includes(before.type) ? before : undefined);
    open.push({ name: name ? textOf(name, text) : '', first: firstOfHeader(children, at), brace: brace.startIndex });
  }
  return open;
}

/** Whether the brace before these nodes is closed among them. */
function isClosed(after: readonly Node[]): boolean {
  let depth = 1;
  for (const { type } of after) {
    if (type === '{') depth++;
    else if (type === '}' && --depth === 0) return true;
  }
  return false;
}

/** Modifiers, type and name stand on the line of the parameters, behind what ends the piece before. */
function firstOfHeader(children: readonly Node[], parametersAt: number): Node {
  let first = children[parametersAt] as Node;
  const { row } = first.startPosition;
  for (let at = parametersAt - 1; at >= 0; at--) {
    const child = children[at];
    if (!child || child.startPosition.row !== row || /^([{};,(:]|.*comment|.*_definition)$/.test(child.type)) break;
    first = child;
  }
  return first;
}
