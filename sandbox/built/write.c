/*
 * write.c -- at build time: the filters that need no number of the running process, as C.
 *
 * libseccomp takes longer to make one than the kernel to load it; what it makes of the tables is the same on every start.
 * Filters of guests are made where they are used: numbers are drawn for them.
 */
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/filter.h"

#define CODE_MAX	4096u		/* instructions: the kernel's bound */

static const struct {
	enum filter	 f;
	const char	*name;
} wanted[] = {
#define ROW(f)	{ f, #f }
	ROW(FILTER_LOAD), ROW(FILTER_LOAD_BARE), ROW(FILTER_LOCK), ROW(FILTER_LOCK_BARE), ROW(FILTER_NOFORK), ROW(FILTER_ALONE),
	ROW(FILTER_BROKER), ROW(FILTER_GUEST_BIRTH), ROW(FILTER_KEEPER), ROW(FILTER_FRONT),
#undef ROW
};

/* 0: libseccomp would not. */
static size_t
code_make(enum filter f, struct sock_filter code[CODE_MAX])
{
	const char	*what;
	int		 err, fd = memfd_create("filter", MFD_CLOEXEC);
	scmp_filter_ctx	 ctx = filter_make(f, seccomp_arch_native(), &what, &err);
	ssize_t		 n = -1;

	if (ctx == NULL)
		fprintf(stderr, "%s: %s: %s\n", filter_name(f), what, strerror(err));
	else if (fd != -1 && seccomp_export_bpf(ctx, fd) == 0)
		n = pread(fd, code, CODE_MAX * sizeof(code[0]), 0);
	if (ctx != NULL)
		seccomp_release(ctx);
	if (fd != -1)
		close(fd);
	return n <= 0 || (size_t)n == CODE_MAX * sizeof(code[0]) ? 0 : (size_t)n / sizeof(code[0]);
}

int
main(void)
{
	static struct sock_filter	 code[CODE_MAX];
	size_t				 n;

	printf("/* Made by sandbox/built/write.c. */\n");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if ((n = code_make(wanted[i].f, code)) == 0) {
			fprintf(stderr, "%s: cannot be made\n", filter_name(wanted[i].f));
			return 1;
		}
		printf("static const struct sock_filter\tof_%s[] = {\n", wanted[i].name);
		for (size_t k = 0; k < n; k++)
			printf("\t{ 0x%x, %u, %u, 0x%x },\n", code[k].code, code[k].jt, code[k].jf, code[k].k);
		printf("};\n");
	}
	printf("static const struct {\n\tconst struct sock_filter\t*code;\n\tunsigned short\t\t\t n;\n} built[FILTER__MAX] = {\n");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		printf("\t[%s] = { of_%s, sizeof(of_%s) / sizeof(of_%s[0]) },\n", wanted[i].name, wanted[i].name,
		    wanted[i].name, wanted[i].name);
	printf("};\n");
	return fflush(stdout) == 0 ? 0 : 1;
}
