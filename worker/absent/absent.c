/*
 * absent.c -- what the C library would do by loading more of itself from files: look up names, load libraries.
 *
 * Connectors and bascule hold their C library.  OpenSSL asks for these to find engines, libcurl and libevent to resolve
 * names; in a worker there is no file to load from, and names are the broker's to resolve (fetch_try.c hands libcurl
 * an address).  Here they are refused at once, in the terms of their manuals, instead of dragging in half a resolver that could not work.
 */
#include <netdb.h>
#include <stddef.h>

/* By --wrap: the C library holds one of its own, for itself. */
void	*__wrap_dlopen(const char *file, int mode);

void *
__wrap_dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}

int
getaddrinfo(const char *restrict node, const char *restrict service, const struct addrinfo *restrict hints,
    struct addrinfo **restrict found)
{
	(void)node;
	(void)service;
	(void)hints;
	*found = NULL;
	return EAI_FAIL;
}

/* Of lists that getaddrinfo() made: there are none. */
void
freeaddrinfo(struct addrinfo *list)
{
	(void)list;
}

struct servent *
getservbyname(const char *name, const char *proto)
{
	(void)name;
	(void)proto;
	return NULL;
}

struct protoent *
getprotobynumber(int number)
{
	(void)number;
	return NULL;
}

struct hostent *
gethostbyname(const char *name)
{
	(void)name;
	return NULL;
}
