import type { Utils } from './needs.ts';

/** What the root of a tree is called in our grammars. */
const ROOTS = ['module', 'program', 'translation_unit', 'source_file', 'ERROR'];

/**
 * Whether a rule looks no further than the top-level statement that its match stands in. Then the words it needs must be in
 * that one statement, not just anywhere in the text. Neighbours and the whole file are further; so is an ancestor of which
 * nothing says that it is not the root.
 */
export function isLocal(matcher: unknown, utils: Utils, seen: readonly string[] = []): boolean {
  if (Array.isArray(matcher)) return matcher.every((item) => isLocal(item, utils, seen));
  if (typeof matcher !== 'object' || matcher === null) return true;
  return Object.entries(matcher).every(([key, value]) => {
    if (key === 'precedes' || key === 'follows') return false;
    if (key === 'inside' && !isNotRoot(value, utils, seen)) return false;
    if (key === 'matches' && typeof value === 'string') return seen.includes(value) || !Object.hasOwn(utils, value) || isLocal(utils[value], utils, [...seen, value]);
    return isLocal(value, utils, seen);
  });
}

function isNotRoot(matcher: unknown, utils: Utils, seen: readonly string[]): boolean {
  if (typeof matcher !== 'object' || matcher === null) return false;
  const { kind, pattern, any, all, matches } = matcher as Record<string, unknown>;
  if (typeof kind === 'string') return !ROOTS.includes(kind);
  if (typeof pattern === 'string') return true;
  if (Array.isArray(any)) return any.length > 0 && any.every((m) => isNotRoot(m, utils, seen));
  if (Array.isArray(all)) return all.some((m) => isNotRoot(m, utils, seen));
  if (typeof matches === 'string' && !seen.includes(matches)) return isNotRoot(utils[matches], utils, [...seen, matches]);
  return false;
}
