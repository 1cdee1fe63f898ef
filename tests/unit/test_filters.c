/*
 * test_filters.c -- every filter that is shipped: as text, as it is checked in, and call by call.
 *
 * With "--write FOLDER" it writes the texts (make filters); read the difference before you commit it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "sandbox/private.h"
#include "tests/unit/filters.h"
#include "worker/contract/limits.h"

#define FOLDER		"tests/cases/filters"
#define TEXT_BYTES_MAX	(32 * KIB)
#define LINES_MAX	256u
#define INSTRUCTIONS_MAX 400u		/* each call may pass all of them */
#define NUMBERS_MAX	600		/* tried one by one; no machine has more calls yet */

static void
answer_print(struct buf *b, int answer)
{
	switch (answer) {
	case ANSWER_ALLOW:
		buf_adds(b, "allow");
		break;
	case ANSWER_TRAP:
		buf_adds(b, "trap");
		break;
	case ANSWER_KILL:
		buf_adds(b, "kill");
		break;
	case ANSWER_TELL:
		buf_adds(b, "tell");
		break;
	case ANSWER_NOTHING:
		buf_adds(b, "nothing");
		break;
	default:
		buf_adds(b, strerrorname_np(answer));
	}
}

static char *
line_of(const struct rule *r, int number)
{
	char		*name = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), r->nr);
	char		 text[80];
	struct buf	 b;

	buf_init(&b, KIB);
	buf_adds(&b, name);
	snprintf(text, sizeof(text), " %d ", number);
	buf_adds(&b, text);
	answer_print(&b, r->answer);
	conditions_print(&b, r);
	buf_adds(&b, "\t# ");
	buf_adds(&b, r->why);
	buf_addc(&b, '\n');
	buf_addc(&b, '\0');
	free(name);
	return b.data;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "NAME NUMBER ANSWER CONDITIONS	# why", sorted; the same whatever libseccomp it was made with. */
static void
text_print(struct buf *b, enum filter f, const struct machine *m)
{
	char			*lines[LINES_MAX];
	size_t			 n, k = 0;
	const struct rule	*r = filter_table(f, &n);
	int			*numbers = numbers_of(f, m->arch);

	buf_adds(b, "# another machine's call: kill; a call that is not listed: ");
	answer_print(b, filter_otherwise(f));
	buf_addc(b, '\n');
	for (size_t i = 0; i < n; i++)
		if ((r[i].in & IN(f)) != 0 && numbers[i] >= 0) {
			assert_true(k < LINES_MAX);
			lines[k++] = line_of(&r[i], numbers[i]);
		}
	qsort(lines, k, sizeof(lines[0]), by_text);
	for (size_t i = 0; i < k; i++) {
		buf_adds(b, lines[i]);
		free(lines[i]);
	}
	buf_addc(b, '\0');
	free(numbers);
}

static void
path_of(char path[200], const char *folder, enum filter f, const struct machine *m)
{
	snprintf(path, 200, "%s/%s-%s.txt", folder, filter_name(f), m->name);
}

static int
texts_write(const char *folder)
{
	for (enum filter f = 0; f < FILTER__MAX; f++)
		for (size_t m = 0; m < N_ITEMS(machines); m++) {
			struct buf	 b;
			char		 path[200];
			FILE		*to;

			buf_init(&b, TEXT_BYTES_MAX);
			text_print(&b, f, &machines[m]);
			path_of(path, folder, f, &machines[m]);
			if ((to = fopen(path, "w")) == NULL || fputs(b.data, to) == EOF || fclose(to) != 0) {
				perror(path);
				return 1;
			}
			buf_free(&b);
		}
	return 0;
}

/* The first line that is not the same, with both its forms. */
static void
texts_compare(const char *path, const char *now, const char *kept)
{
	unsigned int	 line = 1;

	for (; *now != '\0' || *kept != '\0'; line++) {
		size_t	 n = strcspn(now, "\n"), k = strcspn(kept, "\n");

		if (n != k || strncmp(now, kept, n) != 0)
			fail_msg("%s:%u\n-%.*s\n+%.*s\nIf it is meant: make filters, and read the difference", path, line,
			    (int)k, kept, (int)n, now);
		now += n + (now[n] == '\n');
		kept += k + (kept[k] == '\n');
	}
}

static void
texts_are_checked_in(void **state)
{
	static char	 kept[TEXT_BYTES_MAX];

	(void)state;
	for (enum filter f = 0; f < FILTER__MAX; f++)
		for (size_t m = 0; m < N_ITEMS(machines); m++) {
			struct buf	 b;
			char		 path[200];
			int		 fd;
			ssize_t		 n = -1;

			buf_init(&b, TEXT_BYTES_MAX);
			text_print(&b, f, &machines[m]);
			path_of(path, FOLDER, f, &machines[m]);
			if ((fd = open(path, O_RDONLY)) != -1)
				n = read(fd, kept, sizeof(kept) - 1);
			if (n < 0)
				fail_msg("%s: %s; make filters writes it", path, strerror(errno));
			close(fd);
			kept[n] = '\0';
			texts_compare(path, b.data, kept);
			buf_free(&b);
		}
}

static void
sizes_are_bounded(void **state)
{
	(void)state;
	for (enum filter f = 0; f < FILTER__MAX; f++)
		for (size_t m = 0; m < N_ITEMS(machines); m++) {
			struct code	 c;

			assert_int_equal(code_make(f, machines[m].arch, &c), 0);
			if (c.n > INSTRUCTIONS_MAX)
				fail_msg("%s on %s: %zu instructions", filter_name(f), machines[m].name, c.n);
		}
}

/* What programs enter is what libseccomp makes of the tables now. */
static void
built_is_what_is_made(void **state)
{
	size_t	 built = 0;

	(void)state;
	for (enum filter f = 0; f < FILTER__MAX; f++) {
		struct code			 c;
		size_t				 n;
		const struct sock_filter	*code = filter_built(f, &n);

		if (code == NULL)
			continue;
		assert_int_equal(code_make(f, seccomp_arch_native(), &c), 0);
		if (n != c.n || memcmp(code, c.at, n * sizeof(c.at[0])) != 0)
			fail_msg("%s: built, it is another filter", filter_name(f));
		built++;
	}
	assert_int_equal(built, 10);
}

/* Can one call match both? Not if a bit that both look at must differ. */
static bool
overlap(const struct rule *a, const struct rule *b)
{
	for (unsigned int i = 0; i < a->nargs; i++)
		for (unsigned int k = 0; k < b->nargs; k++) {
			const struct scmp_arg_cmp	*x = &a->args[i], *y = &b->args[k];
			uint64_t			 mx = x->op == SCMP_CMP_EQ ? ~0ull : x->datum_a;
			uint64_t			 my = y->op == SCMP_CMP_EQ ? ~0ull : y->datum_a;
			uint64_t			 vx = x->op == SCMP_CMP_EQ ? x->datum_a : x->datum_b;
			uint64_t			 vy = y->op == SCMP_CMP_EQ ? y->datum_a : y->datum_b;

			if (x->arg == y->arg && ((vx ^ vy) & mx & my) != 0)
				return false;
		}
	return true;
}

static void
tables_are_sound(void **state)
{
	(void)state;
	for (enum filter f = 0; f < FILTER__MAX; f++) {
		size_t			 n;
		const struct rule	*r = filter_table(f, &n);

		for (size_t i = 0; i < n; i++) {
			if ((r[i].in & IN(f)) == 0)
				continue;
			assert_true(r[i].why != NULL && r[i].why[0] != '\0' && r[i].nargs <= RULE_ARGS_MAX);
			for (unsigned int k = 0; k < r[i].nargs; k++)
				if (r[i].args[k].op != SCMP_CMP_EQ && (r[i].args[k].op != SCMP_CMP_MASKED_EQ ||
				    (r[i].args[k].datum_b & ~r[i].args[k].datum_a) != 0))
					fail_msg("%s: %s: a comparison that libseccomp gets wrong", filter_name(f), r[i].why);
			for (size_t k = 0; k < i; k++)
				if ((r[k].in & IN(f)) != 0 && r[k].nr == r[i].nr && r[k].answer != r[i].answer &&
				    overlap(&r[i], &r[k]))
					fail_msg("%s: call %d: two answers", filter_name(f), r[i].nr);
		}
	}
}

struct trial {
	enum filter		 f;
	const struct machine	*m;
	const struct code	*c;
	const int		*numbers;
	unsigned long		 tried;
};

static void
try(struct trial *t, const struct seccomp_data *d)
{
	uint32_t	 got = code_run(t->c, d), want = table_run(t->f, t->m->arch, t->numbers, d);

	t->tried++;
	if (got != want)
		fail_msg("%s on %s: call %d of %x (%llx, %llx, %llx, %llx, %llx, %llx) is answered %x, not %x",
		    filter_name(t->f), t->m->name, d->nr, d->arch, (unsigned long long)d->args[0],
		    (unsigned long long)d->args[1], (unsigned long long)d->args[2], (unsigned long long)d->args[3],
		    (unsigned long long)d->args[4], (unsigned long long)d->args[5], got, want);
}

/* Every number with nothing, everything and a little in its arguments; the same by the other way in. */
static void
try_numbers(struct trial *t)
{
	static const uint64_t	 values[] = { 0, ~0ull, 1, LOW32, ~(uint64_t)LOW32 };
	static const uint32_t	 bases[] = { 0, X32_BIT, 0x80000000u, ~0u - NUMBERS_MAX };

	for (size_t b = 0; b < N_ITEMS(bases); b++)
		for (uint32_t nr = 0; nr <= NUMBERS_MAX; nr++)
			for (size_t v = 0; v < N_ITEMS(values); v++) {
				struct seccomp_data	 d = { .nr = (int)(bases[b] + nr), .arch = t->m->arch };

				for (int i = 0; i < 6; i++)
					d.args[i] = values[v];
				try(t, &d);
			}
}

/* From arguments that a rule asks for, each single bit of all six turned round. */
static void
try_rule(struct trial *t, const struct rule *r, int number, uint64_t rest)
{
	struct seccomp_data	 d = { .nr = number, .arch = t->m->arch };

	for (int i = 0; i < 6; i++)
		d.args[i] = rest;
	for (unsigned int i = 0; i < r->nargs; i++) {
		const struct scmp_arg_cmp	*c = &r->args[i];

		d.args[c->arg] = c->op == SCMP_CMP_EQ ? c->datum_a : (rest & ~c->datum_a) | c->datum_b;
	}
	try(t, &d);
	for (int i = 0; i < 6; i++)
		for (int bit = 0; bit < 64; bit++) {
			d.args[i] ^= 1ull << bit;
			try(t, &d);
			d.args[i] ^= 1ull << bit;
		}
}

static void
try_machines(struct trial *t)
{
	static const uint32_t	 others[] = { 0, ~0u, AUDIT_ARCH_I386, AUDIT_ARCH_X86_64, AUDIT_ARCH_ARM,
		AUDIT_ARCH_AARCH64, AUDIT_ARCH_PPC64LE, AUDIT_ARCH_RISCV64, AUDIT_ARCH_X86_64 ^ __AUDIT_ARCH_LE };

	for (size_t o = 0; o < N_ITEMS(others); o++)
		for (int nr = -1; nr <= NUMBERS_MAX; nr++)
			try(t, &(struct seccomp_data){ .nr = nr, .arch = others[o] });
}

static void
code_is_what_the_table_says(void **state)
{
	(void)state;
	for (enum filter f = 0; f < FILTER__MAX; f++)
		for (size_t m = 0; m < N_ITEMS(machines); m++) {
			size_t			 n;
			const struct rule	*r = filter_table(f, &n);
			struct code		 c;
			int			*numbers = numbers_of(f, machines[m].arch);
			struct trial		 t = { f, &machines[m], &c, numbers, 0 };

			assert_int_equal(code_make(f, machines[m].arch, &c), 0);
			try_numbers(&t);
			try_machines(&t);
			for (size_t i = 0; i < n; i++)
				if ((r[i].in & IN(f)) != 0 && numbers[i] >= 0) {
					try_rule(&t, &r[i], numbers[i], 0);
					try_rule(&t, &r[i], numbers[i], ~0ull);
					try_rule(&t, &r[i], numbers[i], 0x5555555555555555ull);
				}
			assert_true(t.tried > 10000);
			free(numbers);
		}
}

/* Said once more by hand: what the tables are for. */
#define UPPER	(1ull << 32)
static const struct {
	const char	*why;
	enum filter	 f;
	int		 nr;
	uint64_t	 args[6];
	uint32_t	 answer;
} intents[] = {
	{ "a request", FILTER_LOCK, SCMP_SYS(sendto), { 9, 1, 1, MSG_NOSIGNAL, 0, 0 }, SECCOMP_RET_ALLOW },
	{ "to an address", FILTER_LOCK, SCMP_SYS(sendto), { 9, 1, 1, 0, 1, 16 }, SECCOMP_RET_TRAP },
	{ "to a high address", FILTER_LOCK, SCMP_SYS(sendto), { 9, 1, 1, 0, UPPER, 16 }, SECCOMP_RET_TRAP },
	{ "by fast open", FILTER_LOCK, SCMP_SYS(sendto), { 9, 1, 1, MSG_FASTOPEN, 0, 0 }, SECCOMP_RET_TRAP },
	{ "by fast open in disguise", FILTER_LOCK, SCMP_SYS(sendto), { 9, 1, 1, UPPER | MSG_FASTOPEN, 0, 0 }, SECCOMP_RET_TRAP },
	{ "connect does nothing", FILTER_LOCK, SCMP_SYS(connect), { 9, 1, 16 }, SECCOMP_RET_ERRNO },
	{ "no socket", FILTER_LOCK, SCMP_SYS(socket), { AF_INET, SOCK_STREAM }, SECCOMP_RET_ERRNO | EACCES },
	{ "memory", FILTER_LOCK, SCMP_SYS(mmap), { 0, 4096, 3, 0x22 }, SECCOMP_RET_ALLOW },
	{ "memory to execute", FILTER_LOCK, SCMP_SYS(mmap), { 0, 4096, 7, 0x22 }, SECCOMP_RET_TRAP },
	{ "the same in disguise", FILTER_LOCK, SCMP_SYS(mmap), { 0, 4096, UPPER | 7, 0x22 }, SECCOMP_RET_TRAP },
	{ "shared memory", FILTER_LOCK, SCMP_SYS(mmap), { 0, 4096, 3, 0x21 }, SECCOMP_RET_TRAP },
	{ "memory made executable", FILTER_LOCK, SCMP_SYS(mprotect), { 0, 4096, 5 }, SECCOMP_RET_TRAP },
	{ "the loader may", FILTER_LOAD, SCMP_SYS(mprotect), { 0, 4096, 5 }, SECCOMP_RET_ALLOW },
	{ "code moved", FILTER_LOCK, SCMP_SYS(mremap), { 0, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, 4096 }, SECCOMP_RET_TRAP },
	{ "realloc", FILTER_LOCK, SCMP_SYS(mremap), { 0, 4096, 8192, MREMAP_MAYMOVE }, SECCOMP_RET_ALLOW },
	{ "a worker", FILTER_LOCK, SCMP_SYS(clone), { CLONE_NEWPID | CLONE_PARENT | SIGCHLD, 0 }, SECCOMP_RET_ALLOW },
	{ "a plain child", FILTER_LOCK, SCMP_SYS(clone), { SIGCHLD, 0 }, SECCOMP_RET_TRAP },
	{ "a user namespace", FILTER_LOCK, SCMP_SYS(clone), { CLONE_NEWUSER | CLONE_NEWPID | CLONE_PARENT | SIGCHLD }, SECCOMP_RET_TRAP },
	{ "a stack of its own", FILTER_LOCK, SCMP_SYS(clone), { CLONE_NEWPID | CLONE_PARENT | SIGCHLD, UPPER }, SECCOMP_RET_TRAP },
	{ "clone3", FILTER_LOCK, SCMP_SYS(clone3), { 1, 88 }, SECCOMP_RET_ERRNO | ENOSYS },
	{ "alone, no child", FILTER_ALONE, SCMP_SYS(clone), { CLONE_PARENT | SIGCHLD }, SECCOMP_RET_TRAP },
	{ "without namespaces, no child's child", FILTER_NOFORK, SCMP_SYS(clone), { CLONE_PARENT | SIGCHLD }, SECCOMP_RET_TRAP },
	{ "and no new filter", FILTER_NOFORK, SCMP_SYS(seccomp), { 1 }, SECCOMP_RET_TRAP },
	{ "SIGSYS is the trap's", FILTER_LOCK, SCMP_SYS(rt_sigaction), { SIGSYS, 1 }, SECCOMP_RET_TRAP },
	{ "in disguise too", FILTER_LOCK, SCMP_SYS(rt_sigaction), { UPPER | SIGSYS, 1 }, SECCOMP_RET_TRAP },
	{ "no other stack", FILTER_LOCK, SCMP_SYS(sigaltstack), { 1 }, SECCOMP_RET_TRAP },
	{ "the end of a trap", FILTER_LOCK, SCMP_SYS(nfsservctl), { 0 }, SECCOMP_RET_KILL_PROCESS },
	{ "no life after the launcher", FILTER_LOCK, SCMP_SYS(prctl), { PR_SET_PDEATHSIG, 0 }, SECCOMP_RET_TRAP },
	{ "no tracer", FILTER_LOCK, SCMP_SYS(prctl), { PR_SET_DUMPABLE, 1 }, SECCOMP_RET_TRAP },
	{ "no file", FILTER_LOCK, SCMP_SYS(openat), { 0 }, SECCOMP_RET_ERRNO | ENOENT },
	{ "no program", FILTER_LOCK, SCMP_SYS(execve), { 0 }, SECCOMP_RET_TRAP },
	{ "no program from memory", FILTER_LOCK, SCMP_SYS(execveat), { 0 }, SECCOMP_RET_TRAP },
	{ "none even while loading", FILTER_LOAD, SCMP_SYS(execveat), { 0 }, SECCOMP_RET_TRAP },
	{ "no device on a socket", FILTER_LOCK, SCMP_SYS(setsockopt), { 9, SOL_SOCKET, SO_BINDTODEVICE }, SECCOMP_RET_TRAP },
	{ "no delay", FILTER_LOCK, SCMP_SYS(setsockopt), { 9, IPPROTO_TCP, TCP_NODELAY }, SECCOMP_RET_ALLOW },
	{ "no signals by the kernel", FILTER_LOCK, SCMP_SYS(fcntl), { 9, UPPER | F_SETOWN, 1 }, SECCOMP_RET_TRAP },
	{ "no duplicates", FILTER_LOCK, SCMP_SYS(fcntl), { 9, F_DUPFD, 1 }, SECCOMP_RET_TRAP },
};

static void
intents_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ITEMS(intents); i++)
		for (size_t m = 0; m < N_ITEMS(machines); m++) {
			struct code		 c;
			struct seccomp_data	 d = { .nr = number_on(machines[m].arch, intents[i].nr),
				.arch = machines[m].arch };
			uint32_t		 got;

			memcpy(d.args, intents[i].args, sizeof(intents[i].args));
			assert_int_equal(code_make(intents[i].f, machines[m].arch, &c), 0);
			if ((got = code_run(&c, &d)) != intents[i].answer)
				fail_msg("%s: %s on %s answers %x", intents[i].why, filter_name(intents[i].f),
				    machines[m].name, got);
		}
}

/* The interpreter against the machine it stands for. */
static void
interpreter_is_strict(void **state)
{
	struct code		 c = { .n = 2 };
	struct seccomp_data	 d = { .nr = 7, .args = { 0x1122334455667788ull } };

	(void)state;
	c.at[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 20);
	c.at[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x11223344, 0, 1);
	assert_int_equal(code_run(&c, &d), BAD_CODE);		/* runs off its end */
	c.n = 4;
	c.at[2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 1);
	c.at[3] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 2);
	assert_int_equal(code_run(&c, &d), 1);
	c.at[1].k = 0x55667788;
	assert_int_equal(code_run(&c, &d), 2);
	c.at[0].k = 16;
	assert_int_equal(code_run(&c, &d), 1);
	c.at[0].k = 61;
	assert_int_equal(code_run(&c, &d), BAD_CODE);
	c.at[0].k = 64;
	assert_int_equal(code_run(&c, &d), BAD_CODE);
	c.at[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0);
	assert_int_equal(code_run(&c, &d), BAD_CODE);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_checked_in),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(built_is_what_is_made),
		cmocka_unit_test(tables_are_sound),
		cmocka_unit_test(code_is_what_the_table_says),
		cmocka_unit_test(intents_hold),
		cmocka_unit_test(interpreter_is_strict),
	};

	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		return texts_write(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
