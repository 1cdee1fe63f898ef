/*
 * connector.c -- from a name to a program and its specification.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "launcher/core/core.h"
#include "launcher/core/files.h"
#include "launcher/core/found.h"

#define ENV_FOLDERS	"BASCULE_CONNECTORS"
#define HOST		"bascule-rest"	/* runs descriptions */
#define DESCRIPTION	"rest.json"
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
	static char	 self[PATH_MAX];	/* its folder; asked for once: a process with walls cannot */
	char		 path[PATH_MAX * 2], full[PATH_MAX];
	struct stat	 st;
	ssize_t		 k;

	if (self[0] == '\0') {
		if ((k = readlink("/proc/self/exe", self, sizeof(self) - 1)) <= 0)
			return -1;
		self[k] = '\0';
		*strrchr(self, '/') = '\0';
	}
	snprintf(path, sizeof(path), "%s/%s", self, relative);
	if (files_stat(path, &st, full) == -1 || strlen(full) >= n)
		return -1;
	memcpy(out, full, strlen(full) + 1);
	return 0;
}

/* The i-th folder to search; false past the last. */
static bool
folder_at(size_t i, char *out, size_t n)
{
	static char	 found[N_ITEMS(own_folders)][PATH_MAX];
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
	/* Where this program lies does not change. */
	if (found[i][0] == '\0' && core_beside(own_folders[i], found[i], sizeof(found[i])) == -1)
		found[i][0] = '\0';
	snprintf(out, n, "%s", found[i]);
	return true;
}

void
connector_folders(void (*fn)(void *arg, const char *folder), void *arg)
{
	char	 folder[PATH_MAX];

	for (size_t i = 0; folder_at(i, folder, sizeof(folder)); i++)
		fn(arg, folder);
}

static int
by_name(const void *a, const void *b)
{
	return strcoll((*(struct dirent *const *)a)->d_name, (*(struct dirent *const *)b)->d_name);
}

/* Takes the descriptor. */
static int
names_read(int fd, struct dirent ***names)
{
	DIR		*d = fdopendir(fd);
	struct dirent	*entry, **more;
	int		 n = 0;

	if (d == NULL) {
		(void)close(fd);
		return -1;
	}
	while ((entry = readdir(d)) != NULL) {
		if ((more = reallocarray(*names, (size_t)n + 1, sizeof(*more))) == NULL)
			break;
		*names = more;
		if ((more[n] = malloc(sizeof(*entry))) == NULL)
			break;
		memcpy(more[n++], entry, entry->d_reclen < sizeof(*entry) ? entry->d_reclen : sizeof(*entry));
	}
	(void)closedir(d);
	return n;
}

/* As scandir() does, of a folder that may have to be asked for. */
static int
names_of(const char *folder, struct dirent ***names)
{
	int	 fd = files_open(folder, O_RDONLY | O_DIRECTORY, 0), n;

	*names = NULL;
	if (fd == -1)
		return -1;
	n = names_read(fd, names);
	if (n > 1)
		qsort(*names, (size_t)n, sizeof(**names), by_name);
	return n;
}

int
connector_spec(const char *path, struct spec *spec, struct error *e)
{
	return spec_load_fd(files_open(path, O_RDONLY | O_NONBLOCK, 0), path, spec, e);
}

int
connector_each(void (*fn)(void *arg, const char *name, const char *folder), void *arg)
{
	char	 folder[PATH_MAX], spec[PATH_MAX * 2];
	int	 found = 0;

	for (size_t i = 0; folder_at(i, folder, sizeof(folder)); i++) {
		struct dirent	**names;
		int		  n = names_of(folder, &names);

		for (int k = 0; k < n; k++) {
			snprintf(spec, sizeof(spec), "%s/%s/connector-spec.json", folder, names[k]->d_name);
			if (names[k]->d_name[0] != '.' && files_may(spec, R_OK)) {
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

/* -1 with ERR_NONE: there is no program. */
static int
take_program(const char *program, struct connector_ref *ref)
{
	if (strlen(program) >= sizeof(ref->program) || !files_may(program, X_OK))
		return -1;
	memcpy(ref->program, program, strlen(program) + 1);
	snprintf(ref->name, sizeof(ref->name), "%s", strrchr(program, '/') + 1);
	return 0;
}

static const char *const host_places[] = { "../libexec/" HOST, "../libexec/bascule/" HOST, HOST };

bool
connector_is_host(const char *program)
{
	char	 path[PATH_MAX];

	for (size_t i = 0; i < N_ITEMS(host_places); i++)
		if (core_beside(host_places[i], path, sizeof(path)) == 0 && strcmp(path, program) == 0)
			return true;
	return guest_is_host(program);
}

/* A description is run by one program for all of them, which lies where our others do. */
static int
take_description(const char *folder, struct connector_ref *ref, struct error *e)
{
	char	 path[PATH_MAX * 2];

	snprintf(path, sizeof(path), "%s/" DESCRIPTION, folder);
	if (!files_may(path, R_OK))
		return -1;
	for (size_t i = 0; i < N_ITEMS(host_places); i++)
		if (core_beside(host_places[i], ref->program, sizeof(ref->program)) == 0 && files_may(ref->program, X_OK)) {
			snprintf(ref->described, sizeof(ref->described), "%s", folder);
			return 0;
		}
	return error_set(e, ERR_NO_CONNECTOR, "%.64s is a description, and " HOST " is not installed", ref->name);
}

/* With what it was read from. */
static int
spec_take(const char *path, struct connector_ref *ref, struct error *e)
{
	int		 fd = files_open(path, O_RDONLY | O_NONBLOCK, 0);
	struct stat	 st;

	if (fd != -1 && fstat(fd, &st) == 0)
		ref->spec_id = (struct file_id){ st.st_dev, st.st_ino, st.st_size, st.st_ctim };
	return spec_load_fd(fd, path, &ref->spec, e);
}

/* A description; else a program of the folder's own name, unless its specification says otherwise; or a guest. */
static int
take_folder(const char *folder, struct connector_ref *ref, struct error *e)
{
	char			 spec[PATH_MAX * 2], program[PATH_MAX * 2];
	struct spec_runtime	 r;

	snprintf(spec, sizeof(spec), "%s/connector-spec.json", folder);
	snprintf(program, sizeof(program), "%s%s", folder, strrchr(folder, '/'));
	if ((!files_may(spec, R_OK) && take_program(program, ref) == -1) || spec_take(spec, ref, e) == -1)
		return -1;
	snprintf(ref->name, sizeof(ref->name), "%s", strrchr(folder, '/') + 1);
	spec_runtime(&ref->spec, &r);
	if ((r.kind == RUNTIME_UNSAID || r.kind == RUNTIME_NATIVE) &&
	    (take_description(folder, ref, e) == 0 || (e->code == ERR_NONE && take_program(program, ref) == 0)))
		return 0;
	if (e->code == ERR_NONE && guest_find(folder, ref, e) == 0)
		return 0;
	spec_free(&ref->spec);
	return -1;
}

/* path: of a folder, or of a program with its specification beside it. */
static int
take_asked(const char *path, struct connector_ref *ref, struct error *e)
{
	char			 full[PATH_MAX], spec[PATH_MAX * 2];
	struct stat		 st;
	struct spec_runtime	 r;

	if (files_stat(path, &st, full) == -1)
		return -1;
	if (S_ISDIR(st.st_mode))
		return take_folder(full, ref, e);
	if (take_program(full, ref) == -1)
		return -1;
	*strrchr(full, '/') = '\0';
	snprintf(spec, sizeof(spec), "%s/connector-spec.json", full);
	if (spec_take(spec, ref, e) == -1)
		return -1;
	spec_runtime(&ref->spec, &r);
	/* As an upload is named: by its program, whatever that is. */
	if ((r.kind != RUNTIME_EXEC && r.kind != RUNTIME_NODE) || guest_find(full, ref, e) == 0)
		return 0;
	spec_free(&ref->spec);
	return -1;
}

static int
take(const char *path, struct connector_ref *ref, struct error *e)
{
	int	 r;

	if (found_get(path, ref, &r))
		return r;
	files_ahead(path);
	r = take_asked(path, ref, e);
	if (files_ahead_watched() && (r == 0 || e->code == ERR_NONE))
		found_put(path, ref, r);
	files_ahead_end();
	return r;
}

void
connector_clear(struct connector_ref *ref)
{
	ref->name[0] = ref->program[0] = ref->described[0] = ref->guest[0] = ref->main[0] = '\0';
	ref->tasks = 0;
	ref->words.bytes = ref->words.behind = 0;
	ref->spec = (struct spec){ 0 };
	ref->spec_id = (struct file_id){ 0 };
	ref->of = NULL;
}

int
connector_find(const char *name, struct connector_ref *ref, struct error *e)
{
	char	 folder[PATH_MAX], path[PATH_MAX * 2];

	connector_clear(ref);
	error_set(e, ERR_NONE, "%s", "");
	if (strchr(name, '/') != NULL) {
		if (take(name, ref, e) == -1 && e->code == ERR_NONE)
			return error_set(e, ERR_NO_CONNECTOR, "%.200s: no connector there (a program or "
			    "rest.json, and its connector-spec.json)", name);
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
	if (ref->of != NULL)
		found_drop(ref);
	else
		spec_free(&ref->spec);
}
