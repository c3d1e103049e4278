import type { ChatMessage } from '../llm/model.ts';

/** Template name → its Markdown text, as in `prompts/`. */
export type Prompts = Readonly<Record<string, string>>;
export type TemplateValues = Readonly<Record<string, string | undefined>>;

/**
 * Fills a template: `{{name}}` is replaced by its value, `{{#name}}…{{/name}}` stays only where the value is not empty.
 * Values are inserted as they are and never read as templates. A `# system` and a `# user` line begin the messages.
 * Throws on an unknown template or a value that the template needs and that is not there: both are bugs.
 */
export function fillTemplate(prompts: Prompts, name: string, values: TemplateValues): ChatMessage[] {
  const template = prompts[name];
  if (template === undefined) throw new Error(`There is no prompt template "${name}".`);
  const messages: ChatMessage[] = [];
  for (const part of splitRoles(template)) {
    const kept = part.text.replace(/\{\{#(\w+)\}\}\n?([\s\S]*?)\{\{\/\1\}\}\n?/g, (_all, key: string, inner: string) => (values[key]?.trim() ? inner : ''));
    const content = kept
      .replace(/\{\{(\w+)\}\}/g, (_all, key: string) => {
        const value = values[key];
        if (value === undefined) throw new Error(`Prompt template "${name}" needs a value for "${key}".`);
        return value;
      })
      .trim();
    if (content) messages.push({ role: part.role, content });
  }
  return messages;
}

function splitRoles(template: string): { role: 'system' | 'user'; text: string }[] {
  const parts: { role: 'system' | 'user'; text: string }[] = [];
  for (const line of template.split(/\r?\n/)) {
    const role = /^# (system|user)$/.exec(line)?.[1];
    if (role === 'system' || role === 'user') parts.push({ role, text: '' });
    else {
      const last = parts.at(-1);
      if (last) last.text += `${line}\n`;
    }
  }
  return parts;
}

/** A code fence that its content cannot close: longer than any run of backticks inside. */
export function fence(text: string, language = ''): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map((m) => m[0].length));
  const ticks = '`'.repeat(Math.max(3, longest + 1));
  return `${ticks}${language}\n${text.replace(/\s+$/, '')}\n${ticks}`;
}

/**
 * Text of unknown origin as a quotation: every line begins with `> `, so that no line of it can look like a heading,
 * a fence or a role of the prompt around it.
 */
export function quote(text: string): string {
  return text
    .trim()
    .split(/\r\n|[\n\r\u2028\u2029\u0085\v\f]/)
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');
}
