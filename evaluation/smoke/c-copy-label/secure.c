if (size == 0) return;
    size_t length = strlen(label);
    if (length >= size) length = size - 1;
    memcpy(out, label, length);
    out[length] = '\0';
