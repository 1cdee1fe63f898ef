/*
 * ask.h -- the body of an invoke request:
 *
 *   {"type":"std:account:list","config":{...},"input":{...},
 *    "id":"...", "source":"...", "deadline":"30s", "limits":{"memory":"256m","silence":"60s",...},
 *    "customizer":"NAME@VERSION"}
 *
 * Strict: a member that nobody knows is refused by name.  A limit is a number (milliseconds, bytes, seconds of cpu)
 * or a text as --limit takes it, and never more than the operator's.
 */
#ifndef SERVE_ASK_H
#define SERVE_ASK_H

#include "launcher/serve/serve.h"

struct ask {
	struct request		 rq;
	struct inv_limits	 limits;		/* settled: operator's where none was asked */
	char			 source[SOURCE_BYTES_MAX + 1];	/* given, or a digest of connector and hosts */
	bool			 source_given;
	char			 customizer[CONNECTOR_NAME_MAX + 1 + 64 + 1];	/* to be linked: NAME, NAME@VERSION, NAME@TAG; "": none */
};

/* -1 with *e; *a is untouched then.  What was read belongs to the caller: ask_free(). */
int	ask_read(const char *text, size_t len, const struct connector_ref *ref, struct ask *a, struct error *e);
/* Links what it asks for; -1 with *e.  ref is another connector then, whose nurseries are its own. */
int	ask_link(const struct ask *, struct connector_ref *ref, struct error *e);
void	ask_free(struct ask *);

#endif
