/*
 * rules_keeper.c -- what the keeper of a guest may ask of the kernel: it reads addresses in the guest's memory, asks the
 * broker, and puts the sockets that it gets in the place of the guest's.  It opens none by itself.
 *
 * It runs no code of others: what is not listed here kills it at once.
 */
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "sandbox/filter.h"

#define TYPE_MASK	0xfu

#define K	IN(FILTER_KEEPER)
#define ALLOW	ANSWER_ALLOW
#define NAME(x)	SCMP_SYS(x)

const struct rule rules_keeper[] = {
	{ NAME(ioctl),		ALLOW,	K, "what the guest asks for", IF(INT_ARG(1, SECCOMP_IOCTL_NOTIF_RECV)) },
	{ NAME(ioctl),		ALLOW,	K, "the answer", IF(INT_ARG(1, SECCOMP_IOCTL_NOTIF_SEND)) },
	{ NAME(ioctl),		ALLOW,	K, "does it still wait", IF(INT_ARG(1, SECCOMP_IOCTL_NOTIF_ID_VALID)) },
	{ NAME(ioctl),		ALLOW,	K, "a socket for it", IF(INT_ARG(1, SECCOMP_IOCTL_NOTIF_ADDFD)) },
	{ NAME(kill),		ALLOW,	K, "its own group, itself in it", IF(INT_ARG(0, 0), INT_ARG(1, SIGKILL)) },
	{ NAME(process_vm_readv), ALLOW, K, "the address that it gave" },
	{ NAME(openat),		ALLOW,	K, "how its socket is to behave; by Landlock's leave", IF(ARG(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)) },
	{ NAME(readlink),	ALLOW,	K, "which of its sockets" },
	{ NAME(readlinkat),	ALLOW,	K, "which of its sockets" },
	{ NAME(read),		ALLOW,	K, "how its socket is to behave" },
	{ NAME(fcntl),		ALLOW,	K, "so shall ours", IF(INT_ARG(1, F_SETFL)) },
	{ NAME(socketpair),	ALLOW,	K, "a connection to the name server", IF(INT_ARG(0, AF_UNIX), ARG(1, TYPE_MASK, SOCK_STREAM)) },
	{ NAME(recvmsg),	ALLOW,	K, "answers of the broker" },
	{ NAME(sendto),		ALLOW,	K, "questions and answers, on connected sockets", IF(ARG(3, MSG_FASTOPEN, 0), NULL_ARG(4)) },
	{ NAME(recvfrom),	ALLOW,	K, "questions for names" },
	{ NAME(poll),		ALLOW,	K, "the loop" },
	{ NAME(ppoll),		ALLOW,	K, "the loop, by its name on arm64" },
	{ NAME(clock_nanosleep), ALLOW,	K, "a source has a budget" },
	{ NAME(close),		ALLOW,	K, "descriptors" },
	{ NAME(brk),		ALLOW,	K, "malloc" },
	{ NAME(mmap),		ALLOW,	K, "malloc", IF(ARG(2, PROT_EXEC, 0)) },
	{ NAME(munmap),		ALLOW,	K, "malloc" },
	{ NAME(restart_syscall), ALLOW,	K, "a wait interrupted by a stop signal" },
	{ NAME(rt_sigreturn),	ALLOW,	K, "the nursery's handlers" },
	{ NAME(exit_group),	ALLOW,	K, "the end" },
};
const size_t	nrules_keeper = sizeof(rules_keeper) / sizeof(rules_keeper[0]);
