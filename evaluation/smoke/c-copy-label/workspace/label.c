#include <string.h>

/* Copies a label into out, which has room for size characters, and ends it with '\0'. What does not fit is cut off. */
void copy_label(char *out, size_t size, const char *label) {
    <<<COMPLETE HERE>>>
}
