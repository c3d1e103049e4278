import { createReadStream } from 'node:fs';

/**
 * The lines of a text file as they are read, without their ends (`\n`, `\r\n`). Node's own reader of lines also ends them at
 * U+2028 and U+2029, which JSON has inside its strings.
 */
export async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(file, 'utf8') as AsyncIterable<string>) {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield withoutEnd(part);
  }
  if (rest) yield withoutEnd(rest);
}

function withoutEnd(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
