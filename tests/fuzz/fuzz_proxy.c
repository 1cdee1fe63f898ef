/*
 * fuzz_proxy.c -- any bytes as a proxy's answers, in any portions: nothing is read past the answer's end, and no
 * state says more than its buffer holds.  The first byte chooses the proxy, the second the portions.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "launcher/broker/proxy.h"
#include "worker/contract/util.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static const struct wire_proxy	proxies[] = {
	{ .kind = WIRE_PROXY_HTTP, .port = 1, .host = "p" },
	{ .kind = WIRE_PROXY_HTTP, .port = 1, .host = "p", .user = "u", .password = "w" },
	{ .kind = WIRE_PROXY_SOCKS5, .port = 1, .host = "p" },
	{ .kind = WIRE_PROXY_SOCKS5, .port = 1, .host = "p", .user = "u", .password = "w" },
};
static const char *const	targets[] = { "93.184.215.34", "2606:4700::34", "a.example" };

/* Feeds it whole or in portions; *end is where it stopped. */
static enum proxy_step
feed(unsigned int choice, const uint8_t *data, size_t n, size_t portion, size_t *end)
{
	struct proxy_talk	t;
	const struct wire_proxy	*p = &proxies[choice % N_ITEMS(proxies)];
	enum proxy_step		step = proxy_begin(&t, p, targets[choice / N_ITEMS(proxies) % N_ITEMS(targets)], 443);
	size_t			at = 0;

	while (at < n && (step == PROXY_SAY || step == PROXY_MORE)) {
		size_t	used = 0, left = n - at < portion ? n - at : portion;

		must(t.say_bytes > 0 && t.say_bytes <= sizeof(t.say));
		step = proxy_hear(&t, data + at, left, &used);
		must(used > 0 && used <= left && t.heard_bytes <= sizeof(t.heard));
		must(step != PROXY_MORE || used == left);
		at += used;
	}
	if (step == PROXY_FAILED)
		must(t.status != EGRESS_OK && t.status < EGRESS__MAX && t.reason[0] != '\0');
	*end = at;
	return step;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t		whole_end, parts_end;
	enum proxy_step	whole, parts;

	if (n < 2)
		return 0;
	whole = feed(data[0], data + 2, n - 2, SIZE_MAX, &whole_end);
	parts = feed(data[0], data + 2, n - 2, 1 + data[1] % 7u, &parts_end);
	must(whole == parts && whole_end == parts_end);
	return 0;
}
