/*
 * sandbox.h -- takes authority away from a connector, in two stages.
 *
 *	sandbox_clone()	launcher: makes the process that becomes a nursery
 *	sandbox_wall()	stage 1, in that process, before exec: a connector's
 *			constructors already run inside walls
 *	sandbox_trap()	in the nursery, first: a death by the filter names its call
 *	sandbox_lock()	stage 2, in the nursery, after it has loaded what it
 *			needs: nothing can be opened any more
 *	sandbox_fork()	nursery: a fresh process in a pid namespace of its own
 *	sandbox_shed()	in it: the last privilege goes
 *
 * Stage 1 and 2 have no failure return: a process that cannot be confined
 * writes why to descriptor 2 and ends with SANDBOX_EXIT.  Libc and libseccomp only.
 */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SANDBOX_EXIT	81	/* exit status of a process that could not be confined (ERR_SANDBOX) */

enum sandbox_layer {
	LAYER_BIRTH,		/* own session, empty environment, descriptors by number, dies with its parent */
	LAYER_IDS,		/* an unprivileged user and group, no capability */
	LAYER_NAMESPACES,	/* user, mount, net, ipc, uts, cgroup, time; pid for each worker */
	LAYER_LANDLOCK,		/* no file, no TCP, no abstract socket, no signal to others */
	LAYER_SECCOMP,		/* allow-list of system calls, no_new_privs */
	LAYER_RLIMITS,		/* memory, processor time, files, processes, no core */
	LAYER_MEMORY,		/* none both written and executed, none in a dump; wiped before the verdict */
	LAYER_CGROUP,		/* one for each worker, where the host delegates a tree; the launcher's doing */
	LAYER__MAX,
	LAYER_INVALID = -1
};

/* "namespaces"; never NULL for a layer in range. */
const char		*sandbox_layer_name(enum sandbox_layer);
enum sandbox_layer	 sandbox_layer_from_name(const char *);
/* True if an operator may run without it (bit 1u << layer in `waived`). */
bool			 sandbox_layer_waivable(enum sandbox_layer);

/* Choices of layers that have a name; the last has none.  An operator chooses, a host never does. */
struct sandbox_set {
	const char	*name;		/* "strict": every layer; "container": for where no namespace can be made */
	unsigned int	 waived;
};
extern const struct sandbox_set		 sandbox_sets[];
const struct sandbox_set		*sandbox_set_from_name(const char *);

struct sandbox_wall {
	const char	*program;	/* absolute path; its folder stays readable until stage 2 */
	const char	*beside;	/* and so does this folder, for a program that runs what others wrote down; NULL: none */
	unsigned int	 waived;
	uint64_t	 memory_bytes;	/* private writable memory */
	unsigned int	 cpu_s;
	unsigned int	 files_max;
	int		 sync_fd;	/* read: one byte once the id maps are written */
	pid_t		 parent;	/* die when it does */
	const char	*guest;		/* folder of a guest's files, absolute; NULL: none, a native connector */
	const char	*guest_code;	/* a folder for SANDBOX_GUEST_CODE, NULL: none; done without where it is gone */
	const char	*guest_linked;	/* a folder for SANDBOX_GUEST_LINKED, NULL: none */
	const char *const *guest_programs;	/* NULL-terminated: other files that it may execute */
};

/*
 * Like fork(), with the namespaces of the walls around the child.  In the
 * parent: the pid, *pidfd (close-on-exec), and after it has returned the id maps are
 * to be written with sandbox_map_ids(pid).  -1 with errno: usually EPERM (user
 * namespaces forbidden) or ENOSPC (too many).
 */
pid_t	sandbox_clone(unsigned int waived, int *pidfd);
/* Maps the child's ids to unprivileged ones; -1 with errno. No-op where namespaces are waived. */
int	sandbox_map_ids(pid_t child, unsigned int waived);

void	sandbox_wall(const struct sandbox_wall *);
void	sandbox_lock(unsigned int waived);
/*
 * 0 in the child, its pid (in the caller's namespace) in the nursery, -1 with errno.  The child's parent is the
 * nursery's parent, which alone can wait for it.
 */
pid_t	sandbox_fork(unsigned int waived);
/* Four system calls: descriptors from first_fd on, capabilities, death signal, no process more. */
void	sandbox_shed(unsigned int waived, unsigned int first_fd);

/*
 * A guest is a program of somebody else's that a worker becomes by exec: an interpreter, say.  Its nursery runs our
 * code only; sandbox_wall() leaves Landlock and the filter out, and sandbox_lock() is not called.  Each worker is
 * made by sandbox_fork_guest(), is given a network, confines itself before it says that it is locked, then execs.
 */
struct sandbox_guest {
	const char *const *programs;	/* NULL-terminated: what it may execute */
	bool		 own_program;	/* and what lies in its folder */
	const char	*folder, *home;	/* its files, and its host's; as in SANDBOX_GUEST_FOLDER where it has a root of its own */
	const char	*linked, *code;	/* likewise; NULL: none */
	bool		 bare;		/* namespaces are waived */
	unsigned int	 tasks;		/* with processes: how many, of both kinds */
	bool		 processes;	/* it may make some, and execute; else it has threads, and executes nothing after that once */
};
const char *sandbox_guest_program(void);	/* Node, where this host has it; NULL: nowhere */
/* Once, in the nursery.  No failure return, as in the others below. */
void	sandbox_guest_prepare(const struct sandbox_guest *);
pid_t	sandbox_fork_guest(unsigned int waived);	/* as sandbox_fork(), with mounts, net and ipc of its own */
/*
 * Its network: made-up addresses, all local, and those that its policy names by number.  Whoever answers there does so
 * on these sockets (close-on-exec, non-blocking): the name server's of UDP, of TCP, then one that listens for
 * each port, for both families where there are both.  Returns how many.
 */
#define SANDBOX_RESOLVER	"198.18.0.1"	/* of 198.18.0.0/15, which is nobody's (RFC 2544) */
#define SANDBOX_NET_MASK	"255.254.0.0"
#define SANDBOX_NET6		"2001:2::1"	/* of 2001:2::/64, which is nobody's (RFC 5180); where this host has IPv6 */
#define SANDBOX_NET6_BITS	64
#define SANDBOX_NET_PORTS_MAX	16
#define SANDBOX_NET_ADDRESSES_MAX 16
struct sandbox_net {
	size_t		nports, naddresses;
	uint16_t	ports[SANDBOX_NET_PORTS_MAX];		/* of TCP */
	uint32_t	addresses[SANDBOX_NET_ADDRESSES_MAX];	/* IPv4, network order */
};
#define SANDBOX_NET_FDS_MAX	(2 + SANDBOX_NET_PORTS_MAX)
size_t	sandbox_guest_net(const struct sandbox_net *, int fds[SANDBOX_NET_FDS_MAX]);
/*
 * Returns a descriptor that the guest must not have (close-on-exec): what only an attack asks for waits there, for
 * sandbox_call_hear() elsewhere.  -1: the filter is waived, or one around us is heard, and such calls are refused with ENOSYS.
 */
int	sandbox_guest(unsigned int waived, const struct sandbox_guest *, unsigned int first_fd);
/*
 * Instead of these where namespaces are waived: sandbox_kept_begin() first, then a keeper is forked.  In the guest
 * sandbox_kept() puts up the rest and sends to_keeper the descriptor on which the keeper is told what the guest asks for;
 * in the keeper sandbox_keeper() leaves what it needs for that.
 */
void	sandbox_kept_begin(const struct sandbox_guest *, unsigned int first_fd);
pid_t	sandbox_fork_keeper(void);
void	sandbox_kept(unsigned int waived, const struct sandbox_guest *, pid_t keeper, int to_keeper);
void	sandbox_keeper(void);
/* Behind the walls, once; -1 with errno. */
int	sandbox_guest_exec(const char *program, char *const argv[], char *const envp[]);
/* Where it finds its files, wherever they are outside, and those beside the nursery's own program. */
#define SANDBOX_GUEST_FOLDER	"/app"
#define SANDBOX_GUEST_HOME	"/host"
#define SANDBOX_GUEST_LINKED "/linked"
#define SANDBOX_GUEST_CODE	"/code"		/* likewise, what the launcher keeps for it; there or not */

/*
 * From here on a call that the filter refuses ends the process (SIGSYS) after one
 * line, a note, to fd, or in a child of the caller to fd_of_children.
 */
void	sandbox_trap(int fd, int fd_of_children);

#define SANDBOX_CALL_BYTES	32	/* the longest name is sched_rr_get_interval_time64 */
/*
 * Is this line (without its '\n') a note?  Then the name of the call, or its number
 * where it has none.  Written by hostile hands: believe it only of a process that died of SIGSYS.
 */
bool	sandbox_note(const char *line, size_t len, char name[SANDBOX_CALL_BYTES]);

/* This machine's (AUDIT_ARCH_*). */
uint32_t sandbox_arch(void);
/* A call by its number on a machine (AUDIT_ARCH_*): its name, or the number where it has none. */
void	sandbox_call_name(uint32_t arch, int nr, char name[SANDBOX_CALL_BYTES]);
/*
 * A call that waits on the descriptor of a guest: its number.  The caller is not answered, and stands still for as long
 * as the descriptor is open.  False: there was none, or its caller is dead by now.
 */
bool	sandbox_call_hear(int fd, uint32_t *arch, int *nr);

/* For a connector that is run by hand: stage 2 with no nursery; the process itself is the worker. */
void	sandbox_lock_alone(void);

/*
 * For the egress broker, after it has given up its privileges and before its first thread: no program, no file
 * but the resolver's, no TCP port to listen on, its own list of system calls.  No failure return.
 */
void	sandbox_broker_lock(void);
/*
 * True if one of the resolver's files is another than before the lock (its name was given to a new file), which the
 * lock does not let it read: what it resolves from now on may be wrong, and a new broker is needed.
 */
bool	sandbox_broker_outdated(void);

/*
 * For the half of a server that speaks to the network, once it has its doors and its journal: no file, no program, no
 * process, no socket but those it is handed, no capability.  filtered: false where the operator waived the list of
 * system calls.  No failure return.
 */
void	sandbox_front_lock(bool filtered);

/* Landlock's level that is used here (its ABI, no more than this build knows); -1 with errno if there is none. */
int	sandbox_landlock_level(void);
/* True if the kernel can forbid memory that is both written and executed (Linux 6.3). */
bool	sandbox_mdwe(void);

/*
 * Does this host do it?  Each probe applies its layer in a child, as for a connector, and attacks it.
 */
enum sandbox_probe {
	PROBE_BIRTH,
	PROBE_IDS,
	PROBE_USER, PROBE_MOUNT, PROBE_PID, PROBE_NET, PROBE_IPC, PROBE_UTS, PROBE_CGROUPNS, PROBE_TIME,
	PROBE_LANDLOCK,
	PROBE_NO_NEW_PRIVS, PROBE_SECCOMP,
	PROBE_RLIMITS,
	PROBE_MEMORY,
	PROBE__MAX
};
const char		*sandbox_probe_name(enum sandbox_probe);
enum sandbox_layer	 sandbox_probe_layer(enum sandbox_probe);
/* 0, or -1 and why (a text of at most n bytes). */
int			 sandbox_probe(enum sandbox_probe, char *why, size_t n);

/* How many filters a worker carries, for the check from outside. */
int	sandbox_filters(unsigned int waived);

/*
 * Looks at a locked worker from outside, by /proc: no_new_privs, filters, no
 * capability, first process of its pid namespace.  0, or -1 and why (a text of at most n bytes).
 */
int	sandbox_verify(pid_t worker, unsigned int waived, char *why, size_t n);
/* Looks at ourselves, once, for both: at a time when there is only waiting to do. */
void	sandbox_verify_prepare(unsigned int waived);
/*
 * Looks at a nursery's namespaces once it has run: none may be ours.  Stage 1, which stood before its first
 * instruction, refuses every call that could change them, for it and for who descends from it: what is seen here is so
 * of each of its workers, of which only the pid namespace is another one each time (sandbox_verify()).
 */
int	sandbox_verify_namespaces(pid_t nursery, unsigned int waived, char *why, size_t n);

#endif
