/*
 * greed.c -- attacks by taking too much, or by ending in the wrong way.
 */
#include "tests/evil/evil/evil.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PORTION_BYTES	(256 * KIB)

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

	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_IGN);
	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	return attack_hang(c);
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

/* Takes and touches until there is no more; says how much it was. */
int
attack_alloc(struct call *c)
{
	void	**chain = NULL, **more;
	size_t	 taken = 0;
	cJSON	*data;

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
	data = cJSON_CreateObject();
	cJSON_AddStringToObject(data, "attack", attack_name(c));
	cJSON_AddStringToObject(data, "result", "refused");
	cJSON_AddNumberToObject(data, "errno", ENOMEM);
	cJSON_AddNumberToObject(data, "mib", (double)(taken / MIB));
	return emit_output(c, data);
}

/* The same by shared memory, which a limit on private memory does not count. */
int
attack_map(struct call *c)
{
	for (int i = 0; i < 4096; i++) {
		void	*p = mmap(NULL, PORTION_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return report(c, "refused", errno);
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
