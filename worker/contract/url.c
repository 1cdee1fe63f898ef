/*
 * url.c -- as much of a URL as decides where a connection goes.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "worker/contract/spec.h"
#include "worker/contract/util.h"

static const struct {
	const char	*scheme;
	uint16_t	 port;
	bool		 https;
} schemes[] = {
	{ "https://", 443, true },
	{ "http://", 80, false },
};

/* ":443" or nothing; -1: no port. */
static int
port_take(const char *s, size_t n, uint16_t *port)
{
	unsigned long	 p = 0;

	if (n == 0)
		return 0;
	if (s[0] != ':' || n < 2 || n > 6)
		return -1;
	for (size_t i = 1; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			return -1;
		p = p * 10 + (unsigned long)(s[i] - '0');
	}
	if (p == 0 || p > UINT16_MAX)
		return -1;
	*port = (uint16_t)p;
	return 0;
}

int
url_host_port(const char *url, char host[EGRESS_HOST_BYTES_MAX + 1], uint16_t *port, bool *https)
{
	const char	*p;
	size_t		 n, host_bytes;

	for (size_t i = 0; i < N_ITEMS(schemes); i++) {
		if (strncasecmp(url, schemes[i].scheme, strlen(schemes[i].scheme)) != 0)
			continue;
		p = url + strlen(schemes[i].scheme);
		/* No user, no IPv6 literal: neither is made of the characters of a host below. */
		n = strcspn(p, "/?#");
		host_bytes = strcspn(p, ":/?#");
		if (host_bytes == 0 || host_bytes > EGRESS_HOST_BYTES_MAX || host_bytes > n)
			return -1;
		*port = schemes[i].port;
		*https = schemes[i].https;
		if (port_take(p + host_bytes, n - host_bytes, port) == -1)
			return -1;
		for (size_t k = 0; k < host_bytes; k++) {
			if (!isalnum((unsigned char)p[k]) && p[k] != '-' && p[k] != '.' && p[k] != '_')
				return -1;
			host[k] = (char)tolower((unsigned char)p[k]);
		}
		if (host_bytes > 1 && host[host_bytes - 1] == '.')
			host_bytes--;
		host[host_bytes] = '\0';
		return 0;
	}
	return -1;
}
