/*
 * locked.c -- the first line of a worker.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "launcher/core/core.h"

enum relay_news
locked_read(int fd, size_t *seen, struct error *e)
{
	static const char	 line[] = "{\"type\":\"locked\"}\n";
	char			 got[sizeof(line)];
	ssize_t			 n;

	while (*seen < sizeof(line) - 1) {
		n = read(fd, got, sizeof(line) - 1 - *seen);
		if (n == 0 && *seen == 0)
			return RELAY_ENDED;
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return RELAY_QUIET;
		if (n <= 0 || memcmp(got, line + *seen, (size_t)n) != 0) {
			(void)error_set(e, ERR_PROTOCOL, "the worker broke the protocol: something else before its walls stood");
			return RELAY_BROKEN;
		}
		*seen += (size_t)n;
	}
	return RELAY_LOCKED;
}
