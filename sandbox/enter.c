/*
 * enter.c -- enters filters: those that were built with this program, and those that are made for a guest.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/private.h"
#include "filters_built.h"		/* written by built/write.c */

const struct sock_filter *
filter_built(enum filter f, size_t *n)
{
	*n = built[f].n;
	return built[f].code;
}

void
filter_enter(enum filter f)
{
	struct sock_fprog	 prog = { .len = built[f].n, .filter = (struct sock_filter *)(uintptr_t)built[f].code };

	if (prog.len == 0)
		sandbox_die(LAYER_SECCOMP, "no such filter was built", 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		sandbox_die(LAYER_SECCOMP, "no_new_privs", errno);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == -1)
		sandbox_die(LAYER_SECCOMP, "load the filter", errno);
}

/* Made once, entered often: by one call, that needs no memory.  FILTERS_KEPT of them. */
void
filter_keep(enum filter f, struct sock_fprog *kept)
{
	static struct sock_filter	 codes[FILTERS_KEPT][FILTER_CODE_MAX];
	static size_t			 used;
	struct sock_filter		*code = codes[used++];
	const char			*what;
	int				 err, fd = memfd_create("filter", MFD_CLOEXEC);
	scmp_filter_ctx			 ctx = filter_make(f, seccomp_arch_native(), &what, &err);
	ssize_t				 n;

	if (ctx == NULL)
		sandbox_die(LAYER_SECCOMP, what, err);
	if (fd == -1 || (err = seccomp_export_bpf(ctx, fd)) != 0)
		sandbox_die(LAYER_SECCOMP, "write the filter down", fd == -1 ? errno : -err);
	if ((n = pread(fd, code, sizeof(codes[0]), 0)) <= 0 || n == (ssize_t)sizeof(codes[0]))
		sandbox_die(LAYER_SECCOMP, "the filter is too long", 0);
	close(fd);
	seccomp_release(ctx);
	*kept = (struct sock_fprog){ .len = (unsigned short)(n / (ssize_t)sizeof(code[0])), .filter = code };
}

void
filter_enter_kept(const struct sock_fprog *kept)
{
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, kept, 0L, filter_cookie[0], filter_cookie[1]) == -1)
		sandbox_die(LAYER_SECCOMP, "load the filter", errno);
}

int
filter_enter_heard(const struct sock_fprog *kept)
{
	int	 fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, kept, 0L,
	    filter_cookie[0], filter_cookie[1]);

	/* Whoever runs us may listen already, and there is one listener at most: then ours refuses without a word. */
	if (fd == -1 && errno == EBUSY)
		filter_enter_kept(kept);
	else if (fd == -1)
		sandbox_die(LAYER_SECCOMP, "load the filter, to be heard (Linux 5.0)", errno);
	return fd;
}
