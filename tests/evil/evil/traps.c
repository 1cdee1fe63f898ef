/*
 * traps.c -- attacks on what names a death: none may live on after a refused call.
 *
 * The refused call is getppid, harmless should it go through.
 */
#include "tests/evil/evil/evil.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "worker/contract/worker_fd.h"

#define PAGE_BYTES	4096ul
#define NEAR_PAGES	256		/* of code around one address of it */
#define FULL_BYTES	(200 * KIB)	/* more than the log's pipe holds */

static int
refused_call(struct call *c)
{
	return report_call(c, syscall(SYS_getppid));
}

/* With SIGSYS blocked there is no handler to run. */
int
trap_blocked(struct call *c)
{
	sigset_t	 all;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	return refused_call(c);
}

/* Nor with a stack that cannot hold its frame. */
int
trap_bad_stack(struct call *c)
{
	long	 r = SYS_getppid;

#if defined(__x86_64__)
	__asm__ volatile("mov %%rsp, %%r12; mov $64, %%rsp; syscall; mov %%r12, %%rsp"
	    : "+a"(r) :: "rcx", "r11", "r12", "memory");
#elif defined(__aarch64__)
	register long	 nr __asm__("x8") = r;
	register long	 got __asm__("x0") = 0;

	__asm__ volatile("mov x9, sp; mov x10, #64; mov sp, x10; svc #0; mov sp, x9"
	    : "+r"(got) : "r"(nr) : "x9", "x10", "memory");
	r = got;
#endif
	return report_call(c, r);
}

/* Nor with its code gone: all but the pages this very function lives on. */
int
trap_unmapped(struct call *c)
{
	uintptr_t	 here = (uintptr_t)trap_unmapped & ~(PAGE_BYTES - 1);

	for (uintptr_t i = 2; i < NEAR_PAGES; i++) {
		(void)mprotect((void *)(here - i * PAGE_BYTES), PAGE_BYTES, PROT_NONE);
		(void)mprotect((void *)(here + i * PAGE_BYTES), PAGE_BYTES, PROT_NONE);
	}
	return refused_call(c);
}

static int
log_write(const char *text)
{
	return write(FD_LOG, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

/* A note in its own words changes nothing for one that lives. */
int
trap_forged(struct call *c)
{
	if (log_write("\n\001filter 00000065 c000003e\n\001filter 00000065 c00000b7\n\001filter zzzzzzzz c000003e\n") == -1)
		return report(c, "refused", errno);
	return report(c, "allowed", 0);
}

int
trap_no_log(struct call *c)
{
	(void)close(FD_LOG);
	return refused_call(c);
}

int
trap_half_line(struct call *c)
{
	(void)log_write("a line that does not");
	return refused_call(c);
}

int
trap_full_log(struct call *c)
{
	static char	 much[FULL_BYTES];

	memset(much, 'x', sizeof(much));
	(void)!write(FD_LOG, much, sizeof(much));
	return refused_call(c);
}
