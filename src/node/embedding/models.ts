import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as z from 'zod';

/** How the vectors of a text's tokens become one. */
export type Pooling = 'mean' | 'cls';

export interface ModelFile {
  /** Place in the model's folder and in its repository. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Where a model can be downloaded: every file by revision, size and hash. */
export interface ModelSource {
  readonly repository: string;
  readonly revision: string;
  readonly licence: string;
  readonly files: readonly ModelFile[];
}

interface KnownModel {
  readonly dimensions: number;
  readonly pooling: Pooling;
  /** Longer texts are cut, as the model's authors do. */
  readonly maxTokens: number;
  readonly source?: ModelSource;
}

/** The models that SafeNote knows, by the name that `safenote.embedding.model` takes. */
export const KNOWN_MODELS: Readonly<Record<string, KnownModel>> = {
  // Comes with SafeNote.
  'all-MiniLM-L6-v2': { dimensions: 384, pooling: 'mean', maxTokens: 256 },
  'BAAI/bge-base-en-v1.5': {
    dimensions: 768,
    pooling: 'cls',
    maxTokens: 512,
    source: {
      // The authors' weights, made into an int8 ONNX file.
      repository: 'Xenova/bge-base-en-v1.5',
      revision: '4d6cd88e18e51a5e020c2c305726d76ada9c03cf',
      licence: 'MIT',
      files: [
        { path: 'config.json', bytes: 717, sha256: 'd83c21fa7366994560727112ef0a31d8a2ec1c280c2a3e66326fdb877f64c91e' },
        { path: 'tokenizer.json', bytes: 711_396, sha256: 'd241a60d5e8f04cc1b2b3e9ef7a4921b27bf526d9f6050ab90f9267a1f9e5c66' },
        { path: 'tokenizer_config.json', bytes: 366, sha256: '9261e7d79b44c8195c1cada2b453e55b00aeb81e907a6664974b4d7776172ab3' },
        { path: 'special_tokens_map.json', bytes: 125, sha256: 'b6d346be366a7d1d48332dbc9fdf3bf8960b5d879522b7799ddba59e76237ee3' },
        { path: 'onnx/model_quantized.onnx', bytes: 110_083_337, sha256: 'c9729cc84cbd0e9fecc759505d2be65916c9fe05222d7ea26c65fcb3382af38d' },
      ],
    },
  },
};

/** What the worker needs to load a model. */
export interface ModelOnDisk {
  readonly folder: string;
  readonly dtype: 'q8' | 'fp32';
  readonly pooling: Pooling;
  readonly maxTokens: number;
}

/** Files besides the weights without which a model cannot be loaded. */
const NEEDED = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];
const WEIGHTS = { q8: 'onnx/model_quantized.onnx', fp32: 'onnx/model.onnx' } as const;

const Config = z.object({ hidden_size: z.number().int().min(1).max(16_384), max_position_embeddings: z.number().int().min(8).optional() });
const PoolingConfig = z.object({ pooling_mode_cls_token: z.boolean().default(false), pooling_mode_mean_tokens: z.boolean().default(false) });
const SentenceConfig = z.object({ max_seq_length: z.number().int().min(8) });

/** Last part of a model's name, which is also its folder's. */
export function folderNameOf(modelId: string): string {
  return modelId.split('/').at(-1) ?? modelId;
}

/** True for a setting that is a folder and not a name. */
export function isModelPath(modelId: string): boolean {
  return path.isAbsolute(modelId) || /^(?:\.{1,2}|~)[\\/]/.test(modelId);
}

/** The folder that a setting means. */
export function modelPath(modelId: string): string {
  return path.resolve(modelId.replace(/^~(?=[\\/])/, os.homedir()));
}

export interface ModelIdentity {
  readonly id: string;
  readonly dimensions: number;
  readonly known: KnownModel | undefined;
}

/**
 * Names the vector space of a model. For a model in a folder of the user's the name holds a hash of what makes the
 * space, so that another model put into the same folder later gets an index of its own.
 */
export function identify(modelId: string): ModelIdentity {
  const known = KNOWN_MODELS[modelId];
  if (known) return { id: `${folderNameOf(modelId)}-q8`, dimensions: known.dimensions, known };
  const folder = isModelPath(modelId) ? modelPath(modelId) : undefined;
  const name = path.basename(folder ?? folderNameOf(modelId)) || 'model';
  const config = folder && readJson(path.join(folder, 'config.json'), Config);
  const dtype = folder && weightsIn(folder);
  // Nothing there: every use says so; the numbers only name an index that stays empty.
  if (!folder || !config || !dtype) return { id: `${name}-missing`, dimensions: 384, known: undefined };
  const size = statSync(path.join(folder, WEIGHTS[dtype])).size;
  const hash = createHash('sha256').update(JSON.stringify([config, size])).digest('hex').slice(0, 8);
  return { id: `${name}-${dtype}-${hash}`, dimensions: config.hidden_size, known: undefined };
}

/** Looks into the folders in turn for one that holds the whole model. */
export function findModel(folders: readonly string[], known: KnownModel | undefined): ModelOnDisk | undefined {
  for (const folder of folders) {
    const dtype = weightsIn(folder);
    if (!dtype || !NEEDED.every((file) => isFile(path.join(folder, file)))) continue;
    // The name of a known model's space says int8.
    if (known && dtype !== 'q8') continue;
    const pooling = readJson(path.join(folder, '1_Pooling', 'config.json'), PoolingConfig);
    const limit = readJson(path.join(folder, 'sentence_bert_config.json'), SentenceConfig)?.max_seq_length ?? readJson(path.join(folder, 'config.json'), Config)?.max_position_embeddings;
    return {
      folder,
      dtype,
      pooling: known?.pooling ?? (pooling?.pooling_mode_cls_token ? 'cls' : 'mean'),
      maxTokens: known?.maxTokens ?? Math.min(limit ?? 512, 512),
    };
  }
  return undefined;
}

function weightsIn(folder: string): 'q8' | 'fp32' | undefined {
  return isFile(path.join(folder, WEIGHTS.q8)) ? 'q8' : isFile(path.join(folder, WEIGHTS.fp32)) ? 'fp32' : undefined;
}

function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function readJson<T extends z.ZodType>(file: string, schema: T): z.infer<T> | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}
