/** Records by collection. */
export class Store {
  #collections = new Map();

  insert(collection, record) {
    if (!this.#collections.has(collection)) this.#collections.set(collection, []);
    this.#collections.get(collection).push({ ...record });
  }

  /**
   * Records of a collection, oldest first. At most fifty come at once: as long as `more` is a string there are others,
   * which come with `list(collection, { after: more })`.
   *
   * @returns {{ records: object[], more: string | undefined }}
   */
  list(collection, { after } = {}) {
    const all = this.#collections.get(collection) ?? [];
    const from = after === undefined ? 0 : Number(after);
    const records = all.slice(from, from + 50);
    const end = from + records.length;
    return { records, more: end < all.length ? String(end) : undefined };
  }
}
