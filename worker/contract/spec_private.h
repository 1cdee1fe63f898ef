/*
 * spec_private.h -- between spec.c, spec_egress.c, spec_rate.c and spec_runtime.c.
 */
#ifndef CONTRACT_SPEC_PRIVATE_H
#define CONTRACT_SPEC_PRIVATE_H

#include <cjson/cJSON.h>

#include "worker/contract/error.h"

/*
 * Calls fn for each item of a form (menus, sections, items; cards hold forms
 * of their own), with the object in which its key is looked up.
 */
typedef void	(*item_fn)(void *arg, const cJSON *item, const cJSON *values);
void	form_walk(const cJSON *list, const cJSON *values, item_fn fn, void *arg);

/* The "egress" member of a spec: rules, ports and templates well formed.  NULL is fine.  -1 with ERR_NO_CONNECTOR. */
int	egress_check(const cJSON *list, struct error *e);

/* spec_rate.c: the "rate" member, likewise. */
int	rate_check(const cJSON *rate, struct error *e);

/* spec_runtime.c: the "runtime" member, likewise. */
int	runtime_check(const cJSON *runtime, struct error *e);

#endif
