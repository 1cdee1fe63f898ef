/*
 * proxy.c -- the operator's proxy: its URL, and the hosts it is not for.
 *
 * The URL may hold a password, so no message repeats any of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>

#include "launcher/core/bounds.h"
#include "launcher/core/broker_policy.h"
#include "launcher/core/broker_wire.h"
#include "launcher/core/files.h"
#include "launcher/core/inv.h"

#define ENV_PROXY	"BASCULE_PROXY"
#define ENV_DIRECT	"BASCULE_NO_PROXY"
#define ENV_DNS		"BASCULE_PROXY_DNS"
#define URL_BYTES_MAX	2048
#define DIRECT_DEFAULT	"localhost,127.0.0.1"

static_assert(PROXY_DIRECT_MAX == WIRE_DIRECT_MAX, "the wire takes them all");

static const struct {
	const char		*scheme;
	enum wire_proxy_kind	 kind;
	bool			 by_name;
} schemes[] = {
	{ "http://", WIRE_PROXY_HTTP, false },
	{ "socks5://", WIRE_PROXY_SOCKS5, false },
	{ "socks5h://", WIRE_PROXY_SOCKS5, true },
};

static int
refuse(struct error *e, const char *what)
{
	return error_set(e, ERR_USAGE, "proxy: %s", what);
}

/* The first line of a file. */
static int
url_read(const char *path, char url[URL_BYTES_MAX], struct error *e)
{
	autofd	fd = files_open(path, O_RDONLY | O_NOCTTY, 0);
	ssize_t	n = fd == -1 ? -1 : read(fd, url, URL_BYTES_MAX - 1);

	if (n == -1)
		return error_set(e, ERR_USAGE, "proxy: @%.200s: %s", path, strerror(errno));
	url[n] = '\0';
	url[strcspn(url, "\r\n")] = '\0';
	return 0;
}

static int
hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoded; -1: too long, malformed, or with control characters. */
static int
credential_take(char out[WIRE_CREDENTIAL_BYTES_MAX + 1], const char *from, size_t n)
{
	size_t	len = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char	c = (unsigned char)from[i];

		if (c == '%') {
			int	hi = i + 2 < n ? hex(from[i + 1]) : -1, lo = i + 2 < n ? hex(from[i + 2]) : -1;

			if (hi == -1 || lo == -1)
				return -1;
			c = (unsigned char)(hi << 4 | lo);
			i += 2;
		}
		if (c < ' ' || c == 0x7f || len == WIRE_CREDENTIAL_BYTES_MAX)
			return -1;
		out[len++] = (char)c;
	}
	out[len] = '\0';
	return 0;
}

/* "user:password" */
static int
credentials_take(struct wire_proxy *w, const char *from, size_t n, struct error *e)
{
	const char	*colon = memchr(from, ':', n);
	size_t		 user = colon != NULL ? (size_t)(colon - from) : n;

	if (user == 0 || credential_take(w->user, from, user) == -1 || strchr(w->user, ':') != NULL ||
	    (colon != NULL && credential_take(w->password, colon + 1, n - user - 1) == -1))
		return refuse(e, "user and password have up to 255 bytes each, other than control characters, with %XX for "
		    "':', '@', '/' and '%'");
	return 0;
}

/* "host:port", "[address]:port" */
static int
place_take(struct wire_proxy *w, const char *p, struct error *e)
{
	static const char	letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	bool			six = *p == '[';
	size_t			n = six ? strspn(++p, "0123456789abcdefABCDEF:.") : strspn(p, letters);
	unsigned int		port = 0;

	if (n == 0 || n > EGRESS_HOST_BYTES_MAX || (six && p[n] != ']'))
		return refuse(e, "its host is a name, an IPv4 address, or an IPv6 address in brackets");
	memcpy(w->host, p, n);
	p += n + (six ? 1 : 0);
	if (*p != ':')
		return refuse(e, "its port is missing (scheme://host:port)");
	for (p++; *p >= '0' && *p <= '9' && port <= UINT16_MAX; p++)
		port = port * 10 + (unsigned int)(*p - '0');
	if (port == 0 || port > UINT16_MAX || (strcmp(p, "") != 0 && strcmp(p, "/") != 0))
		return refuse(e, "it ends with a port from 1 to 65535 (scheme://host:port)");
	w->port = (uint16_t)port;
	return 0;
}

static int
url_take(struct wire_proxy *w, const char *url, bool no_credentials, struct error *e)
{
	size_t		 i = 0;
	const char	*place, *at;

	if (strncasecmp(url, "https://", 8) == 0)
		return refuse(e, "TLS to the proxy itself is not supported; use http:// (the source's TLS goes through it "
		    "untouched), or stunnel beside this program: see EGRESS in bascule(1)");
	while (i < N_ITEMS(schemes) && strncasecmp(url, schemes[i].scheme, strlen(schemes[i].scheme)) != 0)
		i++;
	if (i == N_ITEMS(schemes))
		return refuse(e, "a URL is wanted: http://host:port, socks5://host:port or socks5h://host:port; @FILE that "
		    "holds one; or none");
	w->kind = (uint16_t)schemes[i].kind;
	w->names = schemes[i].by_name;
	place = url + strlen(schemes[i].scheme);
	if ((at = strrchr(place, '@')) != NULL) {
		if (no_credentials)
			return refuse(e, "arguments are seen by everybody on this machine: put a URL with credentials into a "
			    "file and give @FILE, or set " ENV_PROXY);
		if (credentials_take(w, place, (size_t)(at - place), e) == -1)
			return -1;
		place = at + 1;
	}
	return place_take(w, place, e);
}

/* ".b.example" is "*.b.example". */
static int
direct_take(struct egress_direct *d, const char *list, struct error *e)
{
	size_t	 n = 0;
	char	*out = d->text;

	for (const char *p = list; *(p += strspn(p, ", ")) != '\0';) {
		size_t	len = strcspn(p, ", ");

		if (n == PROXY_DIRECT_MAX || len > EGRESS_HOST_BYTES_MAX)
			return error_set(e, ERR_USAGE, "no-proxy: at most %d hosts of %d bytes", PROXY_DIRECT_MAX,
			    EGRESS_HOST_BYTES_MAX);
		d->hosts[n++] = out;
		if (*p == '.')
			*out++ = '*';
		for (size_t i = 0; i < len; i++)
			*out++ = (char)(p[i] >= 'A' && p[i] <= 'Z' ? p[i] | 0x20 : p[i]);
		*out++ = '\0';
		if (!egress_host_ok(d->hosts[n - 1]))
			return error_set(e, ERR_USAGE, "no-proxy: %.80s: a host, an IPv4 address, or .DOMAIN for all below it",
			    d->hosts[n - 1]);
		p += len;
	}
	d->hosts[n] = NULL;
	return 0;
}

static int
names_take(struct wire_proxy *w, const char *dns, struct error *e)
{
	if (dns == NULL)
		dns = getenv(ENV_DNS);
	if (dns == NULL || dns[0] == '\0')
		return 0;
	w->names = strcmp(dns, "remote") == 0;
	if (w->names == 0 && strcmp(dns, "local") != 0)
		return error_set(e, ERR_USAGE, "proxy-dns: local or remote");
	return 0;
}

int
proxy_settle(const struct inv_proxy *asked, struct wire_proxy *w, struct egress_direct *d, struct error *e)
{
	const char	*url = asked->url != NULL ? asked->url : getenv(ENV_PROXY), *direct = asked->direct;
	char		 text[URL_BYTES_MAX] = "";
	int		 r;

	*w = (struct wire_proxy){ 0 };
	d->hosts[0] = NULL;
	if (url == NULL || url[0] == '\0' || strcmp(url, "none") == 0)
		return 0;
	if (url[0] == '@')
		r = url_read(url + 1, text, e);
	else if (strlen(url) >= sizeof(text))
		r = refuse(e, "its URL is too long");
	else {
		memcpy(text, url, strlen(url) + 1);
		r = 0;
	}
	if (r == 0)
		r = url_take(w, text, asked->from_argument && url[0] != '@' && asked->url != NULL, e);
	explicit_bzero(text, sizeof(text));
	if (r == -1)
		return -1;
	if (direct == NULL && (direct = getenv(ENV_DIRECT)) == NULL)
		direct = DIRECT_DEFAULT;
	return names_take(w, asked->dns, e) == -1 ? -1 : direct_take(d, direct, e);
}

int
bounds_make(struct wire_open *most, const char *const *opened, struct error *e)
{
	static struct egress_direct	 direct;
	struct wire_proxy		 proxy;
	struct broker_policy		 p = { .allow_private = opened, .proxy = &proxy, .direct = direct.hosts };

	if (proxy_settle(&(struct inv_proxy){ 0 }, &proxy, &direct, e) == -1)
		return -1;
	/* As for invocations: without a proxy nothing is past it. */
	if (proxy.kind == WIRE_PROXY_NONE)
		p.direct = NULL;
	explicit_bzero(proxy.user, sizeof(proxy.user));
	explicit_bzero(proxy.password, sizeof(proxy.password));
	*most = (struct wire_open){ 0 };
	if (broker_policy_put(most, &p, e) == -1)
		return -1;
	most->connects_max = UINT32_MAX;
	return 0;
}
