#include "table.c"
#include <assert.h>

int main(void) {
    uint32_t *table = new_table(3, 4);
    assert(table != NULL);
    for (int i = 0; i < 12; i++) assert(table[i] == 0);
    free(table);
    return 0;
}
