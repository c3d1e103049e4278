import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { ExpectedError, isCancelled, isExpected, messageOf } from '../../core/errors.ts';
import { writeError } from '../notes/file-errors.ts';
import { KNOWN_MODELS } from './models.ts';
import type { ModelFile, ModelSource } from './models.ts';

export interface DownloadProgress {
  readonly receivedBytes: number;
  readonly totalBytes: number;
  /** The file that is being fetched. */
  readonly file: string;
}

export interface DownloadOptions {
  /** A name of `KNOWN_MODELS` with a source. */
  readonly modelId: string;
  /** The model's own folder; made when needed. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Another server with the same paths, for a mirror. */
  readonly baseUrl?: string;
  /** Without a byte for so long the server counts as gone. */
  readonly idleMs?: number;
}

const HOST = 'https://huggingface.co';

/** What a download would fetch, for the question that is asked before. Nothing for a model that cannot be downloaded. */
export function downloadOf(modelId: string): { readonly source: ModelSource; readonly totalBytes: number; readonly host: string } | undefined {
  const source = KNOWN_MODELS[modelId]?.source;
  return source && { source, totalBytes: source.files.reduce((sum, file) => sum + file.bytes, 0), host: new URL(HOST).host };
}

/**
 * Fetches a model, every file checked against the size and hash that this version of SafeNote carries; a file takes its
 * name only when it is whole and right. What was fetched before, whole or in part, is not fetched again. Throws
 * `ExpectedError`, or the signal's reason when cancelled (what has arrived stays for the next time).
 */
export async function downloadModel(options: DownloadOptions): Promise<void> {
  const { modelId, folder, signal } = options;
  const wanted = downloadOf(modelId);
  if (!wanted) throw new ExpectedError('unknown-model', `SafeNote cannot download an embedding model "${modelId}".`, `Choose one of: ${Object.keys(KNOWN_MODELS).filter((id) => KNOWN_MODELS[id]?.source).join(', ')}.`);
  await fetchFiles(wanted.source, folder, options);
  signal?.throwIfAborted();
}

/** `downloadModel` for any source, so that a test can bring its own. */
export async function fetchFiles(source: ModelSource, folder: string, options: Omit<DownloadOptions, 'modelId' | 'folder'>): Promise<void> {
  const totalBytes = source.files.reduce((sum, file) => sum + file.bytes, 0);
  let done = 0;
  const report = (file: ModelFile, bytes: number): void => options.onProgress?.({ receivedBytes: done + bytes, totalBytes, file: file.path });
  for (const file of source.files) {
    options.signal?.throwIfAborted();
    const target = path.join(folder, file.path);
    if (!(await isRight(target, file, options.signal))) {
      const url = `${(options.baseUrl ?? HOST).replace(/\/+$/, '')}/${source.repository}/resolve/${source.revision}/${file.path}`;
      await fetchFile(url, target, file, options, (bytes) => report(file, bytes));
    }
    done += file.bytes;
    report(file, 0);
  }
}

async function fetchFile(url: string, target: string, file: ModelFile, options: Omit<DownloadOptions, 'modelId' | 'folder'>, report: (bytes: number) => void): Promise<void> {
  const partial = `${target}.${file.sha256.slice(0, 8)}.part`;
  try {
    await mkdir(path.dirname(target), { recursive: true });
    const had = await sizeOf(partial);
    if (had > file.bytes) await rm(partial, { force: true });
    else if (had < file.bytes || had === 0) await receive(url, partial, had, file, options, report);
    if (!(await isRight(partial, file, options.signal))) {
      await rm(partial, { force: true });
      throw new ExpectedError('download-damaged', `${file.path} did not arrive as it was published (its sha256 is another).`, 'It was deleted. Try again; if it happens again, something between you and the server changes files: do not use them.');
    }
    await rename(partial, target);
  } catch (error) {
    if (isExpected(error) || options.signal?.aborted) throw options.signal?.aborted ? options.signal.reason : error;
    throw writeError(error, file.path);
  }
}

/** Appends what is missing to the partial file. */
async function receive(url: string, partial: string, had: number, file: ModelFile, options: Omit<DownloadOptions, 'modelId' | 'folder'>, report: (bytes: number) => void): Promise<void> {
  const idle = new AbortController();
  const idleMs = options.idleMs ?? 60_000;
  const signal = options.signal ? AbortSignal.any([options.signal, idle.signal]) : idle.signal;
  let timer = setTimeout(() => idle.abort(), idleMs);
  const host = new URL(url).host;
  const failed = (what: string, cause?: unknown): ExpectedError =>
    new ExpectedError('download-failed', `${file.path} could not be fetched from ${host}: ${what}.`, 'Check the connection (and the proxy, http.proxy), then try again: what has arrived is kept.', { cause });
  try {
    const response = await fetch(url, { signal, ...(had > 0 && { headers: { range: `bytes=${had}-` } }) }).catch((error: unknown) => {
      if (options.signal?.aborted) throw error;
      throw failed(idle.signal.aborted ? `no answer for ${idleMs / 1000} s` : reasonOf(error), error);
    });
    if (!response.ok || !response.body) {
      await response.body?.cancel();
      throw failed(`the server answered ${response.status} ${response.statusText}`.trimEnd());
    }
    // A server that does not continue sends it all again.
    const continues = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${had}-`) === true;
    const handle = await open(partial, continues ? 'a' : 'w', 0o600);
    let received = continues ? had : 0;
    try {
      for await (const chunk of response.body) {
        clearTimeout(timer);
        timer = setTimeout(() => idle.abort(), idleMs);
        received += chunk.byteLength;
        if (received > file.bytes) throw failed(`it is larger than the ${file.bytes} bytes that were published`);
        await handle.appendFile(chunk);
        report(received);
      }
      await handle.sync();
    } catch (error) {
      if (isExpected(error) || options.signal?.aborted) throw error;
      if (idle.signal.aborted || isCancelled(error) || error instanceof TypeError) throw failed(idle.signal.aborted ? `nothing arrived for ${idleMs / 1000} s` : `the connection ended (${reasonOf(error)})`, error);
      throw error;
    } finally {
      await handle.close();
    }
    if (received < file.bytes) throw failed(`the connection ended after ${received} of ${file.bytes} bytes`);
  } finally {
    clearTimeout(timer);
  }
}

/** `fetch` hides what went wrong in its error's cause. */
function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? error.cause.message : messageOf(error);
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then((found) => found.size, () => 0);
}

async function isRight(file: string, wanted: ModelFile, signal: AbortSignal | undefined): Promise<boolean> {
  if ((await sizeOf(file)) !== wanted.bytes) return false;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    signal?.throwIfAborted();
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex') === wanted.sha256;
}
