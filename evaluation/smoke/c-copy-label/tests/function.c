#include "label.c"
#include <assert.h>

int main(void) {
    char out[16];
    copy_label(out, sizeof out, "blue box");
    assert(strcmp(out, "blue box") == 0);
    return 0;
}
