import type { Answer, Conversation, Kind, Task } from './conversation.ts';

export interface ReplayMessage {
  readonly role: string;
  readonly content: string;
}

/** A recorded answer to a request. */
export interface Recorded {
  readonly kind: Kind;
  readonly task: Task;
  readonly answer: Answer;
  readonly reply: string;
}

const MARKER = '<<<COMPLETE HERE>>>';

/** How each prompt of SafeNote begins. */
export const OPENINGS: readonly (readonly [string, Kind])[] = [
  ["You complete code inside a developer's file.", 'completion'],
  ['You write a security warning about code', 'security-warning'],
  ['You write a correction guide about code', 'correction-guide'],
  ['You write a repair suggestion about code', 'repair-suggestion'],
  ["You repair one weakness in a developer's code", 'verified-fix'],
];
/** How the message begins that follows a failing answer. */
export const RETRY_OPENING = 'Your code was put into the file and checked, and it failed.';

/** The recorded answer to a conversation, or `undefined`: an answer is never made up. */
export function replay(conversations: readonly Conversation[], messages: readonly ReplayMessage[]): Recorded | undefined {
  const kind = kindOf(messages);
  if (!kind) return undefined;
  const prompt = messages.map((m) => m.content).join('\n\n');
  for (const conversation of conversations) {
    for (const task of conversation.tasks) {
      const place = placeOf(kind, task, messages);
      if (!place) continue;
      const answer = task.answers.find((a) => a.kind === kind && (a.whenPromptHas ?? []).every((text) => prompt.includes(text)));
      if (!answer) return undefined;
      return { kind, task, answer, reply: write(answer, conversation.language, place) };
    }
  }
  return undefined;
}

export function kindOf(messages: readonly ReplayMessage[]): Kind | undefined {
  const first = messages[0]?.content.trimStart() ?? '';
  const kind = OPENINGS.find(([opening]) => first.startsWith(opening))?.[1];
  return kind === 'completion' && (messages.at(-1)?.content ?? '').trimStart().startsWith(RETRY_OPENING) ? 'retry' : kind;
}

/** How an answer is laid out: indented by this much, with these lines around it. */
interface Place {
  readonly indent: string;
  readonly before?: string;
  readonly after?: string;
}

function placeOf(kind: Kind, task: Task, messages: readonly ReplayMessage[]): Place | undefined {
  const own = messages.filter((m) => m.role !== 'assistant').map((m) => m.content);
  if (task.asked !== undefined) {
    const words = kind === 'completion' ? section(own.join('\n\n'), '\n# The task\n', 'Reply with') : section(own.join('\n\n'), 'The task was:', 'The generated code:');
    return words !== undefined && squeeze(words.replace(/^`+.*$/gm, '')) === squeeze(task.asked) ? { indent: '' } : undefined;
  }
  switch (kind) {
    case 'completion':
    case 'retry': {
      const request = own.find((text) => text.includes('# The file to complete:'));
      const file = request?.slice(request.lastIndexOf('# The file to complete:'));
      const at = file?.indexOf(MARKER) ?? -1;
      if (!file || at === -1) return undefined;
      const before = file.slice(0, at);
      if (!squeeze(before).endsWith(squeeze(task.given))) return undefined;
      return { indent: indentAt(before, task) };
    }
    case 'security-warning':
    case 'correction-guide':
    case 'repair-suggestion': {
      const code = section(own.join('\n\n'), 'The generated code:', 'What the ');
      return code && squeeze(code).includes(squeeze(headerOf(task))) ? { indent: '' } : undefined;
    }
    case 'verified-fix': {
      const request = own.find((text) => text.includes('# The file:'));
      const text = request?.slice(request.lastIndexOf('# The file:')) ?? '';
      const begin = text.indexOf('<<<BEGIN>>>');
      const end = text.indexOf('<<<END>>>', begin);
      if (begin === -1 || end === -1) return undefined;
      const upToEnd = squeeze(text.slice(0, begin) + text.slice(begin + '<<<BEGIN>>>'.length, end));
      const failing = task.answers.filter((a) => a.verdict === 'fail' && a.code);
      if (!failing.some((a) => upToEnd.endsWith(squeeze(task.given + (a.code ?? '') + task.closing)))) return undefined;
      return { indent: indentAt('', task), before: headerOf(task), after: task.closing };
    }
  }
}

/** What stands between two lines of a prompt. */
function section(text: string, from: string, to: string): string | undefined {
  const start = text.indexOf(from);
  if (start === -1) return undefined;
  const end = text.indexOf(`\n${to}`, start);
  return text.slice(start + from.length, end === -1 ? undefined : end);
}

/** White space says nothing about which task it is. */
function squeeze(text: string): string {
  return text.replace(/\s+/g, '');
}

/** The function's header, and the documentation that stands inside it. */
function headerOf(task: Task): string {
  return task.given.replace(/^\s*\/\*[\s\S]*?\*\/\s*/, '').trimEnd();
}

function indentAt(before: string, task: Task): string {
  const current = before.slice(before.lastIndexOf('\n') + 1);
  if (current !== '' && current.trim() === '') return current;
  return /\.js$/.test(task.file) ? '  ' : '    ';
}

function write(answer: Answer, language: string, place: Place): string {
  if (answer.text !== undefined) return answer.text.trimEnd();
  const code = (answer.code ?? '')
    .trimEnd()
    .split('\n')
    .map((line) => (line ? place.indent + line : line));
  const lines = [...(answer.imports ? [answer.imports, ''] : []), ...(place.before ? [place.before] : []), ...code, ...(place.after ? [place.after] : [])];
  return ['```' + language, ...lines, '```'].join('\n');
}
