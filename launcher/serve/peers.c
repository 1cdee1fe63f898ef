/*
 * peers.c -- rows for users and groups at unix sockets.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/serve/peers.h"
#include "worker/contract/util.h"

#define GROUPS_USUAL	64	/* beside its own: asked for at first */

static const char	 wanted[] = "UID, uid:UID or gid:GID is wanted, then perhaps =SCOPE[,SCOPE...]";

int
peer_read(const char *text, struct peer *p, struct error *e)
{
	static const struct { const char *prefix; bool group; } kinds[] = { { "uid:", false }, { "gid:", true } };
	const char	*number = text;
	char		*rest;
	unsigned long	 id;

	*p = (struct peer){ 0 };
	for (size_t i = 0; i < N_ITEMS(kinds); i++)
		if (strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)) == 0) {
			number = text + strlen(kinds[i].prefix);
			p->group = kinds[i].group;
		}
	errno = 0;
	id = strtoul(number, &rest, 10);
	/* The last one stands for nobody at all. */
	if (number[0] < '0' || number[0] > '9' || errno != 0 || id >= UINT_MAX || (*rest != '\0' && *rest != '='))
		return error_set(e, ERR_USAGE, "%.80s: %s", text, wanted);
	p->id = (unsigned int)id;
	p->all = *rest == '\0';
	snprintf(p->may.name, sizeof(p->may.name), "%s:%u", p->group ? "gid" : "uid", p->id);
	return p->all ? 0 : token_scopes(&p->may, rest + 1, e);
}

static bool
among(const gid_t *list, socklen_t bytes, unsigned int id)
{
	for (size_t i = 0; i < bytes / sizeof(*list); i++)
		if (list[i] == id)
			return true;
	return false;
}

/* Where the kernel does not say which groups it has, it has none beside its own. */
static const struct peer *
of_groups(const struct peer *rows, size_t n, int fd, gid_t own)
{
	gid_t			 few[GROUPS_USUAL], *many = NULL;
	socklen_t		 bytes = sizeof(few);
	int			 r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, few, &bytes);
	const struct peer	*found = NULL;

	if (r == -1 && errno == ERANGE && bytes > sizeof(few) && bytes <= NGROUPS_MAX * sizeof(gid_t) &&
	    (many = malloc(bytes)) != NULL)
		r = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, many, &bytes);
	if (r == -1)
		bytes = 0;
	for (size_t i = 0; i < n && found == NULL; i++)
		if (rows[i].group && (rows[i].id == own || among(many != NULL ? many : few, bytes, rows[i].id)))
			found = &rows[i];
	free(many);
	return found;
}

const struct peer *
peers_find(const struct peer *rows, size_t n, int fd, const struct ucred *who)
{
	bool	 groups = false;

	for (size_t i = 0; i < n; i++) {
		if (!rows[i].group && rows[i].id == who->uid)
			return &rows[i];
		groups = groups || rows[i].group;
	}
	return groups ? of_groups(rows, n, fd, who->gid) : NULL;
}
