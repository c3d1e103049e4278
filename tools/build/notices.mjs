// THIRD_PARTY_NOTICES: what is in the bundles and beside them, with each licence's own words. Made from what esbuild really bundled.
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Packages of which only WASM files are taken, so that no bundle shows them; and what a package carries inside its own bundle. */
const BESIDE = [
  'web-tree-sitter',
  'tree-sitter-python',
  'tree-sitter-javascript',
  'tree-sitter-typescript',
  'tree-sitter-c',
  'tree-sitter-cpp',
  'tree-sitter-go',
  'tree-sitter-java',
  '@ast-grep/wasm',
  'onnxruntime-web',
  'onnxruntime-common',
  '@huggingface/jinja',
  '@huggingface/tokenizers',
];

/** Packages that ship no licence file: who holds the copyright, as their repositories say. All are under the MIT licence. */
const HOLDERS = {
  '@ast-grep/wasm': 'Copyright (c) 2022 Herrington Darkholme',
  'onnxruntime-web': 'Copyright (c) Microsoft Corporation',
  'onnxruntime-common': 'Copyright (c) Microsoft Corporation',
};

const REMARKS = {
  'onnxruntime-web':
    'The WASM file holds compiled parts of other projects, among them Eigen (MPL-2.0), Abseil (Apache-2.0), Protocol Buffers and FlatBuffers.\nTheir notices and sources: https://github.com/microsoft/onnxruntime/blob/main/ThirdPartyNotices.txt',
  '@ast-grep/wasm': 'The WASM file holds compiled Rust crates under MIT or Apache-2.0. Sources: https://github.com/ast-grep/ast-grep',
};

/** The embedding model, which is no npm package. */
const MODEL = { name: 'all-MiniLM-L6-v2 (embedding model)', version: 'int8 ONNX export', license: 'Apache-2.0', from: 'https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2' };

/**
 * The text of THIRD_PARTY_NOTICES for the input files that esbuild names in its metafiles (paths from the project's root).
 * Throws when a package says nothing of its licence.
 */
export async function makeNotices(root, inputs) {
  const folders = new Set([...BESIDE.map((name) => `node_modules/${name}`), ...inputs.map(packageFolder).filter(Boolean)]);
  const entries = await Promise.all([...folders].map((folder) => describe(root, folder)));
  const apache = (await describe(root, 'node_modules/@huggingface/transformers')).text;
  entries.push({ ...MODEL, text: apache });
  // Code unit order: the same on every machine, whatever its locale.
  entries.sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));

  const groups = new Map();
  for (const entry of entries) groups.set(entry.text, [...(groups.get(entry.text) ?? []), entry]);
  const parts = [
    'SafeNote contains the following software and data of others.',
    'This file is made by the build from what is really bundled; do not edit it.',
    '',
    ...entries.map((entry) => `- ${entry.name} ${entry.version} (${entry.license})`),
  ];
  for (const [text, members] of groups) {
    parts.push('', '='.repeat(100));
    for (const { name, version, license, from, remark } of members) {
      parts.push(`${name} ${version} (${license})${from ? `\n${from}` : ''}${remark ? `\n${remark}` : ''}`);
    }
    parts.push('-'.repeat(100), text);
  }
  return `${parts.join('\n')}\n`;
}

/** Folder of the innermost package that a file lies in, or undefined for the project's own. */
function packageFolder(input) {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
}

async function describe(root, place) {
  const folder = path.join(root, place);
  const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const manifest = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const license = typeof manifest.license === 'string' ? manifest.license : manifest.license?.type;
  const repository = typeof manifest.repository === 'string' ? manifest.repository : manifest.repository?.url;
  const files = await licenceFiles(folder);
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')));
  let text = texts.map(tidy).filter(Boolean).join('\n\n');
  if (!text && HOLDERS[name] && license === 'MIT') {
    const own = tidy(await readFile(path.join(root, 'LICENSE'), 'utf8'));
    text = own.replace(/^Copyright .*$/m, HOLDERS[name]);
  }
  if (!license || !text) throw new Error(`${name} says nothing of its licence: look it up and add it to tools/build/notices.mjs.`);
  return { name, version: manifest.version, license, from: repository && repository.replace(/^git\+/, '').replace(/\.git$/, ''), remark: REMARKS[name], text };
}

/** Licence files of a package, and those in a folder of licences of what it took in itself. */
async function licenceFiles(folder) {
  const entries = (await readdir(folder, { withFileTypes: true })).filter((entry) => /^(licen[cs]e|copying|notice)/i.test(entry.name));
  const files = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  for (const { name } of entries.filter((entry) => entry.isDirectory())) files.push(...(await readdir(path.join(folder, name))).map((file) => `${name}/${file}`));
  return files.sort();
}

function tidy(text) {
  return text.replaceAll('\r\n', '\n').split('\n').map((line) => line.trimEnd()).join('\n').trim();
}
