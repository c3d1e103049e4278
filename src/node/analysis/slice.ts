import type { Node, Tree } from 'web-tree-sitter';
import { changedRows } from './changed-lines.ts';

/** Nodes whose children are statements. */
const BLOCKS = new Set([
  'module', 'block', 'program', 'statement_block', 'class_body', 'translation_unit', 'compound_statement', 'declaration_list', 'field_declaration_list', 'source_file', 'statement_list',
  'constructor_body', 'interface_body',
]);
const COMMENTS = /^(line_|block_)?comment$/;
const FUNCTION = /^(function_definition|function_declaration|function_expression|function|generator_function(_declaration)?|arrow_function|method_definition|method_declaration|constructor_declaration|func_literal|lambda|lambda_expression)$/;
const TYPE = /^(class_definition|class_declaration|class|class_specifier|struct_specifier|interface_declaration|namespace_definition|enum_declaration)$/;
const JUMP = /^(return_statement|raise_statement|throw_statement|break_statement|continue_statement|goto_statement)$/;
const NAME = /^(identifier|shorthand_property_identifier|shorthand_property_identifier_pattern)$/;
const CALL = /^(call|call_expression|method_invocation|await|await_expression)$/;
/** Fields that hold what a node defines, and the nodes that have them. */
const DEFINES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/assignment|short_var_declaration|range_clause|^for_statement$|for_in_statement|for_in_clause|augmented_assignment/, ['left']],
  [/^(variable_declarator|var_spec|const_spec|named_expression|enhanced_for_statement|resource|catch_formal_parameter)$/, ['name']],
  [/^(init_declarator|declaration|for_range_loop)$/, ['declarator']],
  [/^(update_expression)$/, ['argument']],
  [/^(inc_statement|dec_statement)$/, ['operand']],
  [/^(as_pattern)$/, ['alias']],
  [/^(catch_clause)$/, ['parameter', 'parameters']],
];
/** A branch that was changed takes its body along up to so many statements, else only where it leaves the function. */
const SMALL_BODY = 6;

/** A statement, or a compound one's own part: everything of it that lies in none of its blocks. */
interface Unit {
  readonly node: Node;
  readonly parent: Unit | undefined;
  readonly blocks: readonly Block[];
  readonly rows: ReadonlySet<number>;
  readonly uses: ReadonlySet<string>;
  readonly defines: ReadonlySet<string>;
  /** Changed in passing: what a call is given may come out of it other than it went in. */
  readonly touches: ReadonlySet<string>;
  readonly isFunction: boolean;
  readonly isType: boolean;
}

interface Block {
  readonly node: Node;
  readonly units: Unit[];
}

/**
 * The security-focused slice of the secure side of a pair (paper §3.2): from the statements that the vulnerable side does not
 * have, backwards along data and control dependence and forwards along data, inside their function. The statements keep
 * their order and indentation. `undefined` where nothing tells the sides apart or nothing can be left out. What it gives
 * is not longer than `text`; whether it parses is for the caller to see.
 */
export function sliceOf(tree: Tree, text: string, before: string): string | undefined {
  const rows = changedRows(before, text);
  const all: Unit[] = [];
  const root = readBlock(tree.rootNode, undefined, all);
  const criterion = all.filter((unit) => !unit.isType && [...unit.rows].some((row) => rows.has(row)));
  if (criterion.length === 0) return undefined;

  const kept = new Set<Unit>();
  backwards(criterion, all, kept);
  const ahead = forwards(criterion, all);
  for (const unit of ahead) for (let at: Unit | undefined = unit; at; at = at.parent) kept.add(at);
  for (const unit of [...kept]) {
    // A branch that leaves says so: an empty one would be bad advice.
    if (unit.isFunction || unit.isType) continue;
    for (const { units } of unit.blocks) if (units.length <= 3 && units.some((u) => JUMP.test(u.node.type)) && !units.some((u) => kept.has(u))) for (const u of units) kept.add(u);
  }
  if (kept.size === all.length) return undefined;

  const python = tree.rootNode.type === 'module';
  const slice = without(text, removals(root, kept, text, python)).replace(/[ \t]+$/gm, '').replace(/\n{3,}/g, '\n\n').replace(/^\n+|\s+$/g, '');
  return slice && slice.length < text.trimEnd().length ? slice : undefined;
}

function readBlock(node: Node, parent: Unit | undefined, all: Unit[]): Block {
  const units: Unit[] = [];
  for (const child of node.namedChildren) {
    if (!child || COMMENTS.test(child.type)) continue;
    // Go wraps the statements of a block once more.
    if (BLOCKS.has(child.type) && node.type !== 'compound_statement' && child.type === 'statement_list') units.push(...readBlock(child, parent, all).units);
    else units.push(readUnit(child, parent, all));
  }
  return { node, units };
}

function readUnit(node: Node, parent: Unit | undefined, all: Unit[]): Unit {
  const inner: Node[] = [];
  const own = { rows: new Set<number>(), uses: new Set<string>(), defines: new Set<string>(), touches: new Set<string>() };
  const isStatementCall = /^expression_statement$/.test(node.type) || CALL.test(node.type);
  let isFunction = false;
  let isType = false;

  const visit = (at: Node, defining: boolean, passing: boolean): void => {
    if (BLOCKS.has(at.type)) {
      inner.push(at);
      return;
    }
    if (FUNCTION.test(at.type)) isFunction = true;
    if (TYPE.test(at.type)) isType = true;
    if (at.childCount === 0) {
      for (let row = at.startPosition.row; row <= at.endPosition.row; row++) own.rows.add(row);
      if (!NAME.test(at.type)) return;
      own.uses.add(at.text);
      if (defining) own.defines.add(at.text);
      if (passing) own.touches.add(at.text);
      return;
    }
    const fields = DEFINES.filter(([type]) => type.test(at.type)).flatMap(([, names]) => names);
    const targets = new Set(fields.flatMap((field) => at.childrenForFieldName(field)).flatMap((child) => (child ? [child.id] : [])));
    const parameters = /^(parameters|formal_parameters|parameter_list|import_statement|import_from_statement|import_declaration)$/.test(at.type);
    const argument = /^(argument_list|arguments|pointer_expression|reference_expression)$/.test(at.type) || (isStatementCall && /^(attribute|member_expression|selector_expression|field_expression)$/.test(at.type));
    for (const child of at.children) {
      if (!child) continue;
      // What an initial value reads is not defined by it.
      const value = at.childForFieldName('value')?.id === child.id || at.childForFieldName('right')?.id === child.id;
      visit(child, !value && (defining || parameters || targets.has(child.id)), passing || (argument && isStatementCall) || at.type === 'pointer_expression');
    }
  };
  visit(node, false, false);
  const blocks: Block[] = [];
  const unit: Unit = { node, parent, blocks, ...own, isFunction, isType };
  all.push(unit);
  for (const block of inner) blocks.push(readBlock(block, unit, all));
  return unit;
}

/** The outermost function around a unit, itself where it is one. */
function functionOf(unit: Unit): Unit | undefined {
  let found: Unit | undefined;
  for (let at: Unit | undefined = unit; at; at = at.parent) if (at.isFunction) found = at;
  return found;
}

function backwards(criterion: readonly Unit[], all: readonly Unit[], kept: Set<Unit>): void {
  const work = [...criterion];
  for (let unit = work.pop(); unit; unit = work.pop()) {
    if (kept.has(unit)) continue;
    kept.add(unit);
    if (unit.parent) work.push(unit.parent);
    // A header's defaults and types are not what decides.
    if (unit.isFunction && unit.blocks.length > 0 && !criterion.includes(unit)) continue;
    const around = functionOf(unit);
    if (!around) continue;
    const at = all.indexOf(unit);
    for (const name of unit.uses) {
      for (let n = at - 1; n >= 0; n--) {
        const other = all[n] as Unit;
        if (functionOf(other) !== around || other.isType || (other.isFunction && other !== around && !isAround(other, unit))) continue;
        if (other.defines.has(name)) {
          work.push(other);
          if (isSure(other, unit)) break;
        } else if (other.touches.has(name)) work.push(other);
      }
    }
  }
}

function forwards(criterion: readonly Unit[], all: readonly Unit[]): Set<Unit> {
  const found = new Set<Unit>();
  const work = [...criterion];
  for (let unit = work.pop(); unit; unit = work.pop()) {
    const around = functionOf(unit);
    if (unit.blocks.length > 0 && !unit.isFunction && !unit.isType && criterion.includes(unit)) {
      const body = all.filter((other) => isAround(unit as Unit, other));
      for (const other of body) if (body.length <= SMALL_BODY || JUMP.test(other.node.type)) found.add(other);
    }
    if (!around || unit.isFunction) continue;
    for (const name of unit.defines) {
      for (const other of all.slice(all.indexOf(unit) + 1)) {
        if (found.has(other) || functionOf(other) !== around || !other.uses.has(name)) continue;
        found.add(other);
        work.push(other);
      }
    }
  }
  return found;
}

/** Whether `outer` is a compound statement around `inner`. */
function isAround(outer: Unit, inner: Unit): boolean {
  for (let at = inner.parent; at; at = at.parent) if (at === outer) return true;
  return false;
}

/** Whether a definition surely ran before the use: it stands in a block around the use and is no loop or branch itself. */
function isSure(definition: Unit, use: Unit): boolean {
  if (definition.parent === use.parent) return definition.blocks.length === 0;
  for (let at = use.parent; at; at = at.parent) if (at.parent === definition.parent) return definition.blocks.length === 0 || at === definition;
  return false;
}

interface Removal {
  readonly start: number;
  readonly end: number;
  readonly by: string;
}

function removals(block: Block, kept: ReadonlySet<Unit>, text: string, python: boolean): Removal[] {
  const found: Removal[] = [];
  for (const child of block.node.namedChildren) if (child && COMMENTS.test(child.type)) found.push(wholeLines(child.startIndex, child.endIndex, text));
  for (const unit of block.units) {
    if (!kept.has(unit)) {
      found.push(wholeLines(unit.node.startIndex, unit.node.endIndex, text));
      continue;
    }
    for (const inner of unit.blocks) {
      if (inner.units.length === 0 || inner.units.some((u) => kept.has(u))) {
        found.push(...removals(inner, kept, text, python));
        continue;
      }
      const branch = elseAround(inner.node);
      if (branch) found.push(wholeLines(branch.start, branch.end, text));
      else if (python) found.push({ start: inner.node.startIndex, end: inner.node.endIndex, by: 'pass' });
      else found.push({ start: inner.node.startIndex, end: inner.node.endIndex, by: inner.node.type === 'statement_list' ? '' : '{}' });
    }
  }
  return found;
}

/** The range of the `else` or `elif` that a block belongs to: it can go as a whole. */
function elseAround(block: Node): { start: number; end: number } | undefined {
  const { parent, previousSibling } = block;
  if (parent && /^(else_clause|elif_clause)$/.test(parent.type)) return { start: parent.startIndex, end: parent.endIndex };
  return previousSibling?.type === 'else' ? { start: previousSibling.startIndex, end: block.endIndex } : undefined;
}

/** A range with the whole lines that it fills alone. */
function wholeLines(start: number, end: number, text: string): Removal {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const newline = text.indexOf('\n', end);
  const lineEnd = newline === -1 ? text.length : newline + 1;
  const alone = !text.slice(lineStart, start).trim() && !text.slice(end, lineEnd).trim();
  return alone ? { start: lineStart, end: lineEnd, by: '' } : { start, end, by: '' };
}

function without(text: string, removed: readonly Removal[]): string {
  let result = '';
  let at = 0;
  for (const { start, end, by } of removed.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    if (end <= at) continue;
    result += text.slice(at, Math.max(at, start)) + by;
    at = end;
  }
  return result + text.slice(at);
}
