#include "logline.c"
#include <assert.h>
#include <string.h>

int main(void) {
    char out[128];
    log_line(out, sizeof out, "100%% %x %x");
    assert(strcmp(out, "note: 100%% %x %x") == 0);
    return 0;
}
