/*
 * beta_instance.h -- an instance while it is being changed, and what it does to an invocation.
 */
#ifndef SERVE_BETA_INSTANCE_H
#define SERVE_BETA_INSTANCE_H

#include <stdbool.h>

#include "launcher/registry/registry.h"

#define PATCH_OPS_MAX		100	/* of one request */
#define CONFIG_MEMBERS_MAX	256	/* that are kept */

struct connector_ref;

/* As it is to be; zeroed: a new one. */
struct draft {
	struct reg_instance	 i;	/* i.config is the draft's own */
};
/* Made of this one, whole or only what a replacement keeps.  -1 with *e: no memory. */
int	draft_of(struct draft *, const struct reg_instance *, bool whole, struct error *e);
/* {"name":..,"connectorSpecId" or "connectorRef":..,"connectorCustomizerId"?:..,"config"?:{..}}; -1 with *e names the member. */
int	draft_take(struct draft *, const cJSON *body, struct error *e);
/* [{"op":"add"|"replace"|"remove","path":"/connectorCustomizerId","value"?:..}]; /name, /connectorSpecId, /config and what is in it. */
int	draft_patch(struct draft *, const cJSON *list, struct error *e);
/* What it names is there, and no secret is in its config. */
int	draft_check(const struct draft *, struct error *e);
void	draft_free(struct draft *);

/* Links the customizer of this instance, its newest version, to its connector; 0 as well where there is none. */
int	beta_instance_link(const struct reg_instance *, struct connector_ref *, struct error *e);

#endif
