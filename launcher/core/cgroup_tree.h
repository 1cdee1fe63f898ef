/*
 * cgroup_tree.h -- between cgroup.c (the stock) and cgroup_tree.c (where the groups can be).
 */
#ifndef CORE_CGROUP_TREE_H
#define CORE_CGROUP_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CGROUP_PATH_BYTES	1024

/* Hierarchies that matter.  Each controller is on one of them. */
enum cgroup_branch {
	BRANCH_V2,	/* the unified one, which has the controllers on most hosts */
	BRANCH_MEMORY,	/* v1 */
	BRANCH_PIDS,	/* v1 */
	BRANCH__MAX,
	BRANCH_NONE = -1
};

struct cgroup_tree {
	char			base[BRANCH__MAX][CGROUP_PATH_BYTES];	/* folder of our own group; "": not there */
	char			mine[BRANCH__MAX][CGROUP_PATH_BYTES + 64]; /* below it, of this launcher; "": not used */
	enum cgroup_branch	memory, pids, cpu;			/* where they are */
	unsigned int		enabled;	/* by us, in base[BRANCH_V2]: to be undone; a bit for each controller */
	bool			moved;		/* we sit in mine[BRANCH_V2]/launcher */
	char			why[256];	/* not empty: there can be no groups */
};

/* Fills base from the texts of /proc/self/mountinfo and /proc/self/cgroup. */
void	cgroup_tree_find(struct cgroup_tree *, const char *mountinfo, const char *membership);
/* Makes mine, or says why not. */
void	cgroup_tree_open(struct cgroup_tree *);
/*
 * Another process in the group that we are in, of the same server: where we step aside, it does.  Before
 * cgroup_tree_open().
 */
void	cgroup_companion(pid_t);
/* Removes mine, which must have no group of a worker any more. */
void	cgroup_tree_close(struct cgroup_tree *);

/* The folder of the group that we are in, where we make groups on that branch; false: we do not. */
bool	cgroup_tree_own(const struct cgroup_tree *, enum cgroup_branch, char *path, size_t n);

/* Kills all that is in the group itself, once.  1: somebody may have been; 0: nobody. */
int	cgroup_end(const char *folder);
/* One file of a group; -1 with errno.  Read text ends in NUL. */
int	cgroup_write(const char *folder, const char *file, const char *text);
int	cgroup_read(const char *folder, const char *file, char *text, size_t n);

#endif
