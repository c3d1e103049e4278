#include <stdio.h>

/* Writes "note: " and the text into out, which has room for size characters. Returns how long the line is. */
int log_line(char *out, size_t size, const char *text) {
    <<<COMPLETE HERE>>>
}
