import * as z from 'zod';

/** Per-model settings, by model name (`safenote.models`). */
export const ModelSettings = z.object({
  k: z.number().int().min(0).max(5).optional(),
  securityNotebook: z.boolean().optional(),
  functionNotebook: z.boolean().optional(),
  temperature: z.number().min(0).max(2).optional(),
});
export type ModelSettings = z.infer<typeof ModelSettings>;

/**
 * Every setting with its default; keys are those of `package.json` without `safenote.` (a test holds the two together).
 * The command line uses the same table.
 */
export const SettingsSchema = z.object({
  'model.provider': z.enum(['auto', 'editor', 'openai']).default('auto'),
  'model.baseUrl': z.string().default(''),
  'model.name': z.string().default(''),
  models: z.record(z.string(), ModelSettings).default({}),
  'completion.trigger': z.enum(['onInvoke', 'automatic', 'off']).default('onInvoke'),
  'completion.mode': z.enum(['plain', 'rescue', 'safenote']).default('safenote'),
  'retrieval.k': z.number().int().min(0).max(5).default(1),
  'retrieval.tokenBudget': z.number().int().min(0).max(100_000).default(2000),
  'retrieval.minSimilarity': z.number().min(0).max(1).default(0.35),
  'retrieval.draft': z.enum(['auto', 'never', 'always']).default('auto'),
  'context.outlines': z.boolean().default(true),
  'notebooks.security': z.boolean().default(true),
  'notebooks.function': z.boolean().default(true),
  'merge.similarity': z.number().min(0).max(1).default(0.85),
  'verify.deadlineMs': z.number().int().min(0).max(60_000).default(120),
  'verify.retryBudgetMs': z.number().int().min(0).max(600_000).default(30_000),
  'embedding.model': z.string().default('all-MiniLM-L6-v2'),
  'analyzers.semgrep.path': z.string().default(''),
  'analyzers.codeql.path': z.string().default(''),
  'analyzers.codeql.mode': z.enum(['off', 'onDemand', 'afterAccept']).default('onDemand'),
  'tests.mode': z.enum(['off', 'onAccept', 'beforeShow']).default('onAccept'),
  'tests.command': z.string().default(''),
  'tests.edgeInputs': z.boolean().default(false),
  guard: z.enum(['off', 'paste', 'tools', 'all']).default('all'),
});
export type Settings = z.infer<typeof SettingsSchema>;
export type SettingKey = keyof Settings;

export const DEFAULT_SETTINGS: Settings = SettingsSchema.parse({});

/** Reads settings one by one: a bad value is named and its default used, the others stand. */
export function parseSettings(values: Readonly<Record<string, unknown>>): { settings: Settings; problems: string[] } {
  const problems: string[] = [];
  const good: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(SettingsSchema.shape)) {
    const value = values[key];
    if (value === undefined || value === null) continue;
    const parsed = schema.safeParse(value);
    if (parsed.success) good[key] = parsed.data;
    else problems.push(`safenote.${key}: ${parsed.error.issues[0]?.message ?? 'not valid'}; using the default (${JSON.stringify(DEFAULT_SETTINGS[key as SettingKey])}).`);
  }
  return { settings: SettingsSchema.parse(good), problems };
}

/** What applies to one model: its own entry, else the general settings. */
export function settingsForModel(settings: Settings, model: string): Required<ModelSettings> {
  const own = settings.models[model] ?? {};
  return {
    k: own.k ?? settings['retrieval.k'],
    securityNotebook: own.securityNotebook ?? settings['notebooks.security'],
    functionNotebook: own.functionNotebook ?? settings['notebooks.function'],
    temperature: own.temperature ?? 0.2,
  };
}
