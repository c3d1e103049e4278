/** What values of a type look like, for the script that makes them. */
export type Shape =
  | { readonly of: 'number' | 'integer' | 'string' | 'boolean' | 'bigint' | 'null' | 'undefined' }
  | { readonly of: 'literal'; readonly value: string | number | boolean }
  | { readonly of: 'array' | 'record'; readonly item: Shape }
  | { readonly of: 'union'; readonly options: readonly Shape[] }
  | { readonly of: 'object'; readonly fields: Readonly<Record<string, Shape>> };

export interface Parameter {
  readonly name: string;
  readonly shape: Shape;
}

/** The parameters of a function by TypeScript's annotations, else by JSDoc; `undefined` where one has no type that can be made. */
export function parametersOf(header: string, documentation: string): Parameter[] | undefined {
  const list = /\(/.test(header) ? insideOf(header.slice(header.indexOf('(')), '(', ')') : undefined;
  if (list === undefined) return undefined;
  const documented = new Map<string, { type: string; optional: boolean }>();
  for (const m of documentation.matchAll(/@param\s+(?=\{)/g)) {
    const rest = documentation.slice(m.index + m[0].length);
    const type = insideOf(rest, '{', '}');
    const name = type === undefined ? undefined : /^\s*(\[?)\s*(\w+)/.exec(rest.slice(type.length + 2));
    if (type !== undefined && name) documented.set(name[2] ?? '', { type, optional: name[1] === '[' });
  }
  const parameters: Parameter[] = [];
  for (const part of split(list, ',').map((p) => p.trim()).filter(Boolean)) {
    const m = /^(\w+)\s*(\?)?\s*(?::([\s\S]*?))?(=(?!>)[\s\S]*)?$/.exec(part);
    if (!m) return undefined;
    const [, name = '', mark, annotation, value] = m;
    const told = documented.get(name);
    const shape = shapeOf(annotation ?? told?.type ?? '');
    if (!shape) return undefined;
    parameters.push({ name, shape: mark || value || told?.optional ? { of: 'union', options: [shape, { of: 'undefined' }] } : shape });
  }
  return parameters.length > 0 ? parameters : undefined;
}

export function shapeOf(text: string): Shape | undefined {
  let type = text.trim();
  if (/^\?/.test(type)) return union([shapeOf(type.slice(1)), { of: 'null' }]);
  if (/=$/.test(type)) return union([shapeOf(type.slice(0, -1)), { of: 'undefined' }]);
  type = type.replace(/^(?:!|readonly\s+)/, '').trim();
  const options = split(type, '|').map((o) => o.trim()).filter(Boolean);
  if (options.length > 1) return union(options.map(shapeOf));
  if (type.startsWith('(') && insideOf(type, '(', ')')?.length === type.length - 2) return shapeOf(type.slice(1, -1));
  if (type.endsWith('[]')) return listOf('array', shapeOf(type.slice(0, -2)));
  const generic = /^(Array|ReadonlyArray|Record|Object)\s*\.?<([\s\S]*)>$/.exec(type);
  if (generic) {
    const args = split(generic[2] ?? '', ',');
    if (/Array$/.test(generic[1] ?? '')) return args.length === 1 ? listOf('array', shapeOf(args[0] ?? '')) : undefined;
    return args.length === 2 && args[0]?.trim() === 'string' ? listOf('record', shapeOf(args[1] ?? '')) : undefined;
  }
  if (type.startsWith('{') && insideOf(type, '{', '}')?.length === type.length - 2) {
    const fields: Record<string, Shape> = {};
    for (const field of split(type.slice(1, -1).replace(/;/g, ','), ',').map((f) => f.trim()).filter(Boolean)) {
      const m = /^(?:readonly\s+)?(\w+)(\?)?\s*:([\s\S]*)$/.exec(field);
      const shape = shapeOf(m?.[3] ?? '');
      if (!m || !shape) return undefined;
      fields[m[1] ?? ''] = m[2] ? { of: 'union', options: [shape, { of: 'undefined' }] } : shape;
    }
    return { of: 'object', fields };
  }
  const literal = /^(?:'([^']*)'|"([^"]*)"|(-?\d+(?:\.\d+)?)|(true|false))$/.exec(type);
  if (literal) return { of: 'literal', value: literal[4] ? literal[4] === 'true' : literal[3] ? Number(literal[3]) : (literal[1] ?? literal[2] ?? '') };
  switch (type) {
    case 'number': case 'string': case 'boolean': case 'bigint': case 'null': case 'undefined': case 'integer':
      return { of: type };
    default:
      return undefined;
  }
}

function union(options: readonly (Shape | undefined)[]): Shape | undefined {
  return options.every((o) => o !== undefined) ? { of: 'union', options } : undefined;
}

function listOf(of: 'array' | 'record', item: Shape | undefined): Shape | undefined {
  return item && { of, item };
}

/** What stands in the bracket that a text begins with. */
function insideOf(text: string, open: string, close: string): string | undefined {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === open) depth++;
    else if (text[i] === close && --depth === 0) return text.slice(1, i);
  }
  return undefined;
}

/** Parts between separators that stand in no bracket and no string. */
function split(text: string, separator: string): string[] {
  const parts = [''];
  let depth = 0;
  let quote = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? '';
    if (quote) quote = char === quote ? '' : quote;
    else if (/['"`]/.test(char)) quote = char;
    else if ('([{<'.includes(char)) depth++;
    else if (')]}'.includes(char) || (char === '>' && text[i - 1] !== '=')) depth--;
    if (char === separator && depth === 0 && !quote) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts;
}
