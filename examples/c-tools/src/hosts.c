/* Names of hosts as the monitoring shows them. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Prints the host name in small letters, followed by a colon and the state. */
void print_host(FILE *out, const char *host, const char *state)
{
    
}
