/*
 * inherit.c -- program text that workers need not map anew.
 *
 * A fork copies no page table of a file mapping that was never written to: each
 * worker would meet every stretch of text that it runs with a fault, two thirds of all
 * that it has.  Once one byte of such a mapping was written, with what is there, its
 * table is copied with the others.  Done for what every command runs, and not for the
 * large libraries, whose tables cost more to copy than to do without.
 *
 * It has to be the whole mapping, since a part made writable stays apart; and this code
 * runs in one of them: so they are writable and executable for that moment, in stage 1, where
 * the loader does the same.  Stage 2 forbids it for good.
 */
#include <link.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "worker/contract/util.h"
#include "worker/runtime/worker.h"

static bool
every_command_runs(const char *path)
{
	static const char *const	 names[] = { "/libc.so", "/libcjson.so" };

	if (path[0] == '\0')		/* the program itself */
		return true;
	for (size_t i = 0; i < N_ITEMS(names); i++)
		if (strstr(path, names[i]) != NULL)
			return true;
	return false;
}

/* A host may forbid it: then it is only slower. */
static void
segment_touch(char *from, size_t bytes, int prot)
{
	volatile char	*byte = from;

	if (mprotect(from, bytes, prot | PROT_WRITE) == -1)
		return;
	*byte = *byte;
	if (mprotect(from, bytes, prot) == -1)
		abort();
	/* Loading ran over most of it; a fork copies what is mapped at that time, so only what comes after is. */
	(void)madvise(from, bytes, MADV_DONTNEED);
}

static int
segments_touch(struct dl_phdr_info *info, size_t n, void *arg)
{
	uintptr_t	 page = *(const uintptr_t *)arg;

	(void)n;
	for (int i = 0; every_command_runs(info->dlpi_name) && i < info->dlpi_phnum; i++) {
		const ElfW(Phdr)	*ph = &info->dlpi_phdr[i];
		uintptr_t		 from = info->dlpi_addr + ph->p_vaddr, to = from + ph->p_memsz;

		if (ph->p_type != PT_LOAD || (ph->p_flags & PF_W) != 0)
			continue;
		from -= from % page;
		to += (page - to % page) % page;
		segment_touch((char *)from, to - from, PROT_READ | ((ph->p_flags & PF_X) != 0 ? PROT_EXEC : 0));
	}
	return 0;
}

void
text_inherit(void)
{
	uintptr_t	 page = (uintptr_t)sysconf(_SC_PAGESIZE);

	dl_iterate_phdr(segments_touch, &page);
}
