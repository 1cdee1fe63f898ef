/*
 * contacts.h -- where one invocation went, as the broker told it, for its receipt.
 */
#ifndef CORE_CONTACTS_H
#define CORE_CONTACTS_H

#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "launcher/core/broker_wire.h"

struct contact;

/* Zeroed: none yet. */
struct contacts {
	struct contact	*list;
	size_t		 n;
	struct others {
		uint64_t	count, bytes_out, bytes_in;
	} others[EGRESS__MAX];		/* contacts that found no room */
};

/* One CONTACT or TALLY of the broker, checked as to its form. */
void	 contacts_add(struct contacts *, const struct wire_contact *);
/* See broker_close(). */
cJSON	*contacts_print(const struct contacts *);
void	 contacts_free(struct contacts *);

#endif
