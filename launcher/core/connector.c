/*
 * connector.c -- from a name to a program and its specification.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "launcher/core/core.h"

#define ENV_FOLDERS	"BASCULE_CONNECTORS"
#define LIST_BYTES	256		/* of names in an error text */

/* Beside the running program: the build tree's ../connectors, an installation's ../lib/bascule/connectors. */
static const char *const own_folders[] = {
	"../connectors",
	"../lib/bascule/connectors",
	"../bascule/../../lib/bascule/connectors",	/* for a program in libexec/bascule */
};

int
core_beside(const char *relative, char *out, size_t n)
{
	char	 self[PATH_MAX], path[PATH_MAX * 2], full[PATH_MAX];
	ssize_t	 k = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (k <= 0)
		return -1;
	self[k] = '\0';
	*strrchr(self, '/') = '\0';
	snprintf(path, sizeof(path), "%s/%s", self, relative);
	if (realpath(path, full) == NULL || strlen(full) >= n)
		return -1;
	memcpy(out, full, strlen(full) + 1);
	return 0;
}

/* The i-th folder to search; false past the last. */
static bool
folder_at(size_t i, char *out, size_t n)
{
	const char	*env = getenv(ENV_FOLDERS);

	if (env != NULL && env[0] != '\0') {
		for (; i > 0 && env != NULL; i--)
			env = (env = strchr(env, ':')) == NULL ? NULL : env + 1;
		if (env == NULL)
			return false;
		snprintf(out, n, "%.*s", (int)strcspn(env, ":"), env);
		return true;
	}
	if (i >= N_ITEMS(own_folders))
		return false;
	if (core_beside(own_folders[i], out, n) == -1)
		out[0] = '\0';
	return true;
}

int
connector_each(void (*fn)(void *arg, const char *name, const char *folder), void *arg)
{
	char	 folder[PATH_MAX], spec[PATH_MAX * 2];
	int	 found = 0;

	for (size_t i = 0; folder_at(i, folder, sizeof(folder)); i++) {
		struct dirent	**names;
		int		  n = scandir(folder, &names, NULL, alphasort);

		for (int k = 0; k < n; k++) {
			snprintf(spec, sizeof(spec), "%s/%s/connector-spec.json", folder, names[k]->d_name);
			if (names[k]->d_name[0] != '.' && access(spec, R_OK) == 0) {
				fn(arg, names[k]->d_name, folder);
				found++;
			}
			free(names[k]);
		}
		if (n >= 0)
			free(names);
	}
	return found;
}

static void
name_add(void *arg, const char *name, const char *folder)
{
	struct buf	*b = arg;

	(void)folder;
	if (b->len > 0)
		buf_adds(b, ", ");
	buf_adds(b, name);
}

static int
not_found(const char *name, struct error *e)
{
	struct buf	 b;

	buf_init(&b, LIST_BYTES);
	if (connector_each(name_add, &b) == 0)
		buf_adds(&b, "none; set " ENV_FOLDERS);
	error_set(e, ERR_NO_CONNECTOR, "no connector \"%.64s\" (there are: %s)", name, b.data == NULL ? "" : b.data);
	buf_free(&b);
	return -1;
}

static bool
name_ok(const char *name)
{
	return name[0] != '\0' && name[0] != '-' && strlen(name) <= CONNECTOR_NAME_MAX &&
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* A folder that is a connector by what its specification says; -1 with ERR_NONE: it is none. */
static int
take_guest(const char *folder, struct connector_ref *ref, struct error *e)
{
	char	 file[PATH_MAX * 2];

	snprintf(file, sizeof(file), "%s/connector-spec.json", folder);
	if (access(file, R_OK) == -1 || spec_load(file, &ref->spec, e) == -1)
		return -1;
	snprintf(ref->name, sizeof(ref->name), "%s", strrchr(folder, '/') + 1);
	if (guest_find(folder, ref, e) == 0)
		return 0;
	spec_free(&ref->spec);
	return -1;
}

/* Says so itself: then it is no matter what else lies there. */
static bool
is_guest(const char *folder)
{
	struct spec		 sp = { 0 };
	struct spec_runtime	 r = { 0 };
	struct error		 e = ERROR_NONE;
	char			 file[PATH_MAX * 2];

	snprintf(file, sizeof(file), "%s/connector-spec.json", folder);
	if (spec_load(file, &sp, &e) == -1)
		return false;
	spec_runtime(&sp, &r);
	spec_free(&sp);
	return r.kind == RUNTIME_EXEC || r.kind == RUNTIME_NODE;
}

/* path: of a folder that holds a program of its own name or a guest, or of a program. */
static int
take(const char *path, struct connector_ref *ref, struct error *e)
{
	char		 full[PATH_MAX], file[PATH_MAX * 2];
	struct stat	 st;
	char		*slash;

	if (realpath(path, full) == NULL || stat(full, &st) == -1)
		return -1;
	slash = strrchr(full, '/');
	if (S_ISDIR(st.st_mode))
		snprintf(file, sizeof(file), "%s/%s", full, slash + 1);
	else
		snprintf(file, sizeof(file), "%s", full);
	if (S_ISDIR(st.st_mode) && is_guest(full))
		return take_guest(full, ref, e);
	if (strlen(file) >= sizeof(ref->program) || access(file, X_OK) == -1)
		return S_ISDIR(st.st_mode) ? take_guest(full, ref, e) : -1;
	memcpy(ref->program, file, strlen(file) + 1);
	snprintf(ref->name, sizeof(ref->name), "%s", strrchr(file, '/') + 1);
	snprintf(strrchr(file, '/') + 1, sizeof("connector-spec.json"), "connector-spec.json");
	return spec_load(file, &ref->spec, e);
}

int
connector_find(const char *name, struct connector_ref *ref, struct error *e)
{
	char	 folder[PATH_MAX], path[PATH_MAX * 2];

	memset(ref, 0, sizeof(*ref));
	error_set(e, ERR_NONE, "%s", "");
	if (strchr(name, '/') != NULL) {
		if (take(name, ref, e) == -1 && e->code == ERR_NONE)
			return error_set(e, ERR_NO_CONNECTOR, "%.200s: no connector there (a program and its "
			    "connector-spec.json)", name);
		return e->code == ERR_NONE ? 0 : -1;
	}
	if (!name_ok(name))
		return not_found(name, e);
	for (size_t i = 0; folder_at(i, folder, sizeof(folder)); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		if (take(path, ref, e) == 0)
			return 0;
		if (e->code != ERR_NONE)
			return -1;
	}
	return not_found(name, e);
}

void
connector_free(struct connector_ref *ref)
{
	spec_free(&ref->spec);
}
