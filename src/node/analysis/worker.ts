/** The analysis worker's entry: answers one request after the other. Bundled to dist/analysis-worker.js. */
import { parentPort, workerData } from 'node:worker_threads';
import * as z from 'zod';
import { messageOf } from '../../core/errors.ts';
import { AnalysisEngine } from './engine.ts';
import type { WorkerReply, WorkerRequest } from './messages.ts';

const { assetsRoot } = z.object({ assetsRoot: z.string() }).parse(workerData);
const engine = new AnalysisEngine(assetsRoot);

parentPort?.on('message', async ({ id, kind, document, before }: WorkerRequest) => {
  let reply: WorkerReply;
  try {
    reply = { id, value: await engine[kind](document, before ?? '') };
  } catch (error) {
    reply = { id, error: messageOf(error) };
  }
  parentPort?.postMessage(reply);
});
