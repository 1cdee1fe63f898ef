/*
 * ref.h -- from what a caller calls a connector to the program that is run.
 *
 *   scim            what is installed, or its id
 *   scim@latest     by a tag
 *   scim@0          by a version; 0 is what came with the server, uploads count from 1
 */
#ifndef SERVE_REF_H
#define SERVE_REF_H

#include <stdbool.h>
#include <stdint.h>

#include "launcher/core/invoke.h"

#define REF_ID_BYTES	36	/* of a UUID */
#define REF_TAG		"latest"	/* where nothing is said */
#define REF_OWN_VERSION	0		/* of what came with the server */

/*
 * tag, version: what is meant where text does not say; "" and -1: the caller said nothing.  -1 with *e:
 * ERR_NO_CONNECTOR, or ERR_REQUEST where text and version contradict each other.  ref->name says which it is, such
 * that it is found again under that name.
 */
int	ref_find(const char *text, const char *tag, int64_t version, struct connector_ref *ref, struct error *e);
/* The connector of a ref->name: what is before '@'. */
void	ref_base(const char *name, char base[CONNECTOR_NAME_MAX + 1]);
/* Its id and version. */
void	ref_identity(const char *name, char id[REF_ID_BYTES + 1], uint32_t *version);
/* What finds it whatever happens to its alias meanwhile: an upload by its id. */
#define REF_LASTING_BYTES	CONNECTOR_NAME_MAX
void	ref_lasting(const char *name, char lasting[REF_LASTING_BYTES + 1]);
/* The id of a connector that came with the server: the same everywhere, made from its name. */
void	ref_own_id(const char *name, char id[REF_ID_BYTES + 1]);

#endif
