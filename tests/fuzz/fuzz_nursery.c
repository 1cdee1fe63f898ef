/*
 * fuzz_nursery.c -- any reports of a nursery, between any orders: a worker is born of a process that is the nursery's to
 * give, once, and whoever was ordered hears what became of it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/unit/nursery_kit.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

enum { ORDER, REPORT, BYTES, COMPLAIN, TURN, END, READY, STEPS };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t	 len;

	if (kit.base == NULL)
		kit_open();
	kit_start();
	for (size_t i = 0; i < n; i++)
		switch (data[i] % STEPS) {
		case ORDER:
			kit_order();
			break;
		case READY:
			kit_report(0, KIT_ZERO);
			kit_turn();
			break;
		case REPORT:
			if (i + 2 < n)
				kit_report(data[i + 1], (enum kit_pid)(data[i + 2] % KIT__COUNT));
			i += 2;
			break;
		case BYTES:
		case COMPLAIN:
			len = i + 1 < n ? data[i + 1] % 32u : 0;
			len = len < n - i - 1 ? len : n - i - 1;
			if (data[i] % STEPS == BYTES)
				kit_say(data + i + 1, len);
			else if (kit.complaint != -1)
				(void)!write(kit.complaint, data + i + 1, len);
			i += len;
			break;
		case END:
			fd_closep(&kit.theirs);
			break;
		default:
			kit_turn();
		}
	kit_turn();
	if (!kit_stop())
		abort();
	return 0;
}
