import assert from 'node:assert/strict';
import path from 'node:path';
import { moduleOutline } from '../../../src/core/completion/module-outline.ts';
import { AnalysisWorker } from '../../../src/node/analysis/client.ts';

const never = new AbortController().signal;

describe('what a module offers', () => {
  let worker: AnalysisWorker;
  before(() => (worker = new AnalysisWorker({ assetsRoot: path.resolve('dist') })));
  after(() => worker.dispose());

  const of = async (language: string, file: string, text: string, names: string[] = []) => {
    const document = { path: file, language, text };
    const { about, named, others } = moduleOutline(document, await worker.outline(document, never), names);
    return [about, ...named, ...(names.length > 0 ? ['…'] : []), ...others].filter(Boolean).join('\n');
  };

  const PYTHON = `"""Blobs of the shop. Keys are lower case."""
import os


class Store:
    """Blobs by key. \`get\` wants a key of \`normalise\`."""

    def __init__(self, root: str):
        self.root = root

    def get(self, key: str) -> bytes | None:
        """The bytes, or None."""
        def inner(): return 1
        return inner()

    def _secret(self): ...


def normalise(name: str) -> str:
    return name.lower()


def _hidden(): ...
`;
  it('is, in Python, classes with their documentation and members, and functions', async () => {
    assert.equal(
      await of('python', 'store.py', PYTHON),
      `# Blobs of the shop. Keys are lower case.
class Store
    # Blobs by key. \`get\` wants a key of \`normalise\`.
    def __init__(self, root: str)
    def get(self, key: str) -> bytes | None
        # The bytes, or None.
def normalise(name: str) -> str`,
    );
  });
  it('begins with what an import names', async () => {
    assert.match(await of('python', 'store.py', PYTHON, ['normalise']), /lower case\.\ndef normalise\(name: str\) -> str\n…\nclass Store\n/);
    assert.match(await of('python', 'store.py', PYTHON, ['Store']), /lower case\.\nclass Store\n[\s\S]*def get[\s\S]*\n…\ndef normalise/);
    assert.match(await of('python', 'store.py', PYTHON, ['_hidden']), /lower case\.\ndef _hidden\(\)\n…\n/);
  });
  it('is, in TypeScript, what is exported and what interfaces hold', async () => {
    const text = `/** An amount in cents. */
export type Cents = number;

export interface Ledger {
  /** Call \`lock\` first. */
  post(amount: Cents): Promise<void>;
  readonly open: boolean;
}

/** Posts and balances. */
export class Book implements Ledger {
  constructor(private readonly file: string) {}
  get open(): boolean { return true; }
  /** Throws when it is locked. */
  async post(amount: Cents): Promise<void> { await write(this.file, amount); }
  #flush() {}
}

export const total = (list: Cents[]): Cents => list.reduce((a, b) => a + b, 0);
declare function lock(): void;
`;
    assert.equal(
      await of('typescript', 'ledger.ts', text),
      `// An amount in cents.
export type Cents = number;
export interface Ledger {
  /** Call \`lock\` first. */
  post(amount: Cents): Promise<void>;
  readonly open: boolean;
}
export class Book implements Ledger
    // Posts and balances.
    constructor(private readonly file: string)
    get open(): boolean
    async post(amount: Cents): Promise<void>
        // Throws when it is locked.
export const total = (list: Cents[]): Cents
declare function lock(): void`,
    );
  });
  it('is, in C, the prototypes and structs of a header', async () => {
    const text = `#ifndef POOL_H
#define POOL_H
#include <stddef.h>

/* A pool of buffers. */
typedef struct pool {
    size_t used;
    char *base;
} pool_t;

/* Returns NULL when the pool is full. The caller releases it with pool_put. */
char *pool_get(pool_t *pool, size_t size);
int (*callback)(int);
static inline int pool_used(const pool_t *p) { return p->used; }
#endif
`;
    assert.equal(
      await of('c', 'pool.h', text),
      `// A pool of buffers.
typedef struct pool {
    size_t used;
    char *base;
} pool_t;
char *pool_get(pool_t *pool, size_t size)
    // Returns NULL when the pool is full. The caller releases it with pool_put.
static inline int pool_used(const pool_t *p)`,
    );
  });
  it('is, in C++, the members of a class', async () => {
    const text = `#pragma once
namespace shop {
/// A cache. Not thread safe.
class Cache {
 public:
  explicit Cache(int size);
  /// Null when there is none.
  const char* find(const std::string& key) const;
  int size() const { return n; }
 private:
  int n;
};
template <typename T> T clamp(T v, T low);
}
`;
    const outline = await of('cpp', 'cache.hpp', text);
    assert.match(outline, /^class Cache\n {4}\/\/ A cache\. Not thread safe\.\n/);
    assert.match(outline, /const char\* find\(const std::string& key\) const\n {8}\/\/ Null when there is none\./);
    assert.match(outline, /int size\(\) const/);
    assert.match(outline, /template <typename T> T clamp\(T v, T low\)$/);
  });
  it('is, in Go, types and functions', async () => {
    const text = `// Package store keeps blobs.
package store

// Store is safe for one goroutine.
type Store struct {
	Root string
}

// Get wants a key of Normalise.
func (s *Store) Get(key string) ([]byte, error) {
	return nil, nil
}

type Reader interface {
	// Read may return less.
	Read(p []byte) (int, error)
}
`;
    assert.equal(
      await of('go', 'store.go', text),
      `// Package store keeps blobs.
// Store is safe for one goroutine.
type Store struct {
	Root string
}
func (s *Store) Get(key string) ([]byte, error)
    // Get wants a key of Normalise.
type Reader interface {
	// Read may return less.
	Read(p []byte) (int, error)
}`,
    );
  });
  it('is, in Java, a class with its members', async () => {
    const text = `package shop;

/** Orders by number. */
public class Orders {
  private final Db db;
  public Orders(Db db) { this.db = db; }
  /** Numbers come from {@code Numbers.parse}. */
  public Order find(String number) { return db.get(number); }
}
`;
    assert.equal(
      await of('java', 'Orders.java', text, ['Orders']),
      `public class Orders
    // Orders by number.
    public Orders(Db db)
    public Order find(String number)
        // Numbers come from {@code Numbers.parse}.
…`,
    );
  });
  it('leaves a licence out', async () => {
    assert.equal(await of('javascript', 'a.js', '/* Copyright (c) somebody. MIT License */\n\nexport function f(a) { return a; }\n'), 'export function f(a)');
  });
});
