import { languageFamily } from './query.ts';

/** Called so in every code base: such a name tells something only together with what it is called on. */
const COMMON = new Set('get set add put all any list find fetch load save read write open close run start stop insert update delete remove create make build parse format send call apply check init next push pop query execute exec main handle process name value key data item items user test log'.split(' '));
/** A shared name that many code bases have. */
const WEAK = 0.4;

interface NoteNames {
  /** Lower-case names of what a name is called on: `store` in `store.list()`. */
  readonly receivers: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Which notes are about the workspace's own functions and types: what a note's code calls or its guidance names. Notes about
 * the code base's own APIs are worth more than any other (DESIGN §1), and neither words nor vectors tell them from chance:
 * two tasks that misuse one API may share nothing else.
 */
export class OwnNames {
  private readonly notes = new Map<string, NoteNames>();
  private readonly byName = new Map<string, Set<string>>();

  add(id: string, code: string, guidance: string, language: string): void {
    this.remove(id);
    const receivers = receiversOf(code, guidance, language);
    this.notes.set(id, { receivers });
    for (const name of receivers.keys()) {
      const ids = this.byName.get(name);
      if (ids) ids.add(id);
      else this.byName.set(name, new Set([id]));
    }
  }

  remove(id: string): void {
    for (const name of this.notes.get(id)?.receivers.keys() ?? []) {
      const ids = this.byName.get(name);
      ids?.delete(id);
      if (ids?.size === 0) this.byName.delete(name);
    }
    this.notes.delete(id);
  }

  /** How surely each note is about one of these names, in (0, 1]; notes that are not are not there. */
  matches(names: readonly string[]): Map<string, number> {
    const found = new Map<string, number>();
    const known = new Set(names.map((name) => name.toLowerCase()));
    for (const name of names) {
      for (const id of this.byName.get(name) ?? []) {
        const common = COMMON.has(name.toLowerCase()) || name.length < 4;
        const strength = !common || [...(this.notes.get(id)?.receivers.get(name) ?? [])].some((receiver) => known.has(receiver)) ? 1 : WEAK;
        found.set(id, Math.max(found.get(id) ?? 0, strength));
      }
    }
    return found;
  }
}

/** Names that a piece of code calls or uses as types, and that its guidance quotes, each with what it is called on. */
function receiversOf(code: string, guidance: string, language: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const add = (name: string, receiver?: string) => {
    const receivers = found.get(name) ?? new Set();
    if (receiver) receivers.add(receiver.toLowerCase());
    found.set(name, receivers);
  };
  const read = (text: string) => {
    for (const match of text.matchAll(/([A-Za-z_$][\w$]*)\s*(?:\.|->|::)\s*(?=([A-Za-z_$][\w$]*))/g)) add(match[2] ?? '', match[1]);
    for (const match of text.matchAll(/([A-Za-z_$][\w$]*)\s*\(/g)) add(match[1] ?? '');
    for (const match of text.matchAll(/\b([A-Z][\w$]*)\b/g)) add(match[1] ?? '');
  };
  read(code);
  // What the note's own function is called tells nothing of what it misuses.
  for (const name of definedIn(code, language)) found.delete(name);
  for (const match of guidance.matchAll(/`([^`\n]{1,80})`/g)) {
    read(match[1] ?? '');
    if (/^[A-Za-z_$][\w$]*$/.test(match[1] ?? '')) add(match[1] ?? '');
  }
  return found;
}

function definedIn(code: string, language: string): string[] {
  const family = languageFamily(language);
  const header = family === 'python' ? /^[ \t]*(?:async[ \t]+)?def[ \t]+(\w+)/gm : family === 'go' ? /^func[ \t]+(?:\([^)]*\)[ \t]*)?(\w+)/gm : family === 'javascript' ? /\bfunction[ \t]*\*?[ \t]*([\w$]+)|^[ \t]*(?:(?:export|default|static|async|get|set|public|private|protected)[ \t]+)*#?([\w$]+)[ \t]*\([^;{}]*\)[^;{}()]*\{/gm : /^[ \t]*(?:[\w<>[\],:*&]+[ \t*&]+)+(\w+)[ \t]*\([^;{}]*\)[^;{}()]*\{/gm;
  return [...code.matchAll(header)].map((match) => match[1] ?? match[2] ?? '').filter((name) => name && !['if', 'for', 'while', 'switch', 'catch'].includes(name));
}
