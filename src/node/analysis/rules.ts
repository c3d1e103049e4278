import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';

const Matcher = z.record(z.string(), z.unknown());

/**
 * What may stand in the place of what was flagged: a template with the pattern's metavariables, or, for a rule of many forms,
 * replacements of the flagged text, of which the first that fits is taken; where none fits there is no fix.
 */
const Fix = z.union([z.string(), z.array(z.object({ replace: z.string(), by: z.string() }))]);

/** An ast-grep rule as the build packs it (docs/architecture.md has its source form). */
export const BuiltinRule = z.object({
  id: z.string().min(1),
  language: z.string(),
  severity: z.enum(['error', 'warning', 'info']),
  message: z.string(),
  rule: Matcher,
  constraints: z.record(z.string(), Matcher).optional(),
  utils: z.record(z.string(), Matcher).optional(),
  transform: Matcher.optional(),
  fix: Fix.optional(),
  metadata: z.object({ cwe: z.array(z.string()), family: z.string() }),
});
export type BuiltinRule = z.infer<typeof BuiltinRule>;

/** Reads `rules/builtin.json`. Entries that are no rules are left out and named in `broken`. */
export async function readBuiltinRules(assetsRoot: string): Promise<{ rules: BuiltinRule[]; broken: string[] }> {
  const list = z.array(z.unknown()).parse(JSON.parse(await readFile(path.join(assetsRoot, 'rules', 'builtin.json'), 'utf8')));
  const rules: BuiltinRule[] = [];
  const broken: string[] = [];
  for (const [index, entry] of list.entries()) {
    const parsed = BuiltinRule.safeParse(entry);
    if (parsed.success) rules.push(parsed.data);
    else broken.push(`rule ${index + 1}: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`);
  }
  return { rules, broken };
}
