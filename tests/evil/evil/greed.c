/*
 * greed.c -- attacks by taking too much, or by ending in the wrong way.
 */
#include "tests/evil/evil/evil.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#define PORTION_BYTES	(256 * KIB)
#define TAKEN_BYTES_MAX	((size_t)1024 * MIB)	/* should nothing stop it, the machine still lives */

int
attack_hang(struct call *c)
{
	struct timespec	 ts = { 60, 0 };

	(void)c;
	for (;;)
		nanosleep(&ts, NULL);
}

int
attack_ignore_term(struct call *c)
{
	sigset_t	 all;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	return attack_hang(c);
}

/* Asks to outlive the launcher. */
int
attack_deathless(struct call *c)
{
	if (prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0) == -1)
		return report(c, "refused", errno);
	if (emit_keep_alive(c) == -1)
		return -1;
	return attack_ignore_term(c);
}

int
attack_no_verdict(struct call *c)
{
	if (report(c, "allowed", 0) == -1)
		return -1;
	_exit(0);
}

int
attack_exit_nonzero(struct call *c)
{
	(void)c;
	_exit(3);
}

int
attack_crash(struct call *c)
{
	(void)c;
	*(volatile int *)NULL = 1;
	return 0;
}

static int
report_taken(struct call *c, int err, size_t bytes)
{
	cJSON	*data = cJSON_CreateObject();

	cJSON_AddStringToObject(data, "attack", attack_name(c));
	cJSON_AddStringToObject(data, "result", "refused");
	cJSON_AddNumberToObject(data, "errno", err);
	cJSON_AddNumberToObject(data, "mib", (double)(bytes / MIB));
	return emit_output(c, data);
}

/* Takes and touches until there is no more; says how much it was. */
int
attack_alloc(struct call *c)
{
	void	**chain = NULL, **more;
	size_t	 taken = 0;

	while ((more = malloc(PORTION_BYTES)) != NULL) {
		memset(more, 1, PORTION_BYTES);
		*more = chain;
		chain = more;
		taken += PORTION_BYTES;
	}
	for (; chain != NULL; chain = more) {
		more = *chain;
		free(chain);
	}
	return report_taken(c, ENOMEM, taken);
}

/* The same by kinds of memory that a limit on private writable memory does not count. */
int
attack_map(struct call *c)
{
	int	 kind = strcmp(attack_name(c), "map-shared") == 0 ? MAP_SHARED : MAP_PRIVATE | MAP_GROWSDOWN;

	for (size_t taken = 0; taken < TAKEN_BYTES_MAX; taken += PORTION_BYTES) {
		void	*p = mmap(NULL, PORTION_BYTES, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return report_taken(c, errno, taken);
		memset(p, 1, PORTION_BYTES);
	}
	return report(c, "ESCAPED", 0);
}

int
attack_cpu(struct call *c)
{
	volatile unsigned long	 n = 0;

	(void)c;
	for (;;)
		n++;
}

static __attribute__((noinline)) int
deeper(volatile char *above, unsigned long n)
{
	volatile char	 here[512];

	here[0] = *above;
	here[n % sizeof(here)] = (char)n;
	return n == 0 ? 0 : deeper(here, n + 1) + here[n % sizeof(here)];
}

int
attack_stack(struct call *c)
{
	volatile char	 top = 1;

	(void)c;
	return deeper(&top, 1);
}
