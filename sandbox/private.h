/*
 * private.h -- between the files of this room.
 */
#ifndef SANDBOX_PRIVATE_H
#define SANDBOX_PRIVATE_H

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "sandbox/filter.h"
#include "sandbox/sandbox.h"

#define ON(waived, layer)	(((waived) & (1u << (layer))) == 0)

/* Ends the process: "sandbox: <layer>: <what>: <errno>". */
void	sandbox_die(enum sandbox_layer, const char *what, int err) __attribute__((noreturn));

/* Each applies one layer or ends the process. */
void	birth_begin(pid_t parent);			/* session, umask */
void	birth_die_with(pid_t parent);			/* again after each change of credentials, which clears it */
void	birth_lock(void);				/* after exec: no core, no tracer */
void	birth_shed(unsigned int first_fd);		/* descriptors from there on */
void	birth_orphan_never(void);
void	birth_childless(void);				/* no process more, for good */
void	memory_begin(void);				/* out of dumps */
void	memory_lock(void);				/* never executable once written */
void	root_take(const char *program, const char *beside);	/* mount namespace: takes hold of what stays readable */
void	root_take_guest(const struct sandbox_wall *);	/* the same for a nursery of guests */
void	ids_become(unsigned int waived);		/* user, group, groups; files can be made in the namespace after that only */
void	root_enter(void);				/* a new, read-only root */
void	ids_keep_network(void);				/* before: a nursery of guests keeps what makes networks as well */
void	ids_drop(unsigned int waived);			/* bounding set and capabilities; keeps CAP_SYS_ADMIN of its own namespace */
void	ids_shed(void);					/* that one too */
void	landlock_load(const char *program, const char *beside);	/* stage 1: read and execute libraries, the CA file, the program's folder; read beside */
void	landlock_resolver(void);			/* the broker: read the resolver's files, take no TCP port */
/* a guest: start its programs, read, write /tmp; keeper: what that may read as well, which is before the fork */
void	landlock_guest(const struct sandbox_guest *, bool keeper);
#define THREADS_MAX	512				/* of all workers of a nursery: the kernel counts by user */
void	guest_tasks_bound(unsigned int most);		/* threads and processes of its user */
void	kept_prepare(bool processes);			/* the filters of guests without namespaces */
void	landlock_close(void);				/* stage 2: nothing */
void	rlimits_set(const struct sandbox_wall *);

/* One that needs no number of this process: as it was built. */
void	filter_enter(enum filter);
const struct sock_filter *filter_built(enum filter, size_t *n);	/* NULL: it is made where it is used */
#define FILTER_CODE_MAX	1024		/* instructions */
#define FILTERS_KEPT	2
/* Made here, in two steps; there is room for that many. */
void	filter_keep(enum filter, struct sock_fprog *kept);
void	filter_enter_kept(const struct sock_fprog *);
/* Where it tells: whoever reads the descriptor (close-on-exec) hears.  -1: a filter around us is heard, and there is one at most. */
int	filter_enter_heard(const struct sock_fprog *);

/* The folder of a program, into buf; never fails for an absolute path that fits. */
void	folder_of(const char *program, char *buf, size_t n);

/* What a connector may read while it loads; NULL-terminated, absolute paths. */
extern const char *const sandbox_readable[];
/* Beside them what guests read, and their devices. */
extern const char *const sandbox_guest_readable[], *const sandbox_guest_devices[];
/* What a guest finds in /etc: made for it. */
struct made_file {
	const char	*path, *text;
};
extern const struct made_file sandbox_guest_files[];
/* What the broker may read while it serves. */
extern const char *const sandbox_resolver_files[];

#endif
