/*
 * group.c -- a worker and its control group.
 */
#include <stdio.h>

#include "launcher/core/worker.h"
#include "sandbox/sandbox.h"

int
group_join(struct group *g, pid_t pid, unsigned int waived, uint64_t memory_bytes, struct error *e)
{
	struct error	 why = ERROR_NONE;
	int		 r = 1;

	if (waived & (1u << LAYER_CGROUP))
		return 0;
	if ((g->of = cgroup_take(memory_bytes, &why)) != NULL)
		r = cgroup_put(g->of, pid, &why);
	g->in = r == 0;
	if (r == 0)
		return 0;
	/* Half in is worse than out: that ends the worker. */
	if (r == -1) {
		*e = why;
		return -1;
	}
	(void)group_leave(g);
	(void)snprintf(g->why, sizeof(g->why), "%.250s", why.msg);
	return 0;
}

int
group_leave(struct group *g)
{
	struct cgroup	*of = g->of;

	g->of = NULL;
	return cgroup_return(of);
}
