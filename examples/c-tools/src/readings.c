/* Readings of sensors, kept on the heap. */
#include <stdlib.h>
#include <string.h>

#define MAX_READINGS 4096

struct reading {
    long time;
    double value;
};

struct series {
    struct reading *readings;
    size_t count;
};

/* Returns a new series with a copy of up to MAX_READINGS readings; the caller frees both. */
struct series *new_series(const struct reading *source, size_t count)
{
    
}
