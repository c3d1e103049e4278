/* Headings of the printed report. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define RULE "----------------------------------------"

void print_rule(FILE *out)
{
    fputs(RULE "\n", out);
}

/* Prints the title in capital letters between two rules. */
void print_heading(FILE *out, const char *title)
{
    
}
