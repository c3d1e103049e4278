// Follows a file that another process appends to.
import { open } from 'node:fs/promises';

/** Calls `line` for every whole line of `file` as it arrives; the returned function reads what is left and stops. */
export function follow(file: string, line: (text: string) => void): () => Promise<void> {
  let offset = 0;
  let rest = '';
  const read = async (): Promise<void> => {
    const handle = await open(file).catch(() => undefined);
    if (!handle) return;
    try {
      const { size } = await handle.stat();
      if (size <= offset) return;
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - offset), 0, size - offset, offset);
      offset += bytesRead;
      const lines = (rest + buffer.subarray(0, bytesRead).toString()).split('\n');
      rest = lines.pop() ?? '';
      lines.forEach(line);
    } finally {
      await handle.close();
    }
  };
  let reading = Promise.resolve();
  const timer = setInterval(() => (reading = reading.then(read)), 150);
  return async () => {
    clearInterval(timer);
    await reading;
    await read();
  };
}
