/*
 * fuzz_seccomp.c -- any bytes as a system call: each shipped filter answers as its table says.
 */
#include "tests/unit/filters.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct {
	struct code	 code;
	int		*numbers;
} made[FILTER__MAX][N_ITEMS(machines)];

static void
make_all(void)
{
	for (enum filter f = 0; f < FILTER__MAX; f++)
		for (size_t m = 0; m < N_ITEMS(machines); m++) {
			if (code_make(f, machines[m].arch, &made[f][m].code) == -1)
				abort();
			made[f][m].numbers = numbers_of(f, machines[m].arch);
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct seccomp_data	 d = { 0 };

	if (made[0][0].numbers == NULL)
		make_all();
	memcpy(&d, data, n < sizeof(d) ? n : sizeof(d));
	for (enum filter f = 0; f < FILTER__MAX; f++)
		for (size_t m = 0; m < N_ITEMS(machines); m++) {
			/* Mostly the right machine and a number there is, so that arguments come to be looked at. */
			if (n > 0 && (data[n - 1] & 7) != 0) {
				d.arch = machines[m].arch;
				d.nr &= 0x1ff;
			}
			if (code_run(&made[f][m].code, &d) != table_run(f, machines[m].arch, made[f][m].numbers, &d))
				abort();
		}
	return 0;
}
