/*
 * The embedding worker: a thread or process of its own, so that the editor never waits for a model. It reads one local model folder
 * and never the network. One text at a time: an int8 model scales its numbers by what is in a batch, so that a text
 * embedded beside others would get a slightly different vector than alone; on one thread a batch is no faster either.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { AutoModel, AutoTokenizer, LogLevel, env } from '@huggingface/transformers';
import type { EmbedReply, EmbedRequest, WorkerSetup } from './protocol.ts';

// A thread gets its set-up and talks by its port, a process gets it as its argument and talks by its channel.
const { model: onDisk, wasm } = (parentPort ? workerData : JSON.parse(process.argv[2] ?? '')) as WorkerSetup;

function reply(answer: EmbedReply): void {
  if (parentPort) parentPort.postMessage(answer, 'vector' in answer ? [answer.vector.buffer as ArrayBuffer] : []);
  else process.send?.(answer);
}

interface Loaded {
  readonly tokenize: (text: string) => Record<string, unknown>;
  readonly run: (inputs: Record<string, unknown>) => Promise<{ last_hidden_state: { data: Float32Array; dims: number[] } }>;
}

let loading: Promise<Loaded> | undefined;

async function load(): Promise<Loaded> {
  env.allowRemoteModels = false;
  env.allowLocalModels = true;
  env.localModelPath = `${path.dirname(onDisk.folder)}${path.sep}`;
  env.useFSCache = false;
  env.useBrowserCache = false;
  env.useWasmCache = false;
  env.logLevel = LogLevel.ERROR;
  const runtime = env.backends.onnx.wasm;
  if (!runtime) throw new Error('The WebAssembly runtime is missing from the bundle.');
  runtime.wasmBinary = await readFile(wasm);
  // The library would look for its files on a server.
  runtime.wasmPaths = undefined;
  // More threads spin while they wait, which costs more than they give on a machine that has other things to do.
  runtime.numThreads = 1;
  const name = path.basename(onDisk.folder);
  const [tokenizer, model] = await Promise.all([
    AutoTokenizer.from_pretrained(name, { local_files_only: true }),
    AutoModel.from_pretrained(name, { local_files_only: true, dtype: onDisk.dtype }),
  ]);
  // WebAssembly starts slowly: its code is made fast while it runs. Better now than during the first question.
  const loaded = {
    tokenize: (text: string) => tokenizer([text], { truncation: true, max_length: onDisk.maxTokens }) as Record<string, unknown>,
    run: (inputs: Record<string, unknown>) => model(inputs) as ReturnType<Loaded['run']>,
  };
  await loaded.run(loaded.tokenize('warm'));
  // 14 MB that nobody needs any more.
  runtime.wasmBinary = undefined;
  return loaded;
}

async function embed(text: string): Promise<Float32Array> {
  const { tokenize, run } = await (loading ??= load());
  const { last_hidden_state: output } = await run(tokenize(text));
  const [, tokens = 0, dimensions = 0] = output.dims;
  const vector = new Float32Array(dimensions);
  // Alone in its batch a text has no padding: every token counts.
  const counted = onDisk.pooling === 'cls' ? Math.min(1, tokens) : tokens;
  for (let token = 0; token < counted; token++) for (let i = 0; i < dimensions; i++) vector[i]! += output.data[token * dimensions + i]!;
  let sum = 0;
  for (const value of vector) sum += value * value;
  const norm = Math.sqrt(sum);
  if (!(norm > 0) || !Number.isFinite(norm)) throw new Error('The model gave no usable vector.');
  return vector.map((value) => value / norm);
}

async function answer({ id, text }: EmbedRequest): Promise<void> {
  try {
    reply({ id, vector: await embed(text) });
  } catch (error) {
    const isLoaded = await (loading ?? Promise.reject(new Error())).then(() => true, () => false);
    reply({ id, error: error instanceof Error ? error.message : String(error), fatal: !isLoaded });
  }
}

// One after the other: the runtime does not run two things at once.
let queue: Promise<void> = Promise.resolve();
const take = (request: EmbedRequest): void => {
  queue = queue.then(() => answer(request));
};
if (parentPort) parentPort.on('message', take);
else {
  process.on('message', take);
  // Whoever asked is gone, by whatever way.
  process.on('disconnect', () => process.exit());
}
