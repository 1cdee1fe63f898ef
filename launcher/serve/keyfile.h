/*
 * keyfile.h -- a random key of this installation, kept in a file that nobody else reads; made where there is none.
 */
#ifndef SERVE_KEYFILE_H
#define SERVE_KEYFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "worker/contract/error.h"

/* Is there anything of that name? */
bool	keyfile_there(const char *path);
/*
 * n bytes.  path NULL: of this process, kept nowhere.
 * -1 with *e, which names the file: others may read it, or it is none.
 */
int	keyfile_open(const char *path, unsigned char *key, size_t n, struct error *e);

#endif
