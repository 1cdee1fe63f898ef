/*
 * address.c -- sorts IPv4 and IPv6 addresses by one table each, first match wins.
 *
 * IPv6 is an allow-list (2000::/3 less its special blocks).  Forms that carry an
 * IPv4 address inside (mapped, compatible, 6to4, Teredo, ISATAP) never pass, so
 * that no tunnel on the way reaches what the IPv4 table forbids.  NAT64 is the
 * exception, because some networks have nothing else: there the address inside is judged.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "launcher/broker/address.h"
#include "worker/contract/util.h"

#define IP4(a, b, c, d)	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static const struct block4 {
	uint32_t		net;
	unsigned int		bits;
	enum address_class	class;
} blocks4[] = {
	/* Metadata services that do not look like what they are. */
	{ IP4(168, 63, 129, 16), 32, ADDRESS_NEVER },
	{ IP4(100, 100, 100, 200), 32, ADDRESS_NEVER },
	{ IP4(10, 0, 0, 0), 8, ADDRESS_PRIVATE },
	{ IP4(100, 64, 0, 0), 10, ADDRESS_PRIVATE },
	{ IP4(127, 0, 0, 0), 8, ADDRESS_PRIVATE },
	{ IP4(172, 16, 0, 0), 12, ADDRESS_PRIVATE },
	{ IP4(192, 168, 0, 0), 16, ADDRESS_PRIVATE },
	{ IP4(0, 0, 0, 0), 8, ADDRESS_NEVER },
	{ IP4(169, 254, 0, 0), 16, ADDRESS_NEVER },
	{ IP4(192, 0, 0, 0), 24, ADDRESS_NEVER },
	{ IP4(192, 0, 2, 0), 24, ADDRESS_NEVER },
	{ IP4(192, 88, 99, 0), 24, ADDRESS_NEVER },
	{ IP4(198, 18, 0, 0), 15, ADDRESS_NEVER },
	{ IP4(198, 51, 100, 0), 24, ADDRESS_NEVER },
	{ IP4(203, 0, 113, 0), 24, ADDRESS_NEVER },
	{ IP4(224, 0, 0, 0), 3, ADDRESS_NEVER },	/* multicast, class E, broadcast */
	{ IP4(0, 0, 0, 0), 0, ADDRESS_GLOBAL },
};

/*
 * Where a translator may find the IPv4 address, by length of its prefix
 * (RFC 6052, 2.2).  What follows it is ignored by translators, so it says nothing here.
 */
static const uint8_t places[][4] = {
	{ 12, 13, 14, 15 },	/* /96 */
	{ 6, 7, 9, 10 },	/* /48 */
	{ 7, 9, 10, 11 },	/* /56 */
	{ 9, 10, 11, 12 },	/* /64 */
};
#define PLACES_WELL_KNOWN	1	/* 64:ff9b::/96 has one length */
#define PLACES_LOCAL		4	/* 64:ff9b:1::/48 is cut as its network likes (RFC 8215) */
static_assert(PLACES_LOCAL == N_ITEMS(places), "all of them");

static const struct block6 {
	uint8_t			net[16];
	unsigned int		bits;
	enum address_class	class;
	unsigned int		nplaces;	/* not 0: NAT64, and the class is that of what is inside */
} blocks6[] = {
	{ { 0x00, 0x64, 0xff, 0x9b }, 96, ADDRESS_NEVER, PLACES_WELL_KNOWN },
	{ { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48, ADDRESS_NEVER, PLACES_LOCAL },
	{ { [15] = 1 }, 128, ADDRESS_PRIVATE },
	{ { 0xfd, 0x00, 0x0e, 0xc2 }, 32, ADDRESS_NEVER },		/* metadata and its neighbours */
	{ { 0xfd, 0x20, 0x00, 0xce }, 32, ADDRESS_NEVER },		/* metadata */
	{ { 0xfd, 0x00, 0x00, 0xc1 }, 32, ADDRESS_NEVER },		/* metadata */
	{ { 0xfd, 0x00, 0x00, 0x42 }, 32, ADDRESS_NEVER },		/* metadata */
	{ { 0xfc }, 7, ADDRESS_PRIVATE },
	{ { 0x20, 0x01, 0x00, 0x00 }, 23, ADDRESS_NEVER },		/* Teredo, ORCHID, benchmarks */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, ADDRESS_NEVER },
	{ { 0x20, 0x02 }, 16, ADDRESS_NEVER },				/* 6to4 */
	{ { 0x3f, 0xff }, 16, ADDRESS_NEVER },
	{ { 0x20 }, 3, ADDRESS_GLOBAL },
	{ { 0 }, 0, ADDRESS_NEVER },
};

static bool
net6_has(const struct block6 *b, const uint8_t *a)
{
	unsigned int	whole = b->bits / 8, rest = b->bits % 8;
	uint8_t		mask = (uint8_t)(0xff00u >> rest);

	if (memcmp(b->net, a, whole) != 0)
		return false;
	return rest == 0 || ((b->net[whole] ^ a[whole]) & mask) == 0;
}

static enum address_class
class4(uint32_t a)
{
	for (size_t i = 0; i < N_ITEMS(blocks4); i++) {
		uint32_t	mask = blocks4[i].bits == 0 ? 0 : ~0u << (32 - blocks4[i].bits);

		if ((a & mask) == blocks4[i].net)
			return blocks4[i].class;
	}
	return ADDRESS_NEVER;
}

/*
 * The strictest of all readings, since nobody tells which one is the network's.
 * 0.0.0.0/8 is no reading: no translator has anywhere to send it.  Loopback would
 * be the translator's own, which nobody can have opened.
 */
static enum address_class
class_inside(const uint8_t *a, size_t nplaces)
{
	enum address_class	strictest = ADDRESS_GLOBAL, one;
	bool			is_any = false;

	for (size_t i = 0; i < nplaces; i++) {
		const uint8_t	*at = places[i];

		if (a[at[0]] == 0)
			continue;
		one = a[at[0]] == 127 ? ADDRESS_NEVER : class4(IP4(a[at[0]], a[at[1]], a[at[2]], a[at[3]]));
		if (one > strictest)
			strictest = one;
		is_any = true;
	}
	return is_any ? strictest : ADDRESS_NEVER;
}

/* An interface id that asks for a tunnel to the IPv4 address behind it (RFC 5214), whatever the prefix. */
static bool
is_isatap(const uint8_t *a)
{
	return (a[8] & 0xfd) == 0 && a[9] == 0 && a[10] == 0x5e && a[11] == 0xfe;
}

static enum address_class
class6(const uint8_t *a)
{
	if (is_isatap(a))
		return ADDRESS_NEVER;
	for (size_t i = 0; i < N_ITEMS(blocks6); i++)
		if (net6_has(&blocks6[i], a))
			return blocks6[i].nplaces > 0 ? class_inside(a, blocks6[i].nplaces) : blocks6[i].class;
	return ADDRESS_NEVER;
}

enum address_class
address_class(const struct sockaddr *sa)
{
	struct sockaddr_in	in;
	struct sockaddr_in6	in6;

	switch (sa->sa_family) {
	case AF_INET:
		memcpy(&in, sa, sizeof(in));
		return class4(ntohl(in.sin_addr.s_addr));
	case AF_INET6:
		memcpy(&in6, sa, sizeof(in6));
		/* A scope names an interface: nothing global has one. */
		return in6.sin6_scope_id != 0 ? ADDRESS_NEVER : class6(in6.sin6_addr.s6_addr);
	default:
		return ADDRESS_NEVER;
	}
}

bool
address_allowed(const struct sockaddr *sa, bool private_ok)
{
	switch (address_class(sa)) {
	case ADDRESS_GLOBAL:
		return true;
	case ADDRESS_PRIVATE:
		return private_ok;
	default:
		return false;
	}
}
