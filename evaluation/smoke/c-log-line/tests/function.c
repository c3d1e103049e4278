#include "logline.c"
#include <assert.h>
#include <string.h>

int main(void) {
    char out[64];
    assert(log_line(out, sizeof out, "door open") == 15);
    assert(strcmp(out, "note: door open") == 0);
    return 0;
}
