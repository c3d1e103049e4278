import type { Node } from 'web-tree-sitter';
import { type ChainTypes, dottedName, type FunctionParts, type LanguageOutline, outermost, textOf, typeDeclaration } from './language-outline.ts';

const CHAIN: ChainTypes = {
  links: {
    method_invocation: { name: 'name', next: 'object' },
    field_access: { name: 'field', next: 'object' },
    object_creation_expression: { next: 'type' },
    array_access: { next: 'array' },
    parenthesized_expression: { next: 'expression', orFirst: true },
    generic_type: { next: 'type', orFirst: true },
  },
  ends: ['identifier', 'type_identifier', 'scoped_type_identifier', 'this', 'super'],
};

function method(node: Node, text: string): FunctionParts | undefined {
  const body = node.childForFieldName('body');
  const name = node.childForFieldName('name');
  return body ? { name: name ? textOf(name, text) : '', whole: node, body } : undefined;
}

function lambda(node: Node, text: string): FunctionParts | undefined {
  const body = node.childForFieldName('body');
  if (!body) return undefined;
  const declarator = node.parent?.type === 'variable_declarator' ? node.parent : undefined;
  const name = declarator?.childForFieldName('name');
  if (declarator && name) return { name: textOf(name, text), whole: outermost(declarator, ['local_variable_declaration', 'field_declaration']), body };
  return body.type === 'block' ? { name: '', whole: node, body } : undefined;
}

export const JAVA: LanguageOutline = {
  openBodies: 'braces',
  functions: { method_declaration: method, constructor_declaration: method, compact_constructor_declaration: method, lambda_expression: lambda },
  declarations: {
    class_declaration: typeDeclaration(),
    interface_declaration: typeDeclaration(),
    record_declaration: typeDeclaration(),
    enum_declaration: typeDeclaration(),
    method_declaration: (node, text) => {
      const name = node.childForFieldName('name');
      return name && !node.childForFieldName('body') ? { kind: 'function', name: textOf(name, text), whole: node } : undefined;
    },
  },
  imports: {
    import_declaration: (node, text) => {
      const module = node.namedChildren.find((child) => child?.type === 'scoped_identifier' || child?.type === 'identifier');
      if (!module) return [];
      const written = textOf(module, text).replace(/\s+/g, '');
      const everything = node.namedChildren.some((child) => child?.type === 'asterisk');
      return [{ module: written, names: everything ? [] : [written.slice(written.lastIndexOf('.') + 1)] }];
    },
  },
  calls: {
    method_invocation: (node, text) => dottedName(node, text, CHAIN),
    object_creation_expression: (node, text) => dottedName(node.childForFieldName('type'), text, CHAIN),
  },
};
