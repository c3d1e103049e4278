#include "table.c"
#include <assert.h>

int main(void) {
    /* 2^62 + 1 rows of one cell: the product wraps around to four bytes. */
    assert(new_table(((size_t)1 << 62) + 1, 1) == NULL);
    return 0;
}
