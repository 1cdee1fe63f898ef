/*
 * guest.c -- connectors that are programs none of ours: which host runs them, and what it is told.
 *
 * What a specification names as program or tool is a file of this host's, from the folders where programs are, or one
 * of the connector's own folder.  Scripts are given to their interpreter here: in a guest's root there is no other.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "launcher/core/code.h"
#include "launcher/core/core.h"
#include "launcher/core/files.h"
#include "sandbox/sandbox.h"

#define LINE_BYTES	256		/* a script's first line */

static const char *const program_folders[] = { "/usr/bin/", "/usr/local/bin/", "/bin/" };

static const char *const host_folders[] = { "../connectors", "../lib/bascule/connectors", "../../lib/bascule/connectors" };

bool
guest_is_host(const char *program)
{
	static const char *const	 names[] = { "node", "exec" };
	char				 relative[64], path[PATH_MAX];

	for (size_t i = 0; i < N_ITEMS(host_folders) * N_ITEMS(names); i++) {
		const char	*name = names[i % N_ITEMS(names)];

		snprintf(relative, sizeof(relative), "%s/%s/%s", host_folders[i / N_ITEMS(names)], name, name);
		if (core_beside(relative, path, sizeof(path)) == 0 && strcmp(path, program) == 0)
			return true;
	}
	return false;
}

static int
host_find(const char *name, struct connector_ref *ref, struct error *e)
{
	char	 relative[64];

	for (size_t i = 0; i < N_ITEMS(host_folders); i++) {
		snprintf(relative, sizeof(relative), "%s/%s/%s", host_folders[i], name, name);
		if (core_beside(relative, ref->program, sizeof(ref->program)) == 0 && files_may(ref->program, X_OK))
			return 0;
	}
	return error_set(e, ERR_NO_CONNECTOR, "%.64s needs connectors/%s, which is not installed", ref->name, name);
}

static int
word_add(struct guest_words *w, const char *word, const char *text, struct error *e)
{
	int	 n = snprintf(w->text + w->bytes, sizeof(w->text) - w->bytes, "%s%s", word, text);

	if (n < 0 || w->bytes + (size_t)n + 1 > sizeof(w->text))
		return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: runtime: its words are over %d bytes",
		    GUEST_WORDS_BYTES_MAX);
	w->bytes += (uint32_t)n + 1;
	return 0;
}

/* Behind "--" from here on. */
static int
behind_add(struct guest_words *w, const char *text, struct error *e)
{
	uint32_t	 before = w->bytes;

	if (word_add(w, "", text, e) == -1)
		return -1;
	w->behind += w->bytes - before;
	return 0;
}

/* A file of this host that a guest may be or run. */
static int
program_check(const char *path, struct error *e)
{
	struct stat	 st;
	bool		 known = false;

	for (size_t i = 0; i < N_ITEMS(program_folders); i++)
		known = known || strncmp(path, program_folders[i], strlen(program_folders[i])) == 0;
	if (!known || strstr(path, "/../") != NULL)
		return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: runtime: %.200s: a program of this host must be in "
		    "/usr/bin, /usr/local/bin or /bin", path);
	if (files_stat(path, &st, NULL) == -1 || !S_ISREG(st.st_mode) || !files_may(path, X_OK))
		return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: runtime: %.200s is not installed here", path);
	return 0;
}

static int
program_by_name(const char *name, char *out, size_t n, struct error *e)
{
	for (size_t i = 0; i < N_ITEMS(program_folders); i++) {
		snprintf(out, n, "%s%s", program_folders[i], name);
		if (strchr(name, '/') == NULL && files_may(out, X_OK))
			return 0;
	}
	return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: runtime: %.64s is not installed here", name);
}

/* "#!/usr/bin/env python3", "#!/bin/sh -e" */
static int
interpreter_add(struct guest_words *w, char *line, const char *file, struct error *e)
{
	char	 path[PATH_MAX], *save = NULL;
	char	*program = strtok_r(line, " \t", &save), *option = strtok_r(NULL, "", &save);

	if (program == NULL)
		return error_set(e, ERR_NO_CONNECTOR, "%.200s: its first line names no interpreter", file);
	if (strcmp(program, "/usr/bin/env") == 0) {
		if (option == NULL || strpbrk(option, " \t=-") != NULL)
			return error_set(e, ERR_NO_CONNECTOR, "%.200s: env must be given a program and nothing else", file);
		if (program_by_name(option, path, sizeof(path), e) == -1)
			return -1;
		program = path;
		option = NULL;
	}
	if (program_check(program, e) == -1 || word_add(w, GUEST_WORD_RUN, program, e) == -1 ||
	    behind_add(w, program, e) == -1)
		return -1;
	return option != NULL ? behind_add(w, option, e) : 0;
}

/* A file of the connector's own: a program, or a script for one. */
static int
own_add(struct connector_ref *ref, const char *name, struct error *e)
{
	char	 path[PATH_MAX + 256], line[LINE_BYTES] = "";
	autofd	 fd = -1;
	ssize_t	 n;

	name += strncmp(name, "./", 2) == 0 ? 2 : 0;
	if (strncmp(name, "../", 3) == 0 || strstr(name, "/../") != NULL || strlen(name) >= sizeof(ref->main))
		return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: runtime.argv: %.100s: must be in the connector's folder",
		    name);
	snprintf(ref->main, sizeof(ref->main), "%s", name);
	snprintf(path, sizeof(path), "%s/%s", ref->guest, name);
	if ((fd = files_open(path, O_RDONLY | O_NONBLOCK, 0)) == -1 || !files_may(path, X_OK) ||
	    (n = read(fd, line, sizeof(line) - 1)) <= 0)
		return error_set(e, ERR_NO_CONNECTOR, "connector-spec.json: runtime.argv: %.200s: no program there (it must be "
		    "executable)", path);
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "#!", 2) == 0 && interpreter_add(&ref->words, line + 2, path, e) == -1)
		return -1;
	snprintf(path, sizeof(path), SANDBOX_GUEST_FOLDER "/%s", name);
	return behind_add(&ref->words, path, e);
}

static int
program_add(struct connector_ref *ref, const char *name, struct error *e)
{
	if (name[0] != '/')
		return own_add(ref, name, e);
	snprintf(ref->main, sizeof(ref->main), "connector-spec.json");
	if (program_check(name, e) == -1 || word_add(&ref->words, GUEST_WORD_RUN, name, e) == -1)
		return -1;
	return behind_add(&ref->words, name, e);
}

static int
exec_find(struct connector_ref *ref, const struct spec_runtime *r, struct error *e)
{
	char		 many[16];
	const cJSON	*w;

	ref->tasks = r->processes > 1 ? r->processes : GUEST_TASKS_MAX;
	snprintf(many, sizeof(many), "%u", r->processes);
	if (host_find("exec", ref, e) == -1 || word_add(&ref->words, GUEST_WORD_PROCESSES, many, e) == -1)
		return -1;
	cJSON_ArrayForEach(w, r->tools)
		if (program_check(w->valuestring, e) == -1 || word_add(&ref->words, GUEST_WORD_RUN, w->valuestring, e) == -1)
			return -1;
	if (program_add(ref, r->argv->child->valuestring, e) == -1)
		return -1;
	cJSON_ArrayForEach(w, r->argv)
		if (w != r->argv->child && behind_add(&ref->words, w->valuestring, e) == -1)
			return -1;
	return 0;
}

/* A folder with index.js and a specification, as the platform's SDK packs it. */
static int
bundle_find(struct connector_ref *ref, struct error *e)
{
	const char	*node = sandbox_guest_program();
	char		 index[sizeof(ref->guest) + sizeof(BUNDLE_MAIN)], code[PATH_MAX];

	if (node == NULL)
		return error_set(e, ERR_NO_CONNECTOR, "%.64s is a Node bundle, and Node is not installed as /usr/bin/node or "
		    "/usr/local/bin/node", ref->name);
	ref->tasks = GUEST_TASKS_MAX;
	snprintf(ref->main, sizeof(ref->main), BUNDLE_MAIN);
	snprintf(index, sizeof(index), "%s/" BUNDLE_MAIN, ref->guest);
	if (host_find("node", ref, e) == -1 || word_add(&ref->words, GUEST_WORD_RUN, node, e) == -1)
		return -1;
	return code_find(index, node, code) ? word_add(&ref->words, GUEST_WORD_CODE, code, e) : 0;
}

int
guest_find(const char *folder, struct connector_ref *ref, struct error *e)
{
	struct spec_runtime	 r;
	char			 index[PATH_MAX + sizeof(BUNDLE_MAIN)];
	bool			 bundle;

	spec_runtime(&ref->spec, &r);
	snprintf(ref->guest, sizeof(ref->guest), "%s", folder);
	if (r.kind == RUNTIME_EXEC)
		return exec_find(ref, &r, e);
	snprintf(index, sizeof(index), "%s/" BUNDLE_MAIN, folder);
	bundle = files_may(index, R_OK);
	if (bundle && r.kind != RUNTIME_NATIVE)
		return bundle_find(ref, e);
	if (r.kind == RUNTIME_NODE)
		return error_set(e, ERR_NO_CONNECTOR, "%.200s: there is no " BUNDLE_MAIN, folder);
	return -1;
}

/* The words before "--" make room for one more, once. */
static int
place_add(struct guest_words *w, const char *word, const char *text, struct error *e)
{
	char	 whole[64];
	size_t	 n = (size_t)snprintf(whole, sizeof(whole), "%s%s", word, text) + 1, front = w->bytes - w->behind;

	for (size_t at = 0; at < front; at += strlen(w->text + at) + 1)
		if (strcmp(w->text + at, whole) == 0)
			return 0;
	if (w->bytes + n > sizeof(w->text))
		return error_set(e, ERR_LIMIT, "the connector's words are over %d bytes", GUEST_WORDS_BYTES_MAX);
	memmove(w->text + front + n, w->text + front, w->behind);
	memcpy(w->text + front, whole, n);
	w->bytes += (uint32_t)n;
	return 0;
}

const char *
guest_word(const struct guest_words *w, const char *word)
{
	size_t	 n = strlen(word);

	for (size_t at = 0; at < w->bytes - w->behind; at += strlen(w->text + at) + 1)
		if (strncmp(w->text + at, word, n) == 0)
			return w->text + at + n;
	return NULL;
}

/* A folder's index.js, whether it has a specification or not. */
static int
customizer_find(const char *name, char folder[PATH_MAX], struct error *e)
{
	char		 index[PATH_MAX + sizeof(BUNDLE_MAIN)];
	struct stat	 st;

	if (files_stat(name, &st, folder) == -1)
		return error_set(e, ERR_NO_CONNECTOR, "customizer: %.200s is no folder", name);
	snprintf(index, sizeof(index), "%s/" BUNDLE_MAIN, folder);
	if (!files_may(index, R_OK))
		return error_set(e, ERR_NO_CONNECTOR, "customizer: there is no " BUNDLE_MAIN " in %.200s", folder);
	return 0;
}

int
connector_link(struct connector_ref *ref, const char *customizer, struct error *e)
{
	char	 folder[PATH_MAX];

	if (ref->guest[0] == '\0' || strcmp(ref->main, BUNDLE_MAIN) != 0 || ref->words.behind > 0)
		return error_set(e, ERR_NO_CONNECTOR, "customizer: %.64s is no Node bundle, and only these take one", ref->name);
	if (guest_word(&ref->words, GUEST_WORD_LINKED) != NULL)
		return error_set(e, ERR_NO_CONNECTOR, "customizer: one is linked to %.64s, and there can be no second", ref->name);
	if (customizer_find(customizer, folder, e) == -1)
		return -1;
	return word_add(&ref->words, GUEST_WORD_LINKED, folder, e);
}

static size_t
count(const struct guest_words *w, const char *word)
{
	size_t	 n = 0;

	for (size_t at = 0; at < w->bytes - w->behind; at += strlen(w->text + at) + 1)
		n += strncmp(w->text + at, word, strlen(word)) == 0;
	return n;
}

int
guest_places(struct nursery_plan *p, const struct egress_rule *rules, size_t n, struct error *e)
{
	char	 port[8];

	for (size_t i = 0; i < n; i++) {
		struct in_addr	 a;
		const char	*host = strcmp(rules[i].host, "localhost") == 0 ? "127.0.0.1" : rules[i].host;

		snprintf(port, sizeof(port), "%u", rules[i].port);
		if (rules[i].port == 53)
			return error_set(e, ERR_INVALID_CONFIGURATION, "egress: port 53 of %.100s cannot be reached by a program: "
			    "its name server is there", rules[i].host);
		if (place_add(&p->words, GUEST_WORD_PORT, port, e) == -1)
			return -1;
		if (inet_pton(AF_INET, host, &a) == 1 && (ntohl(a.s_addr) & 0xfffe0000u) != 0xc6120000u &&
		    place_add(&p->words, GUEST_WORD_ADDRESS, host, e) == -1)
			return -1;
	}
	if (count(&p->words, GUEST_WORD_PORT) > GUEST_PORTS_MAX || count(&p->words, GUEST_WORD_ADDRESS) > GUEST_ADDRESSES_MAX)
		return error_set(e, ERR_LIMIT, "egress: a program may reach %d different ports and %d hosts by number at most",
		    GUEST_PORTS_MAX, GUEST_ADDRESSES_MAX);
	return 0;
}

int
guest_words_check(const struct guest_words *w, struct error *e)
{
	for (size_t at = 0; at < w->bytes - w->behind; at += strlen(w->text + at) + 1)
		if (strncmp(w->text + at, GUEST_WORD_RUN, strlen(GUEST_WORD_RUN)) == 0 &&
		    program_check(w->text + at + strlen(GUEST_WORD_RUN), e) == -1)
			return -1;
		else if (strncmp(w->text + at, GUEST_WORD_CODE, strlen(GUEST_WORD_CODE)) == 0 &&
		    !code_knows(w->text + at + strlen(GUEST_WORD_CODE)))
			return error_set(e, ERR_SANDBOX, "%.200s: no folder of code", w->text + at);
	return 0;
}

void
guest_arguments_of(const struct nursery_plan *p, char *argv[GUEST_WORDS_MAX], size_t from,
    const char *programs[GUEST_PROGRAMS_MAX + 1])
{
	const struct guest_words	*w = &p->words;
	size_t				 n = 0;

	for (size_t at = 0; at < w->bytes && from < GUEST_WORDS_MAX - 2; at += strlen(w->text + at) + 1) {
		const char	*word = w->text + at;

		if (w->behind > 0 && at == w->bytes - w->behind)
			argv[from++] = (char *)(uintptr_t)GUEST_WORDS_END;
		argv[from++] = (char *)(uintptr_t)word;
		if (at < w->bytes - w->behind && strncmp(word, GUEST_WORD_RUN, strlen(GUEST_WORD_RUN)) == 0 &&
		    n < GUEST_PROGRAMS_MAX)
			programs[n++] = word + strlen(GUEST_WORD_RUN);
	}
	argv[from] = NULL;
	programs[n] = NULL;
}
