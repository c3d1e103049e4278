return snprintf(out, size, "note: %s", text);
