import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';

/** What the build packed about each rule of SafeNote, by rule id. */
const Metadata = z.record(
  z.string(),
  z.object({
    cwe: z.array(z.string()),
    family: z.string(),
    language: z.string(),
    /** Languages that the Semgrep rule serves. */
    languages: z.array(z.string()).optional(),
    severity: z.enum(['error', 'warning', 'info']),
    message: z.string(),
    engines: z.array(z.enum(['builtin', 'semgrep'])),
  }),
);
export type RulesMetadata = z.infer<typeof Metadata>;

/** Reads `rules/metadata.json` of the build's output. */
export async function readMetadata(assetsRoot: string): Promise<RulesMetadata> {
  return Metadata.parse(JSON.parse(await readFile(path.join(assetsRoot, 'rules', 'metadata.json'), 'utf8')));
}

/** A short name for a state of the rules: `317 rules, 4f1a2b3c`. */
export function rulesVersion(metadata: RulesMetadata): string {
  const hash = createHash('sha256').update(JSON.stringify(metadata)).digest('hex').slice(0, 8);
  return `${Object.keys(metadata).length} rules, ${hash}`;
}
