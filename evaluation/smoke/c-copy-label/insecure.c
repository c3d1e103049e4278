strcpy(out, label);
