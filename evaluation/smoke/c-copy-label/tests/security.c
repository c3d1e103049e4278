#include "label.c"
#include <assert.h>
#include <stdlib.h>

int main(void) {
    char *out = malloc(8);
    copy_label(out, 8, "much longer than eight characters");
    assert(strcmp(out, "much lo") == 0);
    free(out);
    return 0;
}
