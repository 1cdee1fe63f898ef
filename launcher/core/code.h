/*
 * code.h -- V8's code for bundles, kept between starts: private to the core.
 */
#ifndef CORE_CODE_H
#define CORE_CODE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define CODE_KEY_DIGITS	64

struct nursery_plan;
/* The folder of all of them, made if need be; "": there is none. */
const char *code_base(void);
/* Makes a folder where there is none.  True: it is ours, and nobody else's to write to. */
bool	code_folder_own(const char *path, mode_t mode);

/*
 * The folder for the code of a bundle's main file as this Node compiles it, made if need be; false: it is not kept.
 * It lies in bascule/code below $CACHE_DIRECTORY (systemd's), $XDG_CACHE_HOME or ~/.cache.
 */
bool	code_find(const char *main, const char *node, char folder[PATH_MAX]);
/* Is it such a folder? */
bool	code_knows(const char *folder);
/* An invocation by this plan has ended well: has its code made if that was not tried before. */
void	code_want(const struct nursery_plan *);

#endif
