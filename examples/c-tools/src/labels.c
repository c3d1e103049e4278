/* Labels of sensors, kept on the heap. */
#include <stdlib.h>
#include <string.h>

struct label {
    char *text;
    size_t length;
};

void free_label(struct label *label)
{
    if (label != NULL) {
        free(label->text);
        free(label);
    }
}

/* Returns a new label with a copy of the text; the caller frees it with free_label. */
struct label *new_label(const char *text)
{
    
}
