/*
 * filters.h -- a filter seen three ways: its table, the code that libseccomp makes of it, and text.
 *
 * The code is run here by a small interpreter of classic BPF, so that filters of
 * another machine are tried as well as ours, and calls that would end the test.
 */
#ifndef TESTS_FILTERS_H
#define TESTS_FILTERS_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/filter.h"
#include "worker/contract/buf.h"
#include "worker/contract/util.h"

#define CODE_MAX	1024u		/* instructions; the kernel's bound is 4096 */
#define STEPS_MAX	(2 * CODE_MAX)
#define X32_BIT		0x40000000u
#define BAD_CODE	0x12345678u	/* what no filter answers */

struct code {
	struct sock_filter	 at[CODE_MAX];
	size_t			 n;
};

static const struct machine {
	const char	*name;
	uint32_t	 arch;		/* SCMP_ARCH_* are the kernel's AUDIT_ARCH_* */
} machines[] = {
	{ "amd64", SCMP_ARCH_X86_64 },
	{ "arm64", SCMP_ARCH_AARCH64 },
};

/* 0, or -1: libseccomp would not. */
static inline int
code_make(enum filter f, uint32_t arch, struct code *c)
{
	const char	*what;
	int		 err, fd = memfd_create("filter", MFD_CLOEXEC);
	scmp_filter_ctx	 ctx = filter_make(f, arch, &what, &err);
	ssize_t		 n = -1;

	if (ctx == NULL)
		fprintf(stderr, "%s: %s: %s\n", filter_name(f), what, strerror(err));
	else if (fd != -1 && seccomp_export_bpf(ctx, fd) == 0)
		n = pread(fd, c->at, sizeof(c->at), 0);
	if (ctx != NULL)
		seccomp_release(ctx);
	if (fd != -1)
		close(fd);
	c->n = n <= 0 ? 0 : (size_t)n / sizeof(c->at[0]);
	return c->n == 0 || c->n == CODE_MAX ? -1 : 0;
}

static inline bool
jump(uint16_t op, uint32_t a, uint32_t k)
{
	switch (BPF_OP(op)) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	default:
		return (a & k) != 0;	/* BPF_JSET */
	}
}

/* What the kernel would answer; BAD_CODE for code that it would not take. */
static inline uint32_t
code_run(const struct code *c, const struct seccomp_data *d)
{
	uint32_t	 a = 0;
	size_t		 pc = 0;

	for (unsigned int steps = 0; pc < c->n && steps < STEPS_MAX; steps++) {
		const struct sock_filter	*i = &c->at[pc++];

		switch (i->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (i->k % 4 != 0 || i->k > sizeof(*d) - 4)
				return BAD_CODE;
			memcpy(&a, (const char *)d + i->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= i->k;
			break;
		case BPF_JMP | BPF_JA:
			pc += i->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			pc += jump(i->code, a, i->k) ? i->jt : i->jf;
			break;
		case BPF_RET | BPF_K:
			return i->k;
		default:
			return BAD_CODE;
		}
	}
	return BAD_CODE;
}

/* A call's number on that machine; below 0: it has none. */
static inline int
number_on(uint32_t arch, int nr)
{
	char	*name = seccomp_syscall_resolve_num_arch(seccomp_arch_native(), nr);
	int	 there = name == NULL ? -1 : seccomp_syscall_resolve_name_arch(arch, name);

	free(name);
	return there;
}

static inline bool
args_match(const struct rule *r, const struct seccomp_data *d)
{
	for (unsigned int i = 0; i < r->nargs; i++) {
		const struct scmp_arg_cmp	*c = &r->args[i];
		uint64_t			 v = d->args[c->arg];

		if (c->op == SCMP_CMP_EQ ? v != c->datum_a : (v & c->datum_a) != c->datum_b)
			return false;
	}
	return true;
}

static inline uint32_t
answer_word(int answer)
{
	switch (answer) {
	case ANSWER_ALLOW:
		return SECCOMP_RET_ALLOW;
	case ANSWER_TRAP:
		return SECCOMP_RET_TRAP;
	case ANSWER_KILL:
		return SECCOMP_RET_KILL_PROCESS;
	case ANSWER_TELL:
		return SECCOMP_RET_USER_NOTIF;
	default:
		return SECCOMP_RET_ERRNO | (uint32_t)answer;
	}
}

/* What the table says, with no library asked but for numbers: numbers[] of its rules, from number_on(). */
static inline uint32_t
table_run(enum filter f, uint32_t arch, const int *numbers, const struct seccomp_data *d)
{
	size_t			 n;
	const struct rule	*r = filter_table(f, &n);

	if (d->arch != arch || (arch == SCMP_ARCH_X86_64 && (uint32_t)d->nr >= X32_BIT && d->nr != -1))
		return SECCOMP_RET_KILL_PROCESS;
	for (size_t i = 0; i < n; i++)
		if ((r[i].in & IN(f)) != 0 && numbers[i] >= 0 && numbers[i] == d->nr && args_match(&r[i], d))
			return answer_word(r[i].answer);
	return answer_word(filter_otherwise(f));
}

/* What a rule asks for, as text: " arg1&0xffffffff==0x3", or nothing. */
static inline void
conditions_print(struct buf *b, const struct rule *r)
{
	char	 text[80];

	for (unsigned int i = 0; i < r->nargs; i++) {
		const struct scmp_arg_cmp	*c = &r->args[i];

		if (c->op == SCMP_CMP_EQ)
			snprintf(text, sizeof(text), " arg%u==%#llx", c->arg, (unsigned long long)c->datum_a);
		else
			snprintf(text, sizeof(text), " arg%u&%#llx==%#llx", c->arg, (unsigned long long)c->datum_a,
			    (unsigned long long)c->datum_b);
		buf_adds(b, text);
	}
}

/* The caller frees it. */
static inline int *
numbers_of(enum filter f, uint32_t arch)
{
	size_t			 n;
	const struct rule	*r = filter_table(f, &n);
	int			*numbers = calloc(n, sizeof(*numbers));

	if (numbers == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		numbers[i] = number_on(arch, r[i].nr);
	return numbers;
}

#endif
