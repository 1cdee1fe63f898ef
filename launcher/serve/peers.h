/*
 * peers.h -- who may do what at a unix socket, by the user or group of the process at its other end.
 *
 *   1000			this user, everything
 *   uid:1000=read,invoke:scim	this user, with these scopes (tokens.h)
 *   gid:50=read		whoever has this group, as its own or beside it
 *
 * A row for the user goes before rows for groups, and of those the first counts.  Root and the server's own user may do
 * everything, whatever rows say.
 */
#ifndef SERVE_PEERS_H
#define SERVE_PEERS_H

#include <sys/socket.h>

#include "launcher/serve/tokens.h"

struct peer {
	bool		 group;
	bool		 all;		/* no scopes are named */
	unsigned int	 id;
	struct token	 may;		/* its name is what the journal says: "uid:1000", "gid:50" */
};

/* "WHO[=SCOPE[,SCOPE...]]". */
int			 peer_read(const char *text, struct peer *, struct error *e);
/* The row of whoever is at the other end of this unix socket; NULL: there is none. */
const struct peer	*peers_find(const struct peer *, size_t n, int fd, const struct ucred *);

#endif
