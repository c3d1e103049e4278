if (columns != 0 && rows > SIZE_MAX / columns) return NULL;
    return calloc(rows * columns, sizeof(uint32_t));
