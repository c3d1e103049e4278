int n = snprintf(out, size, "note: ");
    return n + snprintf(out + n, size - n, text);
