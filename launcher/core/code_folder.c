/*
 * code_folder.c -- where V8's code for bundles is kept.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/core/code.h"

bool
code_folder_own(const char *path, mode_t mode)
{
	struct stat	 st;

	return (mkdir(path, mode) == 0 || errno == EEXIST) && lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == geteuid() && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

const char *
code_base(void)
{
	static char	 base[PATH_MAX];
	static bool	 looked;
	const char	*state = getenv("CACHE_DIRECTORY"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char		 up[PATH_MAX - 64] = "";

	if (looked)
		return base;
	looked = true;
	if (state != NULL && state[0] == '/')
		snprintf(up, sizeof(up), "%.*s", (int)strcspn(state, ":"), state);
	else if (cache != NULL && cache[0] == '/')
		snprintf(up, sizeof(up), "%s", cache);
	else if (home != NULL && home[0] == '/' && home[1] != '\0')
		snprintf(up, sizeof(up), "%s/.cache", home);
	if (up[0] == '\0' || !code_folder_own(up, 0700))
		return base;
	snprintf(base, sizeof(base), "%s/bascule", up);
	if (code_folder_own(base, 0700)) {
		snprintf(base, sizeof(base), "%s/bascule/code", up);
		if (code_folder_own(base, 0700))
			return base;
	}
	base[0] = '\0';
	return base;
}

bool
code_knows(const char *folder)
{
	const char	*base = code_base();
	size_t		 n = strlen(base);

	return n > 0 && strncmp(folder, base, n) == 0 && folder[n] == '/' && strlen(folder + n + 1) == CODE_KEY_DIGITS &&
	    folder[n + 1 + strspn(folder + n + 1, "0123456789abcdef")] == '\0';
}
