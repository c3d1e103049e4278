size_t bytes = rows * columns * sizeof(uint32_t);
    uint32_t *table = malloc(bytes);
    if (table == NULL) return NULL;
    memset(table, 0, bytes);
    return table;
